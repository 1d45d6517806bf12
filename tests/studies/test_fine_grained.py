"""mIoU over images and over classes, and over the worst tenth: next to loops over labels and predictions."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import write_cell

from robustbench_seg.metrics.counts import count_classes
from robustbench_seg.studies.counts import blocks_in
from robustbench_seg.studies.fine_grained import MEASURES, fine_grained, measures
from robustbench_seg.studies.frame import quality_frame

CLASSES, IMAGES, IGNORE = 5, 23, 255


def arrays(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Labels, most of them without some class, and predictions that have classes the label lacks; one all ignored."""
    rng = np.random.default_rng(seed)
    pairs = []
    for k in range(IMAGES):
        some = rng.choice(CLASSES - 1, rng.integers(1, CLASSES), replace=False)  # the last is in no label
        label = rng.choice([*some, IGNORE], (8, 9))
        prediction = np.where((rng.random((8, 9)) < 0.6) & (label != IGNORE), label, rng.integers(0, CLASSES, (8, 9)))
        pairs.append((np.full((8, 9), IGNORE) if k == 3 else label, prediction))
    return pairs


def slow(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """The four measures as the paper defines them, pixel by pixel."""
    by_image: list[float] = []
    by_class: dict[int, list[float]] = {}
    for label, prediction in pairs:
        own = []
        for c in range(CLASSES):
            here = [(int(a), int(b)) for a, b in zip(label.ravel(), prediction.ravel(), strict=True) if a != IGNORE]
            tp, fp, fn = (sum(a == c and b == c for a, b in here), sum(a != c and b == c for a, b in here),
                          sum(a == c and b != c for a, b in here))  # fmt: skip
            if tp + fn:
                own.append(tp / (tp + fp + fn))
                by_class.setdefault(c, []).append(own[-1])
        if own:
            by_image.append(sum(own) / len(own))

    def lowest(values: list[float]) -> float:
        number = max(1, math.floor(0.1 * len(values)))
        return sum(sorted(values)[:number]) / number

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    columns = list(by_class.values())
    four = mean(by_image), lowest(by_image), mean(list(map(mean, columns))), mean(list(map(lowest, columns)))
    return dict(zip(MEASURES, four, strict=True))


def counts_of(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    each = [count_classes(prediction, label, CLASSES, IGNORE) for label, prediction in pairs]
    return {name: np.array([one[name] for one in each]) for name in each[0]}


@pytest.mark.parametrize("seed", range(4))
def test_the_measures_equal_loops_over_pixels(seed: int) -> None:
    pairs = arrays(seed)
    of_data = measures(counts_of(pairs), np.ones((1, IMAGES)), np.arange(IMAGES))
    assert {name: draws[0] for name, draws in of_data.items()} == pytest.approx(slow(pairs), abs=1e-12)


def test_a_resample_is_scored_as_the_images_that_it_draws() -> None:
    pairs, rng = arrays(7), np.random.default_rng(1)
    which = np.arange(IMAGES) // 3
    drawn = rng.multinomial(8, np.full(8, 1 / 8), size=20).astype(float)
    drawn[0] = 1
    found = measures(counts_of(pairs), drawn, which)
    for row, times in enumerate(drawn):
        again = slow([pair for k, pair in enumerate(pairs) for _ in range(int(times[which[k]]))])
        for name in MEASURES[:3]:
            assert found[name][row] == pytest.approx(again[name], abs=1e-12), (row, name)
    assert np.isnan(found[MEASURES[3]][1:]).all(), "of the fourth, only the data's own value"


def test_by_hand_the_worst_tenth_of_twenty_images_is_two_and_of_nine_one() -> None:
    labelled = np.full((20, 1), 100)
    hit = np.arange(5, 105, 5)[:, None]
    counts = {"intersection": hit, "predicted": hit, "labelled": labelled}
    found = measures(counts, np.ones((1, 20)), np.arange(20))
    assert [found[name][0] for name in MEASURES] == pytest.approx([0.525, 0.075, 0.525, 0.075])
    nine = {name: values[:9] for name, values in counts.items()}
    assert measures(nine, np.ones((1, 9)), np.arange(9))[MEASURES[1]][0] == pytest.approx(0.05)


def cells(folder: Path) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    labelled = rng.integers(1, 900, (30, 4)) * (rng.random((30, 4)) > 0.3)
    for severity in (0, 1, 2, 5):
        hit = (labelled * rng.random(labelled.shape)).astype(int)
        counts = hit, hit + np.roll(labelled - hit, 1, axis=1), labelled
        write_cell(folder, counts, [f"i{k:02d}" for k in range(30)], ("fog" if severity else "clean", severity))
    frame = quality_frame(folder)
    return frame.assign(title=frame["model"])


def test_under_corruption_it_is_the_mean_over_severities_and_a_missing_cell_makes_it_nan(tmp_path: Path) -> None:
    frame = cells(tmp_path)
    title = frame["title"].iloc[0]
    of = fine_grained(frame, blocks_in(frame))
    values = of.of(title, {"fog": (1, 2, 5)})
    for name in MEASURES:
        some = [of.draws[title, "fog", severity][name] for severity in (1, 2, 5)]
        np.testing.assert_allclose(values[name, "mean"], np.mean(some, axis=0))
        np.testing.assert_array_equal(values[name, "clean"], of.draws[title, "clean", 0][name])
    assert np.isnan(of.of(title, {"fog": (1, 3)})[MEASURES[0], "mean"]).all()
    draws = values[MEASURES[1], "clean"]
    assert len(draws) == 1001
    assert draws[1:].min() < draws[0] < draws[1:].max()
