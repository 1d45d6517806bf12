"""A small report made of plain values, in which every part of the page occurs and every name is hostile."""

from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
from matplotlib.figure import Figure

from robustbench_seg.report.content import GalleryPicture, Picture, Section, Table

HOSTILE = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"'&|$\\_{}%"
RED, BLUE, BLACK = (200, 0, 0), (0, 0, 200), (0, 0, 0)
LABEL = np.array([[RED, RED, BLUE, BLACK]], np.uint8).repeat(2, axis=0)
COLUMNS = ("clean", "fog", "snow", "frost", "contrast", "spatter", "pixelate", "saturate", "brightness", "retention")
MODELS = (HOSTILE, "segformer-b0", "deeplabv3plus")
CLEAN = (41.0, 9.5, 100.25)


def table() -> Table:
    """Ten columns of numbers, one of them missing; the intervals begin with the same words."""
    values = pd.DataFrame({name: [x - k for x in CLEAN] for k, name in enumerate(COLUMNS)}, dtype=float)
    values.loc[1, "fog"] = np.nan
    texts = values.map(lambda x: "–" if np.isnan(x) else f"{x:.1f}")
    said = values.map(lambda x: "" if np.isnan(x) else f"95 % interval {x - 1:.1f} to {x + 1:.1f}")
    best = values == values.max()
    first = {"loc": 0, "column": "model", "allow_duplicates": False}
    for frame, column in ((texts, MODELS), (said, ""), (best, False)):
        frame.insert(**first, value=column)
    values.insert(**first, value=MODELS)
    return Table(
        file="robustness",
        title=f"mIoU {HOSTILE}",
        caption=f"In %. {HOSTILE}",
        readable=texts,
        full=values,
        main=True,
        hover=said,
        best=best,
        group="Under corruption",
    )


def figure(name: str = HOSTILE) -> Figure:
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([0, 1], [1, 0], label=name)
    axes.set_title("m$1$")
    axes.legend()
    return figure


def pictures(folder: Path, *, shows_images: bool = True) -> list[GalleryPicture]:
    """Two models on one image: clean and two severities of fog; the higher, the more is wrong."""
    rng = np.random.default_rng(0)
    files = {"label": LABEL, "image": rng.integers(0, 256, LABEL.shape, np.uint8)}
    found = []
    for model in MODELS[:2]:
        for severity in (0, 3, 1):
            place = folder / f"{MODELS.index(model)}-{severity}"
            place.mkdir(parents=True)
            prediction = LABEL.copy()
            prediction[: severity // 2 + 1 if severity else 0, 0] = BLUE
            for kind, pixels in {**files, "prediction": prediction}.items():
                PIL.Image.fromarray(pixels.repeat(8, axis=0).repeat(8, axis=1)).save(place / f"x-{kind}.png")
            found.append(
                GalleryPicture(
                    model=model,
                    view="whole",
                    image_id=f"image {HOSTILE}",
                    corruption="fog" if severity else "clean",
                    severity=severity,
                    image=place / "x-image.png" if shows_images else None,
                    label=place / "x-label.png",
                    prediction=place / "x-prediction.png",
                )
            )
    return found


def section(folder: Path) -> Section:
    return Section(
        suite="small",
        description=HOSTILE,
        planned=3,
        synthetic=True,
        found=[f"Found {HOSTILE}"],
        findings=["All of it."],
        tables=[table()],
        pictures=[
            Picture(file=name, title=name, caption=HOSTILE, description=HOSTILE, figure=figure(), group="Figures")
            for name in ("one", "two")
        ],
        gallery=pictures(folder / "gallery"),
        missing=[f"never {HOSTILE}"],
        failures=[(f"failed {HOSTILE}.json", f"ValueError: {HOSTILE}")],
        provenance=[f"command: `run {HOSTILE}`"],
        limits=[HOSTILE],
    )
