"""Speed: latency, memory and multiply-accumulates; the SegFormer paper's Table 2 next to them; mIoU against latency."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ...charts import Curve, scatter
from ...store.cell import CLEAN
from ...studies import speed as speeds
from ...studies.frame import NOISY_SPREAD
from ...studies.published import TABLES
from ..content import Content, Picture
from ..panel import FILLS, Panel
from ..table import Cell, Column, Table, frame_rows, numbers
from ..units import COUNT, MILLIONS, plain

__all__ = ["make"]

ONE, TWO, BILLIONS = plain("{:.1f}"), plain("{:.2f}"), plain("{:.1f}", 1e9)


def make(panel: Panel) -> Content:
    """Make the table of speed cells, the paper's where it has the same variants and inputs, and the trade-off."""
    if not (panel.main and len(panel.source.latency)):
        return Content()
    latency = panel.source.latency.assign(model=panel.source.latency["title"])
    return Content.of(speed_table(latency), published_table(latency), tradeoff_picture(panel, latency))


def speed_table(latency: pd.DataFrame) -> Table:
    """Make the table of speed cells: milliseconds per batch, and a star where samples spread as on a busy machine."""
    several = "GMACs are of one image. " if (latency["batch"] > 1).any() else ""
    busy = f"* quartiles further differing than {NOISY_SPREAD:.0%} of the median: the machine was busy. "
    (median,) = numbers(ONE, median_ms="median (ms)")
    medians = zip(latency["median_ms"], latency["noisy"], strict=True)
    return table_of(
        latency.assign(median_ms=[median.cell(value, mark="*" if noisy else "") for value, noisy in medians]),
        [
            *numbers(MILLIONS, parameters="params (M)"),
            *numbers(COUNT, input="input", height="", width="", batch="batch"),
            *(Column(name=name, label=name, align="left") for name in ("precision", "device")),
            *numbers(BILLIONS, macs="GMACs"),
            median,
            *numbers(ONE, p90_ms="p90 (ms)", p99_ms="p99 (ms)"),
            *numbers(ONE, classify_ms="resize + argmax (ms)", total_ms="both (ms)"),
            *numbers(TWO, images_per_s="images/s"),
            *numbers(plain("{:.0f}"), peak_memory_mib="peak memory (MiB)"),
            *numbers(COUNT, samples="samples", spread=""),
        ],
        speeds.SETUP,
        file="speed",
        title="Latency",
        caption=f"One batch, after warm-up: from uint8 pixels to logits (median, p90, p99 from 100 samples on), "
        f"from there to a class for each pixel of the input, and both. Images/s are to logits. {several}"
        f"{busy if latency['noisy'].any() else ''}",
        main=True,
    )


def published_table(latency: pd.DataFrame) -> Table | None:
    """Make the table with the paper's speeds; none where Table 2 has no row of the same variant and input."""
    both, about = speeds.beside_table_2(latency).dropna(subset="paper_row"), TABLES["table2_main"]
    if not len(both):
        return None
    return table_of(
        both,
        [
            *numbers(COUNT, input="input"),
            *numbers(TWO, images_per_s="ours: images/s", times_full="ours: times B0 at 1024"),
            *numbers(BILLIONS, macs="ours: GMACs"),
            *numbers(MILLIONS, parameters="ours: params (M)"),
            Column(name="paper_row", label="paper", align="left"),
            *numbers(ONE, paper_fps="paper: frames/s"),
            *numbers(TWO, paper_times_full="paper: times B0 at 1024"),
            *numbers(ONE, paper_gflops="paper: GFLOPs", paper_params_m="paper: params (M)"),
        ],
        speeds.OURS,
        file="speed-published",
        title="Next to the paper's Table 2",
        caption=f"{about.source}; {'; '.join(about.notes)}. Frames/s are of different machines: compare the ratios to "
        "B0 at 1024x2048. Our GMACs are of the decoder as it runs here, which needs fewer than the paper's. Ours: ",
    )


def table_of(cells: pd.DataFrame, columns: list[Column], setup: Sequence[str], *, caption: str, **fields: Any) -> Table:
    """Make a table with a row per speed cell.

    setup: the columns that are in one column for what differs in them, and in the caption for what does not.
    """
    frame, differing, alike = speeds.with_setup(cells, setup)
    frame["input"] = list(map(Cell, frame["input"], frame["height"] * frame["width"]))
    last = [Column(name="differing", label="setup", align="left")] if differing else []
    columns = [Column(name="model", label="model", align="left"), *columns, *last]
    lines = frame_rows(frame, columns, ["models", "weights", "precision", "setup"])
    caption += f"{alike}."
    return Table(columns=columns, rows=lines, where={"metric": "speed"}, caption=caption, **fields)


def tradeoff_picture(panel: Panel, latency: pd.DataFrame) -> Picture | None:
    """Draw mIoU of the main view, clean and under corruption, against latency at the first size on the first machine.

    None for fewer than 2 models.
    """
    if not panel.views:
        return None
    (view,), evidence, first = panel.main_views(), panel.evidence, latency.iloc[0]
    quality = view.cells.assign(model=view.cells["title"])
    paired = speeds.quality_against_latency(speeds.of_first_setup(latency), quality)
    arms = {title: arm for arm, titles in evidence.arms.items() for title in titles}
    if len(paired) < 2:
        return None
    names = [CLEAN, "mean"] if view.conditions else [CLEAN]
    curves = [
        Curve(
            arm=row.model,
            series=view.series(arms[row.model]),
            link="arrow" if view.conditions else "none",
            points=tuple((row.median_ms, evidence.interval(scores[name])) for name in names),
            fills=FILLS[-len(names) :],
        )
        for row in paired.itertuples()
        for scores in [view.scores(row.model)]
    ]
    about = view.cells.iloc[0]
    what = "mIoU on clean images (ring) and on average under corruption (full)" if view.conditions else "Clean mIoU"
    return Picture(
        file="tradeoff",
        title="mIoU against latency",
        caption=f"{what} in %{'' if evidence.few else ' with 95 % intervals'}, {about['dataset']} "
        f"{about['split']}, {panel.images}, view {view.name}; median latency at {first['height']}x{first['width']}, "
        f"batch {first['batch']}, {first['device']}, {first['precision']}; {speeds.setup_of(first, speeds.SETUP)}.",
        chart=scatter(curves, "latency of one batch (ms), median", "mIoU (%)"),
    )
