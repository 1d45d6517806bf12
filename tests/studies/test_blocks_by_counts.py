"""Independent images: cases are images without a label, images that occur twice, images of one class."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import write_cell

from robustbench_seg.errors import StoreError
from robustbench_seg.studies.blocks import blocks_by_counts
from robustbench_seg.studies.bootstrap import resample
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.frame import quality_frame

IDS = [f"i{k}" for k in range(12)]
Written = tuple[np.ndarray, np.ndarray, np.ndarray]


LABELLED = np.random.default_rng(0).integers(1, 1000, (len(IDS), 5))


def predicted_on(labelled: np.ndarray, seed: int) -> Written:
    """Counts of a model on images with these numbers of labelled pixels per class."""
    rng = np.random.default_rng(seed)
    intersection = rng.integers(0, labelled + 1)
    return intersection, intersection + rng.permuted(labelled - intersection, axis=1), labelled


def only(counts: Written, images: list[int]) -> Written:
    return counts[0][images], counts[1][images], counts[2][images]


def test_an_image_without_a_labelled_pixel_is_not_drawn(tmp_path: Path) -> None:
    counts = predicted_on(np.where(np.arange(len(IDS))[:, None] < 3, LABELLED, 0), 0)
    write_cell(tmp_path / "all", counts, IDS)
    write_cell(tmp_path / "labelled", only(counts, [0, 1, 2]), IDS[:3])
    every, labelled = (read_counts(quality_frame(tmp_path / name)) for name in ("all", "labelled"))
    assert every.blocks == labelled.blocks == ("i0", "i1", "i2")
    assert np.array_equal(resample(every).draws, resample(labelled).draws)


def test_an_image_that_is_there_twice_is_drawn_as_one(tmp_path: Path) -> None:
    twice = [0, 1] * 6
    write_cell(tmp_path, only(predicted_on(LABELLED, 1), twice), IDS)
    noisy = predicted_on(LABELLED[twice], 2)
    write_cell(tmp_path, noisy, IDS, ("gaussian_noise", 3))  # each image has its own noise
    scores = resample(read_counts(quality_frame(tmp_path)))
    assert scores.blocks == 2
    once = resample(read_counts(quality_frame(tmp_path).query("corruption == 'gaussian_noise'")))
    assert once.blocks == 12, "without a clean cell nothing tells a copy"


def test_copies_join_the_blocks_that_they_stand_in() -> None:
    labelled = np.array([[1, 2], [3, 4], [5, 6], [1, 2], [3, 4], [7, 8]])
    blocks = blocks_by_counts(("a", "b", "c", "c", "d", "e"), labelled, labelled)
    assert blocks.names == ("a", "b", "a", "a", "b", "e")
    assert blocks.repeated == 2


def test_images_that_differ_in_the_prediction_alone_are_not_the_same() -> None:
    labelled = np.array([[1, 2], [1, 2]])
    assert blocks_by_counts(("a", "b"), labelled, np.array([[1], [2]])).names == ("a", "b")


def test_images_of_one_class_that_a_model_gets_right_are_no_copies() -> None:
    """As 30 pictures of sound parts, in which there is no flaw to be seen."""
    labelled = np.tile([100, 0], (30, 1))
    names = tuple(map(str, range(30)))
    assert blocks_by_counts(names, labelled, labelled).names == names


def test_a_clean_cell_of_other_images_than_the_rest_is_refused(tmp_path: Path) -> None:
    write_cell(tmp_path / "fog", predicted_on(LABELLED, 4), IDS, ("fog", 1))
    write_cell(tmp_path / "clean", predicted_on(LABELLED[:3], 5), IDS[:3])
    cells = pd.concat([quality_frame(tmp_path / name) for name in ("fog", "clean")])
    with pytest.raises(StoreError, match="has other images or labels than"):
        read_counts(cells)


def test_a_split_without_a_labelled_pixel_has_no_block_and_no_score(tmp_path: Path) -> None:
    write_cell(tmp_path, only(predicted_on(LABELLED, 3), [0]), IDS[:1])
    frame = quality_frame(tmp_path)
    assert resample(read_counts(frame)).blocks == 1
    nothing = tuple(np.zeros((2, 3), np.int64) for _ in range(3))
    write_cell(tmp_path / "nothing", nothing, ["i0", "i1"])
    scores = resample(read_counts(quality_frame(tmp_path / "nothing")))
    assert scores.blocks == 0
    assert np.isnan(scores.draws).all()
