"""Speed: latency, memory and multiply-accumulates; the SegFormer paper's Table 2 next to them; mIoU against latency."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from ...charts import Curve, Fill, scatter
from ...store.cell import CLEAN
from ...studies import speed as speeds
from ...studies.frame import NOISY_SPREAD
from ...studies.published import TABLES
from ...studies.titles import titles_of
from ..content import Content, Picture
from ..panel import Panel
from ..table import Cell, Column, Table, frame_rows
from ..units import COUNT, MILLIONS, plain

__all__ = ["make"]

BILLIONS, TWO = plain("{:.1f}", 1e9), plain("{:.2f}")


def make(panel: Panel) -> Content:
    """Make the table of speed cells, the paper's where it has the same variants and inputs, and the trade-off."""
    latency = panel.source.latency
    if not (panel.main and len(latency)):
        return Content()
    both = pd.concat([f.filter(["model", "checkpoint_sha256"]) for f in (panel.source.quality, latency)])
    latency = latency.assign(model=titles_of(both)[len(panel.source.quality) :])
    return Content(
        tables=(speed_table(latency), *published_table(latency)),
        pictures=tuple(tradeoff_picture(panel, latency)) if panel.source.pictures else (),
    )


def speed_table(latency: pd.DataFrame) -> Table:
    """Make the table of speed cells: milliseconds per batch, and a star where samples spread as on a busy machine."""
    busy = f"* quartiles further differing than {NOISY_SPREAD:.0%} of the median: the machine was busy. "
    ms = plain("{:.1f}")
    median = Column(name="median_ms", label="median (ms)", unit=ms)
    medians = zip(latency["median_ms"], latency["noisy"], strict=True)
    return table_of(
        latency.assign(median_ms=[median.cell(value, mark="*" if noisy else "") for value, noisy in medians]),
        [
            Column(name="parameters", label="params (M)", unit=MILLIONS),
            Column(name="input", label="input"),
            *(Column(name=name, unit=COUNT) for name in ("height", "width")),
            Column(name="batch", label="batch", unit=COUNT),
            Column(name="precision", label="precision", align="left"),
            Column(name="device", label="device", align="left"),
            Column(name="macs", label="GMACs", unit=BILLIONS),
            median,
            Column(name="p90_ms", label="p90 (ms)", unit=ms),
            Column(name="p99_ms", label="p99 (ms)", unit=ms),
            Column(name="classify_ms", label="resize + argmax (ms)", unit=ms),
            Column(name="total_ms", label="both (ms)", unit=ms),
            Column(name="images_per_s", label="images/s", unit=TWO),
            Column(name="peak_memory_mib", label="peak memory (MiB)", unit=plain("{:.0f}")),
            Column(name="samples", label="samples", unit=COUNT),
            Column(name="spread"),
        ],
        speeds.SETUP,
        file="speed",
        title="Latency",
        caption=f"One batch, after warm-up: from uint8 pixels to logits (median, p90, p99 from 100 samples on), "
        f"from there to a class for each pixel of the input, and both. Images/s are to logits. "
        f"{busy if latency['noisy'].any() else ''}",
        main=True,
    )


def published_table(latency: pd.DataFrame) -> list[Table]:
    """Make the table with the paper's speeds; none where Table 2 has no row of the same variant and input."""
    both, about, one = speeds.beside_table_2(latency), TABLES["table2_main"], plain("{:.1f}")
    both = both[both["paper_row"].notna()]
    if not len(both):
        return []
    table = table_of(
        both,
        [
            Column(name="input", label="input"),
            Column(name="images_per_s", label="ours: images/s", unit=TWO),
            Column(name="times_full", label="ours: times B0 at 1024", unit=TWO),
            Column(name="macs", label="ours: GMACs", unit=BILLIONS),
            Column(name="parameters", label="ours: params (M)", unit=MILLIONS),
            Column(name="paper_row", label="paper", align="left"),
            Column(name="paper_fps", label="paper: frames/s", unit=one),
            Column(name="paper_times_full", label="paper: times B0 at 1024", unit=TWO),
            Column(name="paper_gflops", label="paper: GFLOPs", unit=one),
            Column(name="paper_params_m", label="paper: params (M)", unit=one),
        ],
        speeds.OURS,
        file="speed-published",
        title="Next to the paper's Table 2",
        caption=f"{about.source}; {'; '.join(about.notes)}. Frames/s are of different machines: compare the ratios to "
        "B0 at 1024x2048. Our GMACs are of the decoder as it runs here, which needs fewer than the paper's. Ours: ",
    )
    return [table]


def table_of(cells: pd.DataFrame, columns: list[Column], setup: Sequence[str], *, caption: str, **fields: Any) -> Table:
    """Make a table with a row per speed cell.

    setup: the columns that are in one column for what differs in them, and in the caption for what does not.
    """
    differing, alike = speeds.differing_setup(cells, setup)
    rows = [row for _, row in cells.iterrows()]
    sizes = [f"{row['height']}x{row['width']}" for row in rows]
    areas = zip(sizes, cells["height"] * cells["width"], strict=True)
    frame = cells.assign(
        input=[Cell(size, area) for size, area in areas],
        differing=[speeds.setup_of(row, differing) for row in rows],
        setup=[f"{size}, batch {row['batch']}, {speeds.setup_of(row)}" for size, row in zip(sizes, rows, strict=True)],
        models=cells["model"],
        weights=cells["checkpoint_sha256"].str[:12],
    )
    columns = [Column(name="model", label="model", align="left"), *columns]
    columns += [Column(name="differing", label="setup", align="left")] if differing else []
    lines = frame_rows(frame, columns, ["models", "weights", "precision", "setup"])
    caption += f"{speeds.setup_of(cells.iloc[0], alike)}."
    return Table(columns=columns, rows=lines, where={"metric": "speed"}, caption=caption, **fields)


def tradeoff_picture(panel: Panel, latency: pd.DataFrame) -> list[Picture]:
    """Draw mIoU of the first view, clean and under corruption, against latency at the first size on the first machine.

    None for fewer than 2 models.
    """
    if not panel.views:
        return []
    view, evidence = panel.views[0], panel.evidence
    first = latency.iloc[0]
    quality = view.cells.assign(model=view.cells["title"])
    paired = speeds.quality_against_latency(speeds.of_first_setup(latency), quality)
    arms = {title: arm for arm, titles in evidence.arms.items() for title in titles}

    def curve(title: str, ms: float) -> Curve:
        scores = view.scores(title)
        names = (CLEAN, "mean") if view.conditions else (CLEAN,)
        points = tuple((ms, evidence.interval(scores[name])) for name in names)
        fills: tuple[Fill, ...] = ("ring", "full") if view.conditions else ("full",)
        link: Literal["arrow", "none"] = "arrow" if view.conditions else "none"
        return Curve(arm=title, series=view.series(arms[title]), link=link, points=points, fills=fills)

    curves = [curve(row.model, row.median_ms) for row in paired.itertuples()]
    if len(curves) < 2:
        return []
    about = view.cells.iloc[0]
    what = "mIoU on clean images (ring) and on average under corruption (full)" if view.conditions else "Clean mIoU"
    picture = Picture(
        file="tradeoff",
        title="mIoU against latency",
        caption=f"{what} in %{'' if evidence.few else ' with 95 % intervals'}, {about['dataset']} "
        f"{about['split']}, {panel.images}, view {view.name}; median latency at {first['height']}x{first['width']}, "
        f"batch {first['batch']}, {first['device']}, {first['precision']}; {speeds.setup_of(first, speeds.SETUP)}.",
        chart=scatter(curves, "latency of one batch (ms), median", "mIoU (%)"),
    )
    return [picture]
