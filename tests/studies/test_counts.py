"""Counts as arrays: what was written, in order, and only of the same images."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import as_version, random_counts, random_rims, write_cell

from robustbench_seg.errors import StoreError
from robustbench_seg.store.record import SCHEMA_VERSION
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.frame import quality_frame

IDS = ["0001TP_000000", "0001TP_000420", "0001TP_000450", "other_7"]


def test_the_counts_are_those_written_cell_by_cell(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    written = {s: random_counts(rng, 4, 3) for s in (1, 2, 3)}
    for severity, counts in written.items():
        write_cell(tmp_path, counts, IDS, ("fog", severity), dataset="camvid")
    found = read_counts(quality_frame(tmp_path).query("severity >= 2"))
    assert found.cells["severity"].tolist() == [2, 3]
    for k, severity in enumerate((2, 3)):
        intersection, predicted, labelled = written[severity]
        assert np.array_equal(found.terms["intersection"][k], intersection)
        assert np.array_equal(found.terms["union"][k], predicted + labelled - intersection)
    # CamVid's blocks are runs of 15 labelled frames, every 30th of the video
    assert found.blocks[0] == found.blocks[1]
    assert len(set(found.blocks)) == 3


def test_the_counts_of_another_metric_are_read_by_its_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    plain = random_counts(rng, 4, 3)
    boundary = random_rims(rng, plain)
    write_cell(tmp_path, plain, IDS, boundary=boundary)
    found = read_counts(quality_frame(tmp_path), "boundary_miou")
    assert np.array_equal(found.terms["intersection"][0], boundary[0])
    assert np.array_equal(read_counts(quality_frame(tmp_path)).terms["intersection"][0], plain[0])


@pytest.mark.parametrize("version", [1, SCHEMA_VERSION])
def test_a_metric_that_was_off_is_refused_be_its_columns_null_or_not_there(tmp_path: Path, version: int) -> None:
    path = write_cell(tmp_path, random_counts(np.random.default_rng(1), 4, 3), IDS)
    if version == 1:
        as_version(path, 1)
    with pytest.raises(StoreError, match="has no boundary_intersection; its metric was off"):
        read_counts(quality_frame(tmp_path), "boundary_miou")


def test_cells_of_other_images_labels_or_classes_are_refused(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(2), 4, 3)
    others = {
        "images": (counts, [*IDS[:3], "another"], {}),
        "labels": (tuple(part[::-1] for part in counts), IDS, {}),
        "fingerprint": (counts, IDS, {"fingerprint": "g"}),
    }
    write_cell(tmp_path / "a", counts, IDS, model="a")
    first = quality_frame(tmp_path / "a")
    for name, (theirs, ids, fields) in others.items():
        write_cell(tmp_path / name, theirs, ids, model=name, **fields)
        with pytest.raises(StoreError, match="has other images or labels than"):
            read_counts(pd.concat([first, quality_frame(tmp_path / name)]))
    second = first.assign(class_names=[("class 0", "class 1", "other")])
    with pytest.raises(StoreError, match="has other classes than"):
        read_counts(pd.concat([first, second]))
    with pytest.raises(StoreError, match="no cell matches"):
        read_counts(first.query("model == 'x'"))


def test_what_becomes_of_a_file_after_it_was_read_changes_no_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    counts = random_counts(rng, 4, 3)
    path = write_cell(tmp_path, counts, IDS)
    frame = quality_frame(tmp_path)
    write_cell(tmp_path, random_counts(rng, 4, 3), IDS)
    assert np.array_equal(read_counts(frame).terms["intersection"][0], counts[0])
    path.unlink()
    assert np.array_equal(read_counts(frame).terms["intersection"][0], counts[0])
