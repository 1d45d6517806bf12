"""Whether 95 % intervals hold the truth in 95 of 100 cases, where it is known: by simulation.

One call of the bootstrap serves all simulated splits: each stands where a cell stands.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from numpy.typing import NDArray

from benchmarks.coverage import BLOCKS, QUANTITIES, drawn
from benchmarks.coverage import coverage as simulated
from robustbench_seg.metrics import CALIBRATION
from robustbench_seg.metrics.calibration import QUANTA
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import Counts
from robustbench_seg.studies.statistics import (
    HOLD_BLOCKS,
    HOLD_BLOCKS_OF_MIOU,
    LEAST_BLOCKS,
    LEAST_COVER,
    LEAST_COVER_OF_MIOU,
    LEVEL,
    interval,
)

SPLITS, RESAMPLES, ROWS = 1000, 1000, 3000
PRESENT = (1, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2)  # the share of the images in which a class is
ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(ROOT / "benchmarks/results/coverage.csv").set_index(["population", "blocks"])
Rows = tuple[NDArray[np.int32], NDArray[np.int32]]  # intersection and union, (rows, classes)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """3,000 synthetic images; the sizes of classes are lognormal, a class is also predicted where it is not."""
    rng = np.random.default_rng(0)
    shape = (ROWS, len(PRESENT))
    labelled = np.where(rng.random(shape) < PRESENT, rng.lognormal(9, 1, shape), 0).astype(np.int32)
    wrong = rng.integers(0, 500, shape, np.int32) * (rng.random(shape) < 0.1)
    return (labelled * rng.beta(2.6, 1.4, shape)).astype(np.int32), labelled + wrong


def truth_of(rows: Rows) -> float:
    return float(np.mean(rows[0].sum(axis=0) / rows[1].sum(axis=0)))


def coverage(rows: Rows, drawn: NDArray[np.intp], blocks: list[str]) -> float:
    """The share of splits, (splits, images) of indices of rows, whose interval holds the mIoU of all rows."""
    intersection, union = (part[drawn] for part in rows)
    counts = Counts(
        pd.DataFrame(index=range(len(drawn))), tuple(blocks), {"intersection": intersection, "union": union}
    )
    scores = bootstrap(counts, resamples=RESAMPLES, seed=1)
    intervals = [interval(draws, scores.blocks) for draws in scores.draws.T]
    return float(np.mean([each.low <= truth_of(rows) <= each.high for each in intervals]))


@pytest.mark.parametrize(("error", "least"), [(0.003, 0.87), (0.05, 0.92)])
def test_intervals_of_a_calibration_error_cover_a_small_one_too(error: float, least: float) -> None:
    """Pixels of one image are right together, in bins with an accuracy that differs from the confidence by `error`."""
    rng, images, bins = np.random.default_rng(4), 100, 15
    confidence = (np.arange(bins) + 0.5) / bins
    accuracy = confidence + error * np.where(np.arange(bins) % 2, 1, -1)
    pixels = rng.integers(0, 3000, (SPLITS, images, bins))
    luck = rng.normal(0, 0.04, pixels.shape)  # of an image
    gap = np.rint(pixels * (accuracy + luck - confidence) * QUANTA).astype(np.int64)
    cells = pd.DataFrame(index=range(SPLITS))
    shares = []
    for biased in (True, False):
        metric = replace(CALIBRATION, biased=biased)
        counts = Counts(cells, tuple(map(str, range(images))), {"gap": gap, "pixels": pixels}, metric)
        scores = bootstrap(counts, resamples=RESAMPLES)
        found = [interval(draws, scores.blocks) for draws in scores.draws.T]
        shares.append(float(np.mean([each.low <= error <= each.high for each in found])))
    print(
        f"calibration error {error}: 95 % intervals cover {with_error(shares[0])}, plain ones {with_error(shares[1])}"
    )
    assert least <= shares[0] <= 0.985
    assert shares[0] >= shares[1]


def with_error(share: float) -> str:
    return f"{100 * share:.1f} % (Monte-Carlo error {100 * np.sqrt(share * (1 - share) / SPLITS):.1f})"


def test_intervals_of_independent_images_cover(rows: Rows) -> None:
    drawn = np.random.default_rng(2).integers(0, ROWS, (SPLITS, 300))
    share = coverage(rows, drawn, [str(k) for k in range(300)])
    print(f"300 independent images: 95 % intervals cover {with_error(share)}")
    assert 0.92 <= share <= 0.97


def test_of_frames_that_resemble_their_neighbours_blocks_cover_and_images_do_not(rows: Rows) -> None:
    """Rows sorted by quality and drawn by a process of first order: neighbours correlate with 0.7, blocks of 15 with
    little. Each row is as likely as any other, so the truth is the same.
    """
    order = np.argsort(rows[0].sum(axis=1) / rows[1].sum(axis=1))
    rng, images, correlation = np.random.default_rng(3), 600, 0.7
    process = rng.standard_normal((SPLITS, images))
    for k in range(1, images):
        process[:, k] = correlation * process[:, k - 1] + np.sqrt(1 - correlation**2) * process[:, k]
    drawn = order[np.minimum((scipy.stats.norm.cdf(process) * ROWS).astype(np.intp), ROWS - 1)]
    by_image = coverage(rows, drawn, [str(k) for k in range(images)])
    by_block = coverage(rows, drawn, [str(k // 15) for k in range(images)])
    print(f"600 frames: by image {with_error(by_image)}, by blocks of 15 {with_error(by_block)}")
    assert by_image < 0.8
    assert 0.9 <= by_block <= 0.97


@pytest.mark.parametrize("blocks", [2, 3, 5, 8, 10, 15, 20, 30])
def test_intervals_of_few_blocks_cover_as_in_the_committed_table(blocks: int) -> None:
    """With other splits of the same population the shares are the same within 4 Monte-Carlo errors of both."""
    splits = 250
    shares = simulated(drawn(), blocks, splits, seed=9)
    row = TABLE.loc[("drawn", blocks)]
    for quantity, share in shares.items():
        error = np.sqrt(row[quantity] * (1 - row[quantity]) * (1 / splits + 1 / row["splits"]))
        print(f"{blocks} blocks, {quantity}: {100 * share:.1f} %, in the table {100 * row[quantity]:.1f} %")
        assert share == pytest.approx(row[quantity], abs=4 * error), quantity


def test_the_numbers_of_blocks_in_reports_agree_with_the_committed_table() -> None:
    """The coverage is 93 % or more with blocks of similar size, within the Monte-Carlo error of the table."""
    even = TABLE.loc[["drawn", "camvid"]]
    error = np.sqrt(even[list(QUANTITIES)] * (1 - even[list(QUANTITIES)]).div(even["splits"], axis=0))
    blocks = even.index.get_level_values("blocks")
    for quantities, least in ((QUANTITIES.keys() - {"mIoU"}, HOLD_BLOCKS), ({"mIoU"}, HOLD_BLOCKS_OF_MIOU)):
        share, allowed = (values[list(quantities)].min(axis=1) for values in (even, even[list(QUANTITIES)] + error))
        assert (allowed[blocks >= least] >= LEVEL - 0.02).all()
        assert share[blocks == max(set(blocks[blocks < least]))].min() < LEVEL - 0.02, "fewer would do"
    shares_of_table = even[blocks >= LEAST_BLOCKS]
    assert np.floor(100 * shares_of_table[list(QUANTITIES)].drop(columns="mIoU").min(axis=None)) / 100 == LEAST_COVER
    assert np.floor(100 * shares_of_table["mIoU"].min()) / 100 == LEAST_COVER_OF_MIOU
    assert (TABLE.xs(2, level="blocks")[list(QUANTITIES)] < 0.6).all(axis=None)


def test_the_documentation_quotes_the_committed_table() -> None:
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    committed = (ROOT / "benchmarks/results/coverage.md").read_text(encoding="utf-8").splitlines()
    quoted = re.findall("<!-- from benchmarks/results/coverage.md -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert len(quoted) == 3
    for table in quoted:
        start = committed.index(table.splitlines()[2])
        own = committed[start - 2 : start + len(BLOCKS)]
        assert set(table.splitlines()) <= set(own), "lines of one population"
