"""Latency, memory and multiply-accumulates; the SegFormer paper's Table 2 beside them; mIoU against latency."""

from collections.abc import Sequence

import pandas as pd

from ..studies.frame import MACHINE, NOISY_SPREAD
from ..studies.published import TABLES
from ..studies.speed import beside_table_2, quality_against_latency
from . import charts
from .content import Picture, Table
from .evidence import Evidence, titles_of
from .tables import MISSING, Cell, known, make_table

__all__ = ["speed_tables", "titled", "tradeoff_picture"]

GROUP = "Speed"
# What decides a speed beside the columns: in a column of its own where rows differ in it, else in the caption.
SETUP = (*MACHINE, "num_classes")
WORDS = {"threads": "{:.0f} threads", "torch": "torch {}", "num_classes": "{} classes"}


def titled(latency: pd.DataFrame, quality: pd.DataFrame) -> pd.DataFrame:
    """Give the models of speed cells the titles that they have in tables of quality: numbered where weights differ.

    latency, quality: of `latency_frame` and `quality_frame`; the second may be empty.
    """
    titles = titles_of(pd.concat([frame.filter(["model", "checkpoint_sha256"]) for frame in (quality, latency)]))
    return latency.assign(model=titles[len(quality) :])


def speed_tables(latency: pd.DataFrame) -> list[Table]:
    """Make the table of speed cells and, where Table 2 has rows of the same variant and input, one with both.

    latency: of `titled`.
    """
    apart, alike = setup_parts(latency, SETUP)
    busy = ""
    if latency["noisy"].any():
        busy = f"* quartiles further apart than {NOISY_SPREAD:.0%} of the median: the machine was busy. "
    tables = [
        make_table(
            [with_setup(speed_row(row), row, apart) for _, row in latency.iterrows()],
            file="speed",
            title="Latency",
            caption=f"One batch, after warm-up: from uint8 pixels to logits (median, p90, p99 from 100 samples on), "
            f"from there to a class for each pixel of the input, and both. Images/s are to logits. {busy}"
            f"{setup_of(latency.iloc[0], alike)}.",
            full=latency.drop(columns=["environment", "path"]),
            main=True,
            group=GROUP,
        )
    ]
    both = beside_table_2(latency)
    both = both[both["paper_row"].notna()]
    if len(both):
        about = TABLES["table2_main"]
        apart, alike = setup_parts(both, ("precision", "device", *SETUP))
        tables.append(
            make_table(
                [with_setup(paper_row(row), row, apart) for _, row in both.iterrows()],
                file="speed-published",
                title="Beside the paper's Table 2",
                caption=f"{about.source}. {'; '.join(about.notes)}. Frames/s are of different machines: compare "
                f"ratios between rows. Ours: {setup_of(both.iloc[0], alike)}.",
                full=both,
                group=GROUP,
            )
        )
    return tables


def setup_parts(cells: pd.DataFrame, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide columns into those in which cells differ, and those that are the same for all."""
    apart = [name for name in names if cells[name].nunique(dropna=False) > 1]
    return apart, [name for name in names if name not in apart]


def setup_of(row: pd.Series, names: Sequence[str]) -> str:
    """Say what these columns hold, but for what was not recorded."""
    return ", ".join(WORDS.get(name, "{}").format(row[name]) for name in names if not pd.isna(row[name])) or MISSING


def with_setup(shown: dict[str, Cell], row: pd.Series, apart: Sequence[str]) -> dict[str, Cell]:
    """Add a column for what sets rows apart, where there is any."""
    return {**shown, "setup": Cell(setup_of(row, apart))} if apart else shown


def speed_row(row: pd.Series) -> dict[str, Cell]:
    """Milliseconds per batch; an asterisk where the samples spread as they do on a busy machine."""
    return {
        "model": Cell(row["model"]),
        "params (M)": known(row["parameters"], lambda n: f"{n / 1e6:.1f}"),
        "input": Cell(f"{row['height']}x{row['width']}", "", row["height"] * row["width"]),
        "batch": Cell(str(row["batch"]), "", row["batch"]),
        "precision": Cell(row["precision"]),
        "device": Cell(row["device"]),
        "GMACs": known(row["macs"], lambda n: f"{n / 1e9:.1f}"),
        "median (ms)": known(row["median_ms"], lambda ms: f"{ms:.1f}{'*' if row['noisy'] else ''}"),
        "p90 (ms)": known(row["p90_ms"], "{:.1f}".format),
        "p99 (ms)": known(row["p99_ms"], "{:.1f}".format),
        "resize + argmax (ms)": known(row["classify_ms"], "{:.1f}".format),
        "both (ms)": known(row["total_ms"], "{:.1f}".format),
        "images/s": known(row["images_per_s"], "{:.2f}".format),
        "peak memory (MiB)": known(row["peak_memory_mib"], "{:.0f}".format),
        "samples": Cell(str(row["samples"]), "", row["samples"]),
    }


def paper_row(row: pd.Series) -> dict[str, Cell]:
    return {
        "model": Cell(row["model"]),
        "input": Cell(f"{row['height']}x{row['width']}", "", row["height"] * row["width"]),
        "ours: images/s": known(row["images_per_s"], "{:.2f}".format),
        "ours: GMACs": known(row["macs"], lambda n: f"{n / 1e9:.1f}"),
        "ours: params (M)": known(row["parameters"], lambda n: f"{n / 1e6:.1f}"),
        "paper": Cell(row["paper_row"]),
        "paper: frames/s": known(row["paper_fps"], "{:.1f}".format),
        "paper: GFLOPs": known(row["paper_gflops"], "{:.1f}".format),
        "paper: params (M)": known(row["paper_params_m"], "{:.1f}".format),
    }


def tradeoff_picture(evidence: Evidence, view: str, latency: pd.DataFrame) -> Picture | None:
    """Draw clean mIoU of one view against latency at the first timed size on the first machine, with its threads.

    latency: of `titled`. None for fewer than 2 models.
    """
    first = latency.iloc[0]
    same = ["height", "width", "batch", "device", "precision", *SETUP]
    timed = next(part for _, part in latency.groupby(same, sort=False, dropna=False))
    cells = evidence.of_view(view)
    joined = quality_against_latency(timed, cells.assign(model=cells["title"]))
    points = {
        row.model: (row.median_ms, evidence.interval(evidence.miou(row.model, view)("clean", 0)))
        for row in joined.itertuples()
    }
    if len(points) < 2:
        return None
    about = cells.iloc[0]
    size = f"{first['height']}x{first['width']}"
    return Picture(
        file="tradeoff",
        title="mIoU against latency",
        caption=f"Clean mIoU in %{'' if evidence.few else ' with 95 % intervals'}, {about['dataset']} "
        f"{about['split']}, {about['images']} of {about['of']} images, view {view}; median latency at {size}, batch "
        f"{first['batch']}, {first['device']}, {first['precision']}; {setup_of(first, SETUP)}.",
        figure=charts.tradeoff(points),
        description="; ".join(
            f"{name}: {ms:.1f} ms, {100 * score.estimate:.1f} %" for name, (ms, score) in points.items()
        ),
        group=GROUP,
    )
