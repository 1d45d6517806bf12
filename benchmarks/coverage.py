"""How often intervals of so many blocks hold the truth, where that is known: by simulation.

    python -m benchmarks.coverage

Splits are drawn from a population of images, whose own scores are the truth, and each split is resampled. An image is a
block. Two models see the same images, clean and corrupted. There are three populations:

- drawn: the sizes of classes are lognormal, and half of the classes are in half of the images or fewer, one in 1 of 20;
  hard images are hard for both models.
- camvid: the counts of CamVid's 233 test frames that `reports/camvid-c` holds, of a SegFormer and a DeepLabV3+, clean
  and under fog. A frame is drawn by itself here, as if none resembled its neighbours.
- uneven: the same, but sizes of blocks are lognormal: the largest of 20 has 44 % of the pixels on average.

Intervals are those of `studies.statistics.percentiles`: what there would be without a least number of blocks.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_seg import environment
from robustbench_seg.files import write_text
from robustbench_seg.metrics import MIOU
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import Counts, read_counts
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.statistics import percentiles

from .tables import table

ROOT = Path(__file__).parents[1]
PRESENT = (1, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)  # the share of the drawn images in which a class is
BLOCKS = (2, 3, 5, 8, 10, 12, 15, 20, 30, 50, 100, 200)
MODELS = ("segformer-b0-mix-s0", "deeplabv3plus-mobilenet_v2-s0")
UNEVEN = 2  # the spread of the population of that name
AT_ONCE = 250  # splits

Population = tuple[NDArray[np.int32], NDArray[np.int32]]  # intersection and union: (4 cells, images, classes)
# A quantity of the mIoU of both models, clean and corrupted
QUANTITIES: Mapping[str, Callable[..., Any]] = {
    "mIoU": lambda a, a_corrupted, b, b_corrupted: a,
    "retention": lambda a, a_corrupted, b, b_corrupted: a_corrupted / a,
    "difference in mIoU": lambda a, a_corrupted, b, b_corrupted: a - b,
    "difference in corrupted mIoU": lambda a, a_corrupted, b, b_corrupted: a_corrupted - b_corrupted,
    "difference in retention": lambda a, a_corrupted, b, b_corrupted: a_corrupted / a - b_corrupted / b,
}


def drawn(images: int = 3000, seed: int = 0) -> Population:
    """Draw the images that the module's docstring tells of."""
    rng = np.random.default_rng(seed)
    shape = (images, len(PRESENT))
    labelled = np.where(rng.random(shape) < PRESENT, rng.lognormal(9, 1, shape), 0).astype(np.int32)
    hardness = rng.normal(0, 0.5, (images, 1)) + rng.normal(0, 0.5, shape)
    cells = []
    for skill, loss in ((1.2, 0.8), (1.0, 0.6)):
        for lost in (0, loss + rng.normal(0, 0.6, (images, 1))):
            right = 1 / (1 + np.exp(lost + hardness + rng.normal(0, 0.5, shape) - skill))
            elsewhere = rng.integers(0, 500, shape) * (rng.random(shape) < 0.1)  # predicted where it is not
            cells.append(((labelled * right).astype(np.int32), (labelled + elsewhere).astype(np.int32)))
    return np.stack([cell[0] for cell in cells]), np.stack([cell[1] for cell in cells])


def camvid() -> Population:
    """Read the counts of CamVid that the module's docstring tells of."""
    cells = quality_frame(ROOT / "reports/camvid-c").set_index(["model", "corruption", "severity"])
    chosen = [(model, *condition) for model in MODELS for condition in (("clean", 0), ("fog", 3))]
    terms = read_counts(cells.loc[chosen].reset_index()).terms
    return terms["intersection"], terms["union"]


def coverage(
    population: Population, blocks: int, splits: int, *, spread: float = 0, resamples: int = 1000, seed: int = 0
) -> dict[str, float]:
    """The share of splits of so many images whose interval holds the truth, for each of QUANTITIES.

    spread: of the sizes of blocks, the standard deviation of their logarithm.
    """
    names = ("intersection", "union")
    sums = {name: part.sum(axis=1, dtype=np.float64) for name, part in zip(names, population, strict=True)}
    truth = MIOU.value(sums)
    rng = np.random.default_rng([seed, blocks])
    block_names = tuple(map(str, range(blocks)))
    held = dict.fromkeys(QUANTITIES, 0)
    for first in range(0, splits, AT_ONCE):
        images = rng.integers(0, population[0].shape[1], (min(AT_ONCE, splits - first), blocks))
        size = np.exp(spread * rng.standard_normal((*images.shape, 1)))
        # a split stands where a cell stands: one call resamples all of them
        parts = ((part[:, images] * size).astype(np.int64).reshape(-1, blocks, part.shape[2]) for part in population)
        counts = Counts(pd.DataFrame(index=range(4 * len(images))), block_names, dict(zip(names, parts, strict=True)))
        scores = bootstrap(counts, resamples=resamples)
        cells = np.split(scores.draws, 4, axis=1)
        for name, quantity in QUANTITIES.items():
            for draws in quantity(*cells).T:
                interval = percentiles(draws, blocks)
                held[name] += interval.low <= quantity(*truth) <= interval.high
    return {name: number / splits for name, number in held.items()}


def main(arguments: list[str]) -> None:
    """Simulate all populations, and write coverage.md and coverage.csv."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--blocks", type=int, nargs="+", default=BLOCKS, help="how many images a split has")
    parser.add_argument("--splits", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)
    frames = camvid()
    rows = [
        {"population": name, "blocks": blocks, "splits": options.splits}
        | coverage(population, blocks, options.splits, spread=spread)
        for name, population, spread in (("drawn", drawn(), 0), ("camvid", frames, 0), ("uneven", frames, UNEVEN))
        for blocks in options.blocks
    ]
    write_text(options.out / "coverage.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    write_text(options.out / "coverage.md", page(rows, " ".join(["python -m benchmarks.coverage", *arguments])))


def page(rows: list[dict[str, Any]], command: str) -> str:
    """Write the figures for readers, with what they were made with."""
    about: dict[str, Any] = environment.describe("cpu")
    parts = [
        "# How often 95 % intervals hold the truth",
        f"In % of {rows[0]['splits']:,} splits of so many blocks, ± the Monte-Carlo error. The method and the "
        "populations are in the docstring of [../coverage.py](../coverage.py).",
    ]
    for name in dict.fromkeys(row["population"] for row in rows):
        own = [row for row in rows if row["population"] == name]
        parts += [f"## {name}", table(["blocks", *QUANTITIES], [shown(row) for row in own])]
    packages = ", ".join(f"{name} {about['packages'][name]}" for name in ("numpy", "pandas"))
    parts.append(f"Command: `{command}`; commit {about['commit']}; {packages}; {about['time']}.")
    return "\n\n".join(parts) + "\n"


def shown(row: Mapping[str, Any]) -> list[str]:
    """Write a row of the table."""
    errors = {name: np.sqrt(row[name] * (1 - row[name]) / row["splits"]) for name in QUANTITIES}
    return [str(row["blocks"]), *(f"{100 * row[name]:.1f} ± {100 * errors[name]:.1f}" for name in QUANTITIES)]


if __name__ == "__main__":
    main(sys.argv[1:])
