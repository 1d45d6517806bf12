"""Join speed with quality, and with the SegFormer paper's Table 2.

Latency, throughput, memory and multiply-accumulates of speed cells are columns of `latency_frame`.
"""

from collections.abc import Sequence

import pandas as pd

from ..store.cell import CLEAN
from ..wording import BRIEF, MISSING
from .frame import MACHINE
from .published import read_published
from .robustness import BASIS

__all__ = [
    "OURS", "SETUP", "beside_table_2", "of_first_setup", "quality_against_latency", "setup_of", "with_setup",
]  # fmt: skip

# What else decides a speed than size, batch, precision and device, and how it is written.
SETUP = (*MACHINE, "num_classes")
WORDS = {"threads": "{:.0f} threads", "torch": "torch {}", "num_classes": "{} classes"}
OURS = ("precision", "device", *SETUP)
SPEED = ["model", "checkpoint_sha256", "num_classes", "height", "width", "batch", "precision", "device", *MACHINE]
FULL = "SegFormer@1024 B0"  # the row of Table 2 to which speeds are compared
MEASURED = ["median_ms", "p90_ms", "total_ms", "images_per_s", "noisy", "peak_memory_mib", "macs", "parameters"]


def quality_against_latency(latency: pd.DataFrame, quality: pd.DataFrame) -> pd.DataFrame:
    """Join each speed cell with the clean mIoU (0-1) of the same weights, one row per BASIS.

    latency: from `latency_frame`. quality: from `quality_frame`. Weights are the same if model name and sha256 are, and
    only numbers of the same precision are joined. height and width: of the timed input; the split's may differ.
    """
    clean = quality[quality["corruption"] == CLEAN][["model", "checkpoint_sha256", *BASIS, "miou", "flag"]]
    return latency[[*SPEED, *MEASURED]].merge(clean, on=["model", "checkpoint_sha256", "precision"])


def beside_table_2(latency: pd.DataFrame) -> pd.DataFrame:
    """Join each SegFormer's speed cell with the paper's row of the same variant and input size, on Cityscapes.

    The paper's columns are paper_fps, paper_gflops, paper_params_m, NaN if Table 2 has no such row. Ours are SPEED and
    MEASURED, with one image at a time as in the paper. Frames/s are from different machines, so ratios between rows are
    compared: times_full and paper_times_full, the images/s divided by FULL's in the same setup; NaN without that row.
    """
    paper = read_published("table2_main")
    paper = paper[paper["method"].str.startswith("SegFormer")]
    method, _, side = (paper["method"].str.partition("@")[part] for part in (0, 1, 2))
    theirs = pd.DataFrame(
        {
            "variant": method.str.lower() + "-" + paper["encoder"].str.lower(),
            "height": side.where(side != "", "1024").astype("int64"),
            "paper_row": paper["method"] + " " + paper["encoder"],
            "paper_fps": paper["cityscapes_fps"],
            "paper_gflops": paper["cityscapes_gflops"],
            "paper_params_m": paper["params_m"],
        }
    )
    theirs["width"] = 2 * theirs["height"]
    ours = latency[latency["batch"] == 1][[*SPEED, *MEASURED]]
    variant = ours["model"].str.lower().str.extract(r"(segformer-b[0-5])", expand=False)
    both = ours.assign(variant=variant).merge(theirs, on=["variant", "height", "width"], how="left")
    is_full, setup = both["paper_row"] == FULL, [both[name] for name in ("precision", "device", *MACHINE)]
    for name, speed in {"times_full": "images_per_s", "paper_times_full": "paper_fps"}.items():
        full = both[speed].where(is_full).groupby(setup, dropna=False).transform("max")
        both[name] = both[speed] / full
    return both


def with_setup(latency: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, list[str], str]:
    """Add to speed cells what they were measured with; return the columns in which they differ, and the rest in words.

    names: the columns of OURS to compare. The frame gets input (HEIGHTxWIDTH), differing (in words, what differs),
    setup (all), models, and weights (the beginning of their hash).
    """
    differing = [name for name in names if latency[name].nunique(dropna=False) > 1]
    rows = [row for _, row in latency.iterrows()]
    sizes = [f"{row['height']}x{row['width']}" for row in rows]
    frame = latency.assign(
        input=sizes,
        differing=[setup_of(row, differing) for row in rows],
        setup=[f"{size}, batch {row['batch']}, {setup_of(row)}" for size, row in zip(sizes, rows, strict=True)],
        models=latency["model"],
        weights=latency["checkpoint_sha256"].str[:BRIEF],
    )
    return frame, differing, setup_of(rows[0], [name for name in names if name not in differing])


def setup_of(row: pd.Series, names: Sequence[str] = OURS) -> str:
    """Write what these columns hold, except what was not recorded."""
    return ", ".join(WORDS.get(name, "{}").format(row[name]) for name in names if not pd.isna(row[name])) or MISSING


def of_first_setup(latency: pd.DataFrame) -> pd.DataFrame:
    """Choose the speed cells of the first timed size, on the first machine, with its threads."""
    setups = latency.groupby(["height", "width", "batch", *OURS], sort=False, dropna=False)
    return next(part for _, part in setups)
