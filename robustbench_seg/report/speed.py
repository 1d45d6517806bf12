"""Latency, memory and multiply-accumulates; the SegFormer paper's Table 2 beside them; mIoU against latency."""

import json

import pandas as pd

from ..studies.frame import NOISY_SPREAD
from ..studies.published import TABLES
from ..studies.speed import beside_table_2, quality_against_latency
from . import charts
from .content import Picture, Table
from .evidence import Evidence
from .tables import Cell, known, make_table

__all__ = ["speed_tables", "tradeoff_picture"]

GROUP = "Speed"


def speed_tables(latency: pd.DataFrame) -> list[Table]:
    """Make the table of speed cells and, where Table 2 has rows of the same variant and input, one with both."""
    machines = "; ".join(sorted({json.loads(text)["machine"] for text in latency["environment"]}))
    busy = ""
    if latency["noisy"].any():
        busy = f"* quartiles further apart than {NOISY_SPREAD:.0%} of the median: the machine was busy. "
    tables = [
        make_table(
            [speed_row(row) for _, row in latency.iterrows()],
            file="speed",
            title="Latency",
            caption=f"One batch, after warm-up: from uint8 pixels to logits (median, p90, p99 from 100 samples on), "
            f"from there to a class for each pixel of the input, and both. Images/s are to logits. {busy}{machines}.",
            full=latency.drop(columns="environment"),
            main=True,
            group=GROUP,
        )
    ]
    both = beside_table_2(latency)
    both = both[both["paper_row"].notna()]
    if len(both):
        about = TABLES["table2_main"]
        tables.append(
            make_table(
                [paper_row(row) for _, row in both.iterrows()],
                file="speed-published",
                title="Beside the paper's Table 2",
                caption=f"{about.source}. {'; '.join(about.notes)}. Frames/s are of different machines: compare "
                f"ratios between rows. Ours: {machines}.",
                full=both,
                group=GROUP,
            )
        )
    return tables


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
    """Draw clean mIoU of one view against latency at the first timed size; None for fewer than 2 models."""
    first = latency.iloc[0]
    same = ["height", "width", "batch", "device", "precision"]
    timed = latency[(latency[same] == first[same]).all(axis=1)]
    joined = quality_against_latency(timed, evidence.of_view(view))
    titles = evidence.cells.drop_duplicates("checkpoint_sha256").set_index("checkpoint_sha256")["title"]
    points = {
        titles[row.checkpoint_sha256]: (
            row.median_ms,
            evidence.interval(evidence.miou(titles[row.checkpoint_sha256], view)("clean", 0)),
        )
        for row in joined.itertuples()
    }
    if len(points) < 2:
        return None
    size = f"{first['height']}x{first['width']}"
    return Picture(
        file="tradeoff",
        title="mIoU against latency",
        caption=f"Clean mIoU in % with 95 % intervals, view {view}; median latency at {size}, batch {first['batch']}, "
        f"{first['device']}, {first['precision']}.",
        figure=charts.tradeoff(points),
        description="; ".join(
            f"{name}: {ms:.1f} ms, {100 * score.estimate:.1f} %" for name, (ms, score) in points.items()
        ),
        group=GROUP,
    )
