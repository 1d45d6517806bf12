"""Cells of which a column or a count is not what was written: each is one line with the file's name and the cure."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from whole import CLASSES, Change, at, copied, counts, expect_line, lists, put, rewrite, without

from robustbench_seg.metrics import count_calibration
from robustbench_seg.metrics.calibration import BINS, GREATEST, LEAST, QUANTA

COUNTS = ["intersection", "predicted", "labelled"]
COLUMNS: dict[str, tuple[Change, str]] = {
    **{f"without {name}": (without(name), f"has no column {name}") for name in (
        *("cell", "model", "dataset", "corruption", "severity", "view", "image_id", "height", "width", *COUNTS),
        *("boundary_intersection", "calibration_confidence", "negative_log_likelihood"),
    )},
    "a foreign column": (lambda t: t.append_column("mood", pa.array([1, 2, 3])), "has an extra column 'mood'"),
    "a column twice": (lambda t: t.append_column("labelled", t["labelled"]), "in another order, or repeated"),
    "another order": (lambda t: t.select(t.column_names[::-1]), "in another order, or repeated"),
    "no rows": (lambda t: t.slice(0, 0), "has 0 rows, its record states 3"),
    "a row less": (lambda t: t.slice(1), "has 2 rows, its record states 3"),
    "rows twice": (lambda t: pa.concat_tables([t, t]), "has 6 rows, its record states 3"),
    "an image twice": (put("image_id", ["a", "b", "b"]), "image 'b' has more than one row"),
    "another image": (put("image_id", ["a", "b", "d"]), "its record and images have the key [0-9a-f]{32}, not"),
    "images in another order": (put("image_id", ["a", "c", "b"]), "its record and images have the key"),
    "an image without a name": (put("image_id", ["a", None, "c"]), "its column image_id must have a value in each row"),
    "images that are numbers": (put("image_id", [1, 2, 3], pa.int64()), "its column image_id must be of string, not o"),
    "heights that are text": (put("height", ["1", "2", "3"], pa.string()), "its column height must be of int32, not o"),
    "heights that are wide": (put("height", [256] * 3, pa.int64()), "its column height must be of int32, not of int64"),
    "a height of 0": (put("height", [256, 0, 256]), "image 'b': height must be 1 .. 1048576"),
    "a negative width": (put("width", [-256, 256, 256]), "image 'a': width must be 1 .. 1048576"),
    "a giant": (put("width", [256, 256, 2**31 - 1]), "image 'c': width must be 1 .. 1048576"),
    "null counts": (put("labelled", [None, [1] * CLASSES, [1] * CLASSES]), "its column labelled must have a value in"),
    "null numbers": (put("labelled", [[None, 1, 1, 1]] * 3), "its column labelled has a list that lacks a number"),
    "ragged lists": (put("labelled", [[1], [1, 2], []], pa.list_(pa.int64())), "labelled must be of fixed_size_list"),
    "short lists": (put("labelled", [[1] * 3] * 3, lists(3)), r"labelled must be of .*\[4\], not of .*\[3\]"),
    "long lists": (put("labelled", [[1] * 5] * 3, lists(5)), r"labelled must be of .*\[4\], not of .*\[5\]"),
    "lists of floats": (put("labelled", [[1.0] * 4] * 3, pa.list_(pa.float64(), 4)), "labelled must be of .*int64"),
    "counts that are text": (put("labelled", ["1"] * 3, pa.string()), "labelled must be of .*, not of string"),
    "bins too few": (put("calibration_pixels", [[1] * 14] * 3, lists(14)), r"calibration_pixels must be of .*\[15\]"),
    "a metric of floats": (put("negative_log_likelihood", [1.0] * 3, pa.float64()), "must be of int64, not of double"),
    "a metric that was on and is null": (put("negative_log_likelihood", [None] * 3), "must have a value in each row"),
    "another model in one row": (put("model", ["m", "n", "m"]), "its column model has rows of 'n', its record states"),
    "another model": (put("model", ["n"] * 3), "its column model has rows of 'n', its record states 'm'"),
    "no model": (put("model", ["m", None, "m"]), "its column model has rows of None, its record states 'm'"),
    "another severity": (put("severity", [1] * 3), "its column severity has rows of 1, its record state"),
    "a severity that is text": (put("severity", ["0"] * 3, pa.string()), "column severity must be of int64, not of"),
    "another view": (put("view", ["whole-x2"] * 3), "its column view has rows of 'whole-x2', its record states 'whol"),
    "another data set": (put("dataset", ["e"] * 3), "its column dataset has rows of 'e', its record states 'd'"),
}  # fmt: skip
LATER = {
    "another split": (put("split", ["val"] * 3), "its column split has rows of 'val', its record states 'test'"),
    "two seeds": (put("seed", [0, 1, 0]), "its column seed has rows of 1, its record states 0"),
    "another precision": (put("precision", ["bf16"] * 3), "its column precision has rows of 'bf16'"),
    "other weights": (put("checkpoint_sha256", ["1" * 64] * 3), "its column checkpoint_sha256 has rows of '11111"),
    "another fingerprint": (put("fingerprint", ["g"] * 3), "its column fingerprint has rows of 'g'"),
    "another engine": (put("engine_version", [3] * 3), "its column engine_version has rows of 3, its record states 2"),
    "another key": (put("key", ["0" * 32] * 3), "its column key has rows of '00000"),
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_cell_with_other_columns_is_refused_by_name(whole: Path, tmp_path: Path, name: str, version: int) -> None:
    change, message = COLUMNS[name]
    path = copied(whole, tmp_path, "cells/m-d-clean-*", version)
    rewrite(path, change)
    expect_line(tmp_path / "out", path, message)


@pytest.mark.parametrize("name", LATER)
def test_a_cell_with_columns_of_another_is_refused_by_name(whole: Path, tmp_path: Path, name: str) -> None:
    change, message = LATER[name]
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    rewrite(path, change)
    expect_line(tmp_path / "out", path, message)


def nothing_counted(table: pa.Table) -> pa.Table:
    for name in COUNTS:
        table = counts(name, lambda values: 0 * values)(table)
    return table


MOST = np.iinfo(np.int64).max
IMPOSSIBLE: dict[str, tuple[Change, str]] = {
    "intersection above labelled": (counts("intersection", lambda c: c + 70_000), "intersection is negative, or more"),
    "intersection times 3": (counts("intersection", lambda c: 3 * c), "intersection is negative, or more than"),
    "negative intersection": (counts("intersection", at((1, 0), -1)), "image 'b': intersection is negative, or more t"),
    "negative predicted": (counts("predicted", at((2, 0), -5)), "image 'c': predicted is negative, or more than its p"),
    "predicted times 1000": (counts("predicted", lambda c: 1000 * c), "predicted is negative, or more than its pixels"),
    "one more is predicted": (counts("predicted", lambda c: c + np.eye(1, CLASSES, 1, int)), "predicted sums to more"),
    "one more is labelled": (counts("labelled", lambda c: c + np.eye(1, CLASSES, 1, int)), "do not sum to the same"),
    "nothing is labelled": (counts("labelled", lambda c: 0 * c), "intersection is negative, or more than predicted or"),
    "all counts are 0": (nothing_counted, "boundary_labelled is negative, or more than labelled"),
    "the largest integer": (counts("labelled", at((0, 2), MOST)), "labelled is negative, or more than its pixels"),
    "the largest integer twice": (
        lambda t: counts("labelled", at((0, 2), MOST))(counts("predicted", at((0, 2), MOST))(t)),
        "labelled is negative, or more than its pixels",
    ),
    "a smaller image": (put("height", [1, 1, 1]), "labelled is negative, or more than its pixels|sums to more than it"),
    "rims wider than labels": (counts("boundary_labelled", lambda c: c + 5000), "boundary_labelled is negative, or mo"),
    "rims wider than predictions": (counts("boundary_predicted", lambda c: c + 5000), "boundary_predicted is negative"),
    "more common rims": (counts("boundary_intersection", lambda c: c + 5000), "boundary_intersection is negative, or"),
    "a negative rim": (counts("boundary_intersection", at((0, 0), -1)), "boundary_intersection is negative, or more t"),
    "pixels in no bin": (counts("calibration_pixels", at((0, 0), 0)), "calibration_correct is negative|do not sum to"),
    "a negative bin": (counts("calibration_pixels", at((0, 3), -1)), "calibration_pixels is negative, or more than la"),
    "more right than there are": (counts("calibration_correct", lambda c: c + 5000), "calibration_correct is negative"),
    "none is right": (counts("calibration_correct", lambda c: 0 * c), "calibration_correct and intersection do not su"),
    "confidence of another bin": (counts("calibration_confidence", lambda c: c[:, ::-1]), "calibration_confidence lea"),
    "confidence above 1": (counts("calibration_confidence", at((1, 14), 2**50)), "image 'b': calibration_confidence l"),
    "negative confidence": (counts("calibration_confidence", at((1, 0), -1)), "calibration_confidence leaves its bin"),
    "negative likelihood": (counts("negative_log_likelihood", at(2, -1)), "image 'c': negative_log_likelihood is nega"),
}  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_counts_that_no_image_can_have_are_refused(whole: Path, tmp_path: Path, name: str, version: int) -> None:
    """Also where the digest was made for them: whoever wrote them, they are no counts."""
    change, message = IMPOSSIBLE[name]
    path = copied(whole, tmp_path, "cells/m-d-clean-*", version)
    rewrite(path, change)
    expect_line(tmp_path / "out", path, message)


def test_possible_counts_that_were_not_written_are_refused_by_the_digest(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    rewrite(path, counts("negative_log_likelihood", at(0, 6)), sealed=False)
    expect_line(tmp_path / "out", path, "was changed after it was written")


def test_the_bounds_of_a_bin_are_those_of_the_count() -> None:
    quanta = np.arange(QUANTA + 1)
    bins = np.searchsorted(np.arange(1, BINS) * QUANTA / BINS, quanta)  # (k / 15, (k + 1) / 15], as the paper has it
    for k in range(BINS):
        own = quanta[bins == k]
        assert (LEAST[k], GREATEST[k]) == (own.min(), own.max())
        for end in (own.min(), own.max()):
            assert count_calibration(np.float32([end / QUANTA]), np.array([True]))["calibration_pixels"][k] == 1


SAMPLES: dict[str, tuple[Change, str]] = {
    "without a column": (without("classify_ms"), "has no column classify_ms"),
    "no rows": (lambda t: t.slice(0, 0), "has 0 rows, its record states one or more"),
    "a sample less": (lambda t: t.slice(1), "its samples are not numbered from 0"),
    "NaN": (put("latency_ms", [1.0, float("nan"), 2.0]), "its column latency_ms has a value that is not a time"),
    "infinite": (put("classify_ms", [1.0, float("inf"), 2.0]), "its column classify_ms has a value that is not a time"),
    "negative": (put("latency_ms", [1.0, -1.0, 2.0]), "its column latency_ms has a value that is not a time"),
    "none at all": (put("latency_ms", [1.0, 0.0, 2.0]), "its column latency_ms has a time of 0"),
    "null": (put("latency_ms", [1.0, None, 2.0]), "its column latency_ms must have a value in each row"),
    "text": (put("latency_ms", ["1"] * 3, pa.string()), "its column latency_ms must be of double, not of string"),
    "another batch": (put("batch", [2] * 3), "its column batch has rows of 2, its record states 1"),
}  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_speed_cell_with_other_columns_is_refused(whole: Path, tmp_path: Path, name: str, version: int) -> None:
    change, message = SAMPLES[name]
    path = copied(whole, tmp_path, "latency/*", version)
    rewrite(path, change)
    expect_line(tmp_path / "out", path, message)
