"""A small report made of plain values, in which every part of the page occurs and every name is hostile."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from robustbench_seg.charts import Chart, Dot, dumbbells
from robustbench_seg.report.content import Picture, Section
from robustbench_seg.report.table import Cell, Column, Row, Table
from robustbench_seg.report.units import plain
from robustbench_seg.studies.findings import Finding
from robustbench_seg.studies.pictures import StoredPicture
from robustbench_seg.studies.statistics import Interval

HOSTILE = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"'&|$\\_{}%"
RED, BLUE, BLACK = (200, 0, 0), (0, 0, 200), (0, 0, 0)
LABEL = np.array([[RED, RED, BLUE, BLACK]], np.uint8).repeat(2, axis=0)
COLUMNS = ("clean", "fog", "snow", "frost", "contrast", "spatter", "pixelate", "saturate", "brightness", "retention")
MODELS = (HOSTILE, "segformer-b0", "deeplabv3plus")
CLEAN = (41.0, 9.5, 100.25)


def table() -> Table:
    """Ten columns of numbers, one of them missing; the intervals begin with the same words."""
    columns = [Column(name=name, label=name, best="high", unit=plain("{:.1f}")) for name in COLUMNS]
    rows = []
    for model, clean in zip(MODELS, CLEAN, strict=True):
        values = {name: clean - k for k, name in enumerate(COLUMNS)}
        numbers = {name: Interval(x, x - 1, x + 1) for name, x in values.items()}
        if model == MODELS[1]:
            numbers["fog"] = Interval(np.nan, np.nan, np.nan)
        cells = (Cell(model), *(column.cell_of(numbers) for column in columns))
        rows.append(Row(cells=cells, where={"row": model, "models": model}))
    return Table(
        file="robustness",
        title=f"mIoU {HOSTILE}",
        caption=f"In %. {HOSTILE}",
        columns=(Column(label="model", align="left"), *columns),
        rows=rows,
        main=True,
        group="By corruption",
    )


def text_table(columns: dict[str, list[str]], **fields: Any) -> Table:
    """A table of texts; what begins with a digit or a sign stands to the right."""
    heads = [
        Column(label=label, align="right" if texts and re.match(r"[-+<]?\d", texts[0]) else "left")
        for label, texts in columns.items()
    ]
    rows = [
        Row(cells=tuple(map(Cell, texts)), where={"row": texts[0]}) for texts in zip(*columns.values(), strict=True)
    ]
    return Table(**{"file": "x", "title": "t", "caption": "c", **fields}, columns=heads, rows=rows)


def chart(name: str = HOSTILE) -> Chart:
    """Two arms, one of which has a hostile name, clean and under corruption."""
    rows = {arm: [Dot(number=Interval(x, x - 0.05, x + 0.05), arm=arm, series=k) for x in (0.5, 0.3)]
            for k, arm in enumerate((name, "m$1$"))}  # fmt: skip
    return dumbbells({"m$1$": rows}, "mIoU (%)", notes=dict.fromkeys(rows, "one run"))


def pictures(folder: Path, *, shows_images: bool = True) -> list[StoredPicture]:
    """Two models on one image: clean and two severities of fog; the higher, the more is wrong."""
    rng = np.random.default_rng(0)
    files = {"label": LABEL, "image": rng.integers(0, 256, LABEL.shape, np.uint8)}
    found = []
    for model in MODELS[:2]:
        for severity in (0, 3, 1):
            place = folder / f"{MODELS.index(model)}-{severity}"
            place.mkdir(parents=True)
            prediction, wrong = LABEL.copy(), severity // 2 + 1 if severity else 0
            prediction[:wrong, 0] = BLUE
            for kind, pixels in {**files, "prediction": prediction}.items():
                PIL.Image.fromarray(pixels.repeat(8, axis=0).repeat(8, axis=1)).save(place / f"x-{kind}.png")
            found.append(
                StoredPicture(
                    model=model,
                    view="whole",
                    image_id=f"image {HOSTILE}",
                    corruption="fog" if severity else "clean",
                    severity=severity,
                    image=place / "x-image.png" if shows_images else None,
                    label=place / "x-label.png",
                    prediction=place / "x-prediction.png",
                    wrong=wrong / 6,
                    unlabelled=2 / 8,
                )
            )
    return found


def section(folder: Path) -> Section:
    return Section(
        suite="small",
        description=HOSTILE,
        planned=3,
        synthetic=True,
        sentences=(f"Found {HOSTILE}",),
        warnings=("All of it.",),
        tables=(table(),),
        pictures=tuple(
            Picture(file=name, title=name, caption=HOSTILE, chart=chart(), group="Figures") for name in ("one", "two")
        ),
        gallery=tuple(pictures(folder / "gallery")),
        missing=(f"never {HOSTILE}",),
        failures=((f"failed {HOSTILE}.json", f"ValueError: {HOSTILE}"),),
        provenance=(("command", f"`run {HOSTILE}`"),),
        finding=Finding(title=f"A finding {HOSTILE}"),
        limits=(HOSTILE,),
    )
