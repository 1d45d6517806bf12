"""Counts as arrays: what was written, in order, and only of the same images."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from counted import random_counts, write_cell

from robustbench_seg.errors import StoreError
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
        assert np.array_equal(found.upper[k], intersection)
        assert np.array_equal(found.lower[k], predicted + labelled - intersection)
    # CamVid's blocks are runs of 15 labelled frames, every 30th of the video
    assert found.blocks[0] == found.blocks[1]
    assert len(set(found.blocks)) == 3


def test_the_counts_of_another_metric_are_read_by_its_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    plain, boundary = random_counts(rng, 4, 3), random_counts(rng, 4, 3)
    write_cell(tmp_path, plain, IDS, boundary=boundary)
    assert np.array_equal(read_counts(quality_frame(tmp_path), "boundary_miou").upper[0], boundary[0])
    assert np.array_equal(read_counts(quality_frame(tmp_path)).upper[0], plain[0])


def test_a_metric_that_was_off_is_refused_be_its_columns_null_or_not_there(tmp_path: Path) -> None:
    path = write_cell(tmp_path, random_counts(np.random.default_rng(1), 4, 3), IDS)
    for _ in range(2):
        with pytest.raises(StoreError, match="has no boundary_intersection; that metric was off"):
            read_counts(quality_frame(tmp_path), "boundary_miou")
        pq.write_table(pq.read_table(path, columns=["image_id", "intersection", "predicted", "labelled"]), path)


def test_cells_of_other_images_or_labels_are_refused(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(2), 4, 3)
    write_cell(tmp_path, counts, IDS, model="a")
    write_cell(tmp_path, counts, [*IDS[:3], "another"], model="b")
    write_cell(tmp_path, counts, IDS, model="c", fingerprint="g")
    frame = quality_frame(tmp_path)
    for other in ("b", "c"):
        with pytest.raises(StoreError, match="is of other images or labels than"):
            read_counts(frame[frame["model"].isin(["a", other])])
    with pytest.raises(StoreError, match="no cell fits"):
        read_counts(frame.query("model == 'x'"))
