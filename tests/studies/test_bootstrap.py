"""The bootstrap against a plain loop, and against scipy's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from counted import random_calibration, random_counts, random_rims, write_cell

from robustbench_seg.errors import UsageError
from robustbench_seg.metrics.calibration import CALIBRATION
from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import ROWS, bootstrap
from robustbench_seg.studies.counts import Counts, read_counts
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.robustness import by_corruption, headline, scores_of
from robustbench_seg.studies.statistics import interval


def counts_of(seed: int, cells: int, images: int, classes: int, blocks: tuple[str, ...]) -> Counts:
    rng = np.random.default_rng(seed)
    parts = [random_counts(rng, images, classes) for _ in range(cells)]
    return Counts(
        pd.DataFrame({"model": [f"m{k}" for k in range(cells)]}),
        blocks,
        {
            "intersection": np.array([i for i, _, _ in parts], np.int32),
            "union": np.array([p + n - i for i, p, n in parts], np.int32),
        },
    )


def by_plain_loop(counts: Counts, drawn: list[str]) -> list[float]:
    """The mIoU of each cell from the images of the drawn blocks, one after the other."""
    scores = []
    for cell in range(len(counts.cells)):
        ious = []
        for k in range(counts.terms["union"].shape[2]):
            intersection = union = 0
            for block in drawn:
                for image, name in enumerate(counts.blocks):
                    if name == block:
                        intersection += int(counts.terms["intersection"][cell, image, k])
                        union += int(counts.terms["union"][cell, image, k])
            if union:
                ious.append(intersection / union)
        scores.append(sum(ious) / len(ious) if ious else float("nan"))
    return scores


def test_each_resample_is_what_a_plain_loop_over_its_blocks_gives() -> None:
    blocks = ("b", "a", "b", "c", "a", "d", "b")  # of unequal size, and not in order
    counts = counts_of(0, 3, 7, 4, blocks)
    intersection, union = counts.terms.values()
    intersection[1, :, 3] = 0  # predicted and never labelled: counts 0 where it is drawn
    union[1, 1:, 3] = 0
    union[0, :6, 2] = intersection[0, :6, 2] = 0  # absent from most resamples
    scores = bootstrap(counts, resamples=40, seed=5)
    names = sorted(set(blocks))
    multiplicity = np.random.default_rng(5).multinomial(4, [1 / 4] * 4, size=40)
    for row, times in enumerate([[1] * 4, *multiplicity.tolist()]):
        drawn = [name for name, number in zip(names, times, strict=True) for _ in range(number)]
        assert scores.draws[row] == pytest.approx(by_plain_loop(counts, drawn), abs=1e-15)
    assert scores.blocks == 4


def test_other_metrics_of_a_resample_are_theirs_of_its_images_taken_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    counts = random_counts(rng, 6, 4)
    boundary = random_rims(rng, counts)
    likelihood = rng.integers(0, 2**40, 6).tolist()
    more = {"boundary": boundary, "calibration": random_calibration(rng, counts), "likelihood": likelihood}
    write_cell(tmp_path, counts, list("abcdef"), **more)
    frame = quality_frame(tmp_path)
    multiplicity = np.random.default_rng(0).multinomial(6, [1 / 6] * 6, size=8)
    drawn = [np.repeat(np.arange(6), times) for times in (np.ones(6, np.int64), *multiplicity)]

    def iou(intersection: np.ndarray, predicted: np.ndarray, labelled: np.ndarray) -> float:
        union = predicted + labelled - intersection
        return float(np.mean([i / u for i, u in zip(intersection, union, strict=True) if u]))

    def ece(pixels: np.ndarray, correct: np.ndarray, confidence: np.ndarray) -> float:
        return float(sum(abs(r - c / 2**20) for r, c in zip(correct, confidence, strict=True)) / pixels.sum())

    def together(parts: Sequence[np.ndarray], images: np.ndarray) -> list[np.ndarray]:
        return [part[images].sum(axis=0) for part in parts]

    expected = {
        "boundary_miou": [iou(*together(boundary, images)) for images in drawn],
        "ece": [ece(*together(more["calibration"], images)) for images in drawn],
        "nll": [sum(likelihood[k] for k in images) / 2**20 / counts[2][images].sum() for images in drawn],
    }
    first, *others = expected["ece"]  # chance makes it larger: in the data once, in a resample twice
    expected["ece"] = [first, *np.maximum(np.array(others) - 2 * (np.mean(others) - first), 0)]
    for metric, values in expected.items():
        scores = bootstrap(read_counts(frame, metric), resamples=8)
        assert scores.draws[:, 0] == pytest.approx(values, rel=1e-14)
        assert frame[metric].item() == pytest.approx(values[0], rel=1e-14)


def test_more_resamples_than_one_product_holds_continue_the_same_draws() -> None:
    counts = counts_of(1, 2, 40, 3, tuple(map(str, range(40))))
    few, many = (bootstrap(counts, resamples=n, seed=1) for n in (ROWS, 2 * ROWS + 3))
    assert np.array_equal(few.draws, many.draws[: ROWS + 1])
    assert len(np.unique(many.draws[:, 0])) > 2 * ROWS  # no draw is used twice


def test_more_cells_than_one_product_holds_are_resampled_by_the_same_draws() -> None:
    counts = counts_of(2, 130, 5, 19, tuple("abcde"))
    together = bootstrap(counts, resamples=3)
    alone = bootstrap(
        Counts(counts.cells[125:], counts.blocks, {name: values[125:] for name, values in counts.terms.items()}),
        resamples=3,
    )
    assert np.array_equal(together.draws[:, 125:], alone.draws)


def test_the_interval_of_a_mean_is_scipys() -> None:
    """With unions of one size the IoU of a class is the mean over images, and scipy knows the bootstrap of a mean."""
    values = np.random.default_rng(3).integers(0, 1000, 400)
    one = np.ones((1, 400, 1), np.int32)
    counts = Counts(
        pd.DataFrame({"model": ["m"]}),
        tuple(map(str, range(400))),
        {"intersection": values[None, :, None].astype(np.int32), "union": 1000 * one},
    )
    scores = bootstrap(counts, resamples=4000)
    ours = interval(scores.of(model="m"), scores.blocks)
    theirs = scipy.stats.bootstrap(
        (values / 1000,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(4)
    )
    assert ours.estimate == pytest.approx(values.mean() / 1000, abs=1e-15)
    # two percentiles of 4,000 resamples differ by chance by some 4 % of the width; the standard error is the same
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.06 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.06 * width)
    assert scores.of(model="m")[1:].std() == pytest.approx(values.std() / 1000 / 20, rel=0.05)


def test_a_difference_of_models_that_fail_alike_has_a_narrower_interval_than_either() -> None:
    counts = counts_of(4, 1, 60, 3, tuple(map(str, range(60))))
    intersection, union = counts.terms.values()
    shifted = np.minimum(intersection + 1, union)
    both = Counts(
        pd.DataFrame({"model": ["a", "b"]}),
        counts.blocks,
        {"intersection": np.concatenate([intersection, shifted]), "union": np.concatenate([union] * 2)},
    )
    scores = bootstrap(both, resamples=200)
    a, b = scores.of(model="a"), scores.of(model="b")
    assert (b - a)[1:].std() < a[1:].std() / 10


def test_headline_and_retention_of_the_data_equal_the_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    ids = [f"i{k}" for k in range(5)]
    conditions = {"fog": (1, 2), "gaussian_noise": (3,)}
    for condition in [("clean", 0), ("fog", 1), ("fog", 2), ("gaussian_noise", 3)]:
        write_cell(tmp_path, random_counts(rng, 5, 3), ids, condition)
    frame = quality_frame(tmp_path)
    row = by_corruption(frame, conditions).iloc[0]
    scores = bootstrap(read_counts(frame), resamples=20)
    miou = scores.under(model="m", view="whole")
    assert headline(miou, conditions)[0] == pytest.approx(row["mean"], abs=1e-15)
    assert scores_of(miou, conditions)["retention"][0] == pytest.approx(row["retention"], abs=1e-15)
    assert headline(miou, conditions).shape == (21,)


def test_a_missing_cell_leaves_nan_and_an_ambiguous_one_is_refused(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(7), 4, 3)
    for view in (View(), View(scale=2)):
        write_cell(tmp_path, counts, list("abcd"), view=view)
    scores = bootstrap(read_counts(quality_frame(tmp_path)), resamples=5)
    assert np.isnan(scores.of(model="other")).all()
    assert np.isnan(headline(scores.under(model="m", view="whole"), {"fog": (1,)})).all()
    with pytest.raises(UsageError, match="2 cells have model='m', corruption='clean'"):
        scores.of(model="m", corruption="clean")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_biased_metric_is_shifted_below_0_only_if_it_can_be_negative(sign: int) -> None:
    """The square of a mean is never negative, and its noise raises it; less a constant, it may be negative."""
    values = np.random.default_rng(0).integers(-1000, 1000, (1, 60))

    def square(sums: Mapping[str, np.ndarray]) -> np.ndarray:
        return (sums["values"] / sums["number"]) ** 2 - (0 if sign > 0 else 10_000)

    metric = replace(CALIBRATION, value=square, biased=False)
    terms = {"values": values.astype(np.int32), "number": np.ones((1, 60), np.int32)}
    counts = Counts(pd.DataFrame({"model": ["m"]}), tuple(map(str, range(60))), terms, metric)
    raw = bootstrap(counts, resamples=200).draws[:, 0]
    shifted = bootstrap(replace(counts, metric=replace(metric, biased=True)), resamples=200).draws[:, 0]
    expected = raw[1:] - 2 * (raw[1:].mean() - raw[0])
    assert expected.min() < 0
    assert shifted[0] == raw[0]
    assert shifted[1:] == pytest.approx(np.maximum(expected, 0) if sign > 0 else expected)


def test_one_block_is_nothing_to_draw_from() -> None:
    with pytest.raises(UsageError, match="needs 2 blocks and 1 resample at least, got 1 and 10"):
        bootstrap(counts_of(8, 1, 3, 2, ("a", "a", "a")), resamples=10)
