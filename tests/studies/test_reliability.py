"""Bins of confidence: they give the calibration error of a cell, and weigh corruptions and severities alike."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import write_synthetic

from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.reliability import reliability

CONDITIONS = {"fog": (1, 3), "snow": (2,)}
COLUMNS = ("calibration_pixels", "calibration_correct", "calibration_confidence")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reliability")
    write_synthetic(
        folder, lambda model, c, s, v: 0.8 - 0.1 * s, models=["a-s0", "a-s1"], conditions=CONDITIONS, images=6
    )
    return folder


def test_the_bins_of_clean_images_sum_to_the_calibration_error_of_the_cell(folder: Path) -> None:
    cells = quality_frame(folder).assign(title=lambda frame: frame["model"])
    bins = reliability(cells, {"one": ["a-s0"]}, CONDITIONS).query("condition == 'clean' and pixels > 0")
    assert bins["pixels"].sum() == pytest.approx(1)
    error = (bins["pixels"] * (bins["accuracy"] - bins["confidence"]).abs()).sum()
    ece = cells.query("model == 'a-s0' and corruption == 'clean'")["ece"].item()
    assert error == pytest.approx(ece, abs=1e-12)
    assert ece > 0.01


def test_under_corruption_a_corruption_weighs_as_much_as_another_whatever_its_severities(folder: Path) -> None:
    cells = quality_frame(folder).assign(title=lambda frame: frame["model"])
    found = reliability(cells, {"a": ["a-s0", "a-s1"]}, CONDITIONS).query("condition == 'corrupted'")
    sums = {
        (cell.corruption, cell.severity, cell.model): [np.asarray(cell.counts[name]).sum(axis=0) for name in COLUMNS]
        for cell in cells.itertuples()
    }
    expected = np.zeros((3, 15))
    for model in ("a-s0", "a-s1"):
        for k in range(3):
            fog = (sums["fog", 1, model][k] + sums["fog", 3, model][k]) / 2
            expected[k] += fog + sums["snow", 2, model][k]
    pixels, correct, confidence = expected
    full = pixels > 0
    assert found["bin"].tolist() == list(range(1, 16))
    np.testing.assert_allclose(found["pixels"], pixels / pixels.sum(), rtol=1e-12)
    np.testing.assert_allclose(found["accuracy"][full], correct[full] / pixels[full], rtol=1e-12)
    np.testing.assert_allclose(found["confidence"][full], confidence[full] / 2**20 / pixels[full], rtol=1e-12)
    assert found.loc[~full, ["accuracy", "confidence"]].isna().all(axis=None)


def test_a_missing_cell_leaves_no_number_of_corrupted_images(folder: Path) -> None:
    cells = quality_frame(folder).assign(title=lambda frame: frame["model"]).query("severity != 3 or model != 'a-s1'")
    found = reliability(cells, {"a": ["a-s0", "a-s1"]}, CONDITIONS).set_index("condition")
    assert found.loc["corrupted", ["pixels", "accuracy", "confidence"]].isna().all(axis=None)
    assert found.loc["clean", "pixels"].sum() == pytest.approx(1)
