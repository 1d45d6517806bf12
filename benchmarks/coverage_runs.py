"""How often intervals over images and runs together contain the true difference between two arms: by simulation.

    python -m benchmarks.coverage_runs

An arm is a population of training runs: the skill of a run is normally distributed around that of its arm. A study
trains some runs of two arms and measures all of them on the same images, which are blocks, drawn from 3,000 with
classes as in `coverage.drawn`. Counts, scores, resamples and intervals are those of a report. The true difference is
the mean over all runs on all images.

Runs vary by a multiple of what the images contribute: the unit is the standard deviation, over images, of the
difference between two runs. In `reports/camvid-c`, the two runs of SegFormer vary by 1.4 units in clean mIoU, 2.7 in
retention and 5.8 in the mean under corruption, those of DeepLabV3+ by 1.7, 0.8 and 1.2.

Two cases: the arms have the same skill, so each difference that is reported is a false one (with unlike spreads, the
true difference is not quite 0, but below a tenth of the larger spread); or they have not, and an interval should
contain the true difference. Compared are

- images: the interval over images with the weights fixed, excludes zero;
- all pairs: it does, and all pairs of runs agree in sign, the grade "in all runs so far";
- resampled: a bootstrap that draws runs as well as images, with replacement;
- images + runs: the interval of `studies.runs`, the grade "significant".
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_seg import environment
from robustbench_seg.files import write_text
from robustbench_seg.metrics import MIOU
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import Counts
from robustbench_seg.studies.runs import Runs
from robustbench_seg.studies.statistics import LEVEL, percentiles

from .coverage import PRESENT
from .tables import table

RUNS = ((2, 2), (3, 3), (4, 4), (2, 4))
SPREADS = ((0, 0), (0.5, 0.5), (1, 1), (2, 2), (5, 5), (3, 1), (6, 1), (1, 6))  # of the runs of each arm
BLOCKS = 17  # of CamVid's test split
SKILL, GAP = 1.0, 0.75  # of the second arm, and how much more the first has, on the scale of the logarithm of odds
AT_ONCE = 250  # studies
CASES = ("equal", "different")  # the arms' skills
# column of the table: column of the CSV. Of the first group an ideal method has 5 %, of the second 95 %.
SHOWN = {
    "false: images": "equal_images_exclude_zero",
    "false: all pairs": "equal_all_pairs",
    "false: resampled": "equal_resampled_exclude_zero",
    "false: images + runs": "equal_both_exclude_zero",
    "contain: images": "different_images_contain",
    "contain: resampled": "different_resampled_contain",
    "contain: images + runs": "different_both_contain",
    "found": "different_both_exclude_zero",
}


class Population:
    """3,000 images, and the counts of runs with any skill on them."""

    def __init__(self, images: int = 3000, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        shape = (images, len(PRESENT))
        self.labelled = np.where(rng.random(shape) < PRESENT, rng.lognormal(9, 1, shape), 0)
        self.hardness = rng.normal(0, 0.5, (images, 1)) + rng.normal(0, 0.5, shape)
        self.elsewhere = rng.integers(0, 500, shape) * (rng.random(shape) < 0.1)  # predicted where it is not
        unit, slope = self.block_deviation(), self.true(0.05) - self.true(-0.05)
        self.unit = 0.1 * unit / slope  # of skill: it moves the mIoU by one standard deviation over images

    def terms(self, skill: NDArray[Any], images: Any, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
        """Return intersection and union of runs on images. skill: of runs, with axes for images and classes."""
        luck = rng.normal(0, 0.5, (*np.broadcast_shapes(skill.shape[:-1], self.hardness[images].shape[:-1]), 10))
        right = 1 / (1 + np.exp(self.hardness[images] + luck - skill))
        intersection = (self.labelled[images] * right).astype(np.int64)
        union = np.broadcast_to((self.labelled + self.elsewhere)[images].astype(np.int64), intersection.shape)
        return {"intersection": intersection, "union": union}

    def true(self, gap: float, spread: float = 0) -> float:
        """Compute the mean mIoU, over all images, of an arm's runs: of 64 at the quantiles of their distribution."""
        from scipy.special import ndtri

        scores = []
        for k, quantile in enumerate(ndtri((np.arange(64) + 0.5) / 64) if spread else [0.0]):
            skill = np.full((1, 1), SKILL + gap + spread * quantile)
            terms = self.terms(skill, slice(None), np.random.default_rng(k))
            scores.append(MIOU.value({name: values.sum(axis=0, dtype=np.float64) for name, values in terms.items()}))
        return float(np.mean(scores))

    def block_deviation(self) -> float:
        """Compute the standard deviation, over splits, of the difference between two runs of the same skill."""
        rng = np.random.default_rng(1)
        images = rng.integers(0, len(self.labelled), (2000, 1, BLOCKS))
        terms = self.terms(np.full((1, 2, 1, 1), SKILL), images, rng)
        scores = MIOU.score({name: values.sum(axis=2, dtype=np.float64) for name, values in terms.items()}, (2000, 2))
        return float(np.std(scores[:, 0] - scores[:, 1]))


def simulate(
    population: Population, runs: tuple[int, int], spreads: tuple[float, float], gap: float, studies: int, seed: int = 0
) -> dict[str, float]:
    """Return the shares of studies whose intervals exclude zero, and of those that contain the true difference.

    runs, spreads: of the two arms, the spreads in units of the population.
    """
    rng = np.random.default_rng([seed, *runs, *(int(10 * spread) for spread in spreads), int(100 * gap)])
    widths = [population.unit * spread for spread in spreads]
    truth = population.true(gap, widths[0]) - population.true(0, widths[1])
    rows: list[dict[str, bool]] = []
    for first in range(0, studies, AT_ONCE):
        number = min(AT_ONCE, studies - first)
        means = np.repeat([SKILL + gap, SKILL], runs)
        skill = means + np.repeat(widths, runs) * rng.standard_normal((number, sum(runs)))
        images = rng.integers(0, len(population.labelled), (number, 1, BLOCKS))
        terms = population.terms(skill[:, :, None, None], images, rng)
        flat = {name: values.reshape(-1, BLOCKS, len(PRESENT)) for name, values in terms.items()}
        counts = Counts(pd.DataFrame(index=range(number * sum(runs))), tuple(map(str, range(BLOCKS))), flat)
        draws = bootstrap(counts, resamples=1000, seed=first).draws.reshape(-1, number, sum(runs))
        drawn = resampled_runs(draws, runs, rng)
        for k in range(number):
            arms = np.split(draws[:, k].T.copy(), [runs[0]])
            each, pairs = Runs(*map(list, arms), BLOCKS), arms[0][:, :1] - arms[1][:, 0]
            both = percentiles(drawn[:, k], BLOCKS)
            rows.append(
                {
                    "images_exclude_zero": each.images.excludes_zero,
                    "all_pairs": each.images.excludes_zero and abs(np.sign(pairs).sum()) == pairs.size,
                    "resampled_exclude_zero": both.excludes_zero,
                    "both_exclude_zero": each.interval.excludes_zero,
                    "p_both": each.p <= 1 - LEVEL,
                    "images_contain": each.images.low <= truth <= each.images.high,
                    "resampled_contain": both.low <= truth <= both.high,
                    "both_contain": each.interval.low <= truth <= each.interval.high,
                }
            )
    return {name: float(share) for name, share in pd.DataFrame(rows).mean().items()}


def resampled_runs(draws: NDArray[np.float64], runs: Sequence[int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the runs of each arm with replacement, in each resample of the images: the difference of their means.

    draws: (1 + resamples, studies, runs). Returns (1 + resamples, studies).
    """
    means = []
    for part, number in zip(np.split(draws, [runs[0]], axis=2), runs, strict=True):
        weights = rng.multinomial(number, np.full(number, 1 / number), size=part.shape[:2]) / number
        weights[0] = 1 / number
        means.append((part * weights).sum(axis=2))
    return np.asarray(means[0] - means[1])


def main(arguments: list[str]) -> None:
    """Simulate all numbers and spreads of runs, and write coverage-runs.md and coverage-runs.csv."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)
    population = Population()
    rows = []
    for runs in RUNS:
        for spreads in SPREADS:
            row = {"first_runs": runs[0], "second_runs": runs[1], "first_spread": spreads[0]}
            row |= {"second_spread": spreads[1], "studies": options.studies}
            shares = [simulate(population, runs, spreads, gap, options.studies) for gap in (0, GAP)]
            row |= {
                f"{case}_{name}": share for case, own in zip(CASES, shares, strict=True) for name, share in own.items()
            }
            rows.append(row)
    write_text(options.out / "coverage-runs.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    write_text(
        options.out / "coverage-runs.md", page(rows, " ".join(["python -m benchmarks.coverage_runs", *arguments]))
    )


def page(rows: Sequence[Mapping[str, Any]], command: str) -> str:
    """Write the figures for readers, with what they were made with."""
    about: dict[str, Any] = environment.describe("cpu")
    packages = ", ".join(f"{name} {about['packages'][name]}" for name in ("numpy", "pandas"))
    lines = [
        [
            f"{row['first_runs']} v {row['second_runs']}",
            f"{row['first_spread']:g} v {row['second_spread']:g}",
            *(f"{100 * row[name]:.1f}" for name in SHOWN.values()),
        ]
        for row in rows
    ]
    parts = [
        "# How often intervals over images and runs are right",
        f"In % of {rows[0]['studies']:,} simulated studies with {BLOCKS} blocks of images; the Monte-Carlo"
        " error is 0.5 at 5 % and at 95 %, and 1.1 at most. Runs: of the two arms. Spread: of the runs of"
        ' each arm, in units of what the images contribute. "false": no difference, and zero is excluded;'
        ' 5 % is ideal. "contain": the interval contains the true difference; 95 % is ideal. "found": two'
        " arms differ by about 6 units, and the interval over images + runs excludes zero. The methods "
        "and the simulation are in the docstring of [../coverage_runs.py](../coverage_runs.py).",
        table(["runs", "spread", *SHOWN], lines),
        f"Command: `{command}`; commit {about['commit']}; {packages}; {about['time']}.",
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
