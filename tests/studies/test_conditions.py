"""Scores under a data set's own conditions, against sums over the images of each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from counted import random_calibration, random_counts, write_cell

from robustbench_seg.studies.bootstrap import multiplicities
from robustbench_seg.studies.conditions import condition_scores, reference_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.statistics import tail_share

CLASSES = 4
SIZES = {"fog": 12, "night": 3, "reference": 14}
IDS = [f"{name}/{k:02d}" for name, size in SIZES.items() for k in range(size)]


def mean_iou_slowly(counts: tuple[np.ndarray, ...], weights: Mapping[int, float]) -> float:
    """The mean over classes that occur of intersection over union, by loops."""
    values = []
    for k in range(CLASSES):
        right, predicted, labelled = (sum(w * int(part[image, k]) for image, w in weights.items()) for part in counts)
        if union := predicted + labelled - right:
            values.append(right / union)
    return sum(values) / len(values)


@pytest.fixture
def two_models(tmp_path: Path) -> tuple[Path, dict[str, tuple[np.ndarray, ...]]]:
    counts = {}
    for seed, model in enumerate(("a", "b")):
        counts[model] = random_counts(np.random.default_rng(seed), len(IDS), CLASSES)
        write_cell(tmp_path, counts[model], IDS, model=model)
    return tmp_path, counts


def test_a_condition_has_the_score_of_its_images_in_the_data_and_in_each_resample(
    two_models: tuple[Path, dict[str, tuple[np.ndarray, ...]]],
) -> None:
    folder, counts = two_models
    found = condition_scores(quality_frame(folder))
    assert found is not None
    assert found.conditions == ("reference", "fog", "night")
    assert found.reference == "reference"
    assert found.images == SIZES
    assert found.blocks == SIZES
    weights = next(iter(list(multiplicities(len(IDS), 50, 0))[1:]))  # of the first resamples
    order = np.argsort(np.unique(IDS, return_inverse=True)[1])
    for model, own in counts.items():
        for name in SIZES:
            draws = found.draws(name, model=model)
            members = [k for k, image_id in enumerate(IDS) if image_id.startswith(name)]
            assert draws[0] == pytest.approx(mean_iou_slowly(own, dict.fromkeys(members, 1)), abs=1e-12)
            for row in range(3):
                drawn = {k: float(weights[row, order[k]]) for k in members}
                assert draws[1 + row] == pytest.approx(mean_iou_slowly(own, drawn), abs=1e-12)


def test_an_interval_is_of_the_conditions_own_blocks_and_missing_where_these_are_too_few(
    two_models: tuple[Path, dict[str, tuple[np.ndarray, ...]]],
) -> None:
    found = condition_scores(quality_frame(two_models[0]))
    assert found is not None
    draws = found.draws("fog", model="a")
    interval = found.interval("fog", draws)
    tail = tail_share(SIZES["fog"], 0.95)
    expected = np.quantile(draws[1:][~np.isnan(draws[1:])], [tail, 1 - tail])
    assert [interval.low, interval.high] == pytest.approx(expected)
    assert interval.low < interval.estimate < interval.high
    night = found.interval("night", found.draws("night", model="a"))
    assert np.isnan([night.low, night.high]).all()
    others = (draws[0] + found.draws("night", model="a")[0]) / 2
    assert found.values(model="a")["retention"][0] == others / found.draws("reference", model="a")[0]


def test_images_without_conditions_or_all_of_one_have_no_such_scores(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(0), 12, CLASSES)
    for folder, before in (("none", ""), ("one", "night/")):
        write_cell(tmp_path / folder, counts, [f"{before}{k:02d}" for k in range(12)])
        assert condition_scores(quality_frame(tmp_path / folder)) is None


def test_of_a_reference_without_a_right_pixel_nothing_can_be_retained(tmp_path: Path) -> None:
    right, predicted, labelled = random_counts(np.random.default_rng(0), len(IDS), CLASSES)
    of_reference = np.array([image_id.startswith("reference") for image_id in IDS])
    right[of_reference] = 0
    predicted[of_reference] = np.roll(labelled[of_reference], 1, axis=1)
    write_cell(tmp_path, (right, predicted, labelled), IDS)
    found = condition_scores(quality_frame(tmp_path))
    assert found is not None
    values = found.values(model="m")
    assert values["reference"][0] == 0
    assert np.isnan(values["retention"]).all()
    assert np.isnan(found.interval("retention", values["retention"]).estimate)


def test_a_resample_without_the_condition_is_left_out_of_a_calibration_error_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = random_counts(rng, len(IDS), CLASSES)
    calibration = random_calibration(rng, counts)
    write_cell(tmp_path, counts, IDS, calibration=calibration)
    found = condition_scores(quality_frame(tmp_path), "ece")
    assert found is not None
    draws = found.draws("night", model="m")  # of 3 of 29 images: in one of 25 resamples there is none
    raw = []
    for weights in multiplicities(len(IDS), len(draws) - 1, 0):
        own = weights @ np.array([image_id.startswith("night") for image_id in sorted(IDS)])
        raw += (own > 0).tolist()
    assert np.array_equal(~np.isnan(draws), raw)
    assert 0.02 < np.isnan(draws).mean() < 0.06
    fog = found.interval("fog", found.draws("fog", model="m"))
    assert 0 <= fog.low < fog.high


@pytest.mark.parametrize(
    ("dataset", "conditions", "reference"),
    [
        ("acdc", ["fog", "reference"], "reference"),
        ("acdc", ["fog", "night"], ""),
        ("cityscapes+acdc", ["acdc/fog", "cityscapes"], "cityscapes"),
        ("cityscapes+acdc", ["acdc/fog", "acdc/reference", "cityscapes"], "acdc/reference"),
        ("acdc+cityscapes", ["acdc/fog", "cityscapes"], ""),
        ("mine", ["cityscapes", "fog"], ""),
    ],
)
def test_the_reference_is_that_of_clean_partners_or_the_first_data_set(
    dataset: str, conditions: list[str], reference: str
) -> None:
    assert reference_of(dataset, conditions) == reference
