"""Decoded images are kept while a run lasts: each file is decoded once, and never taken for another."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from counted_data import Counted, Unnamed
from small import assert_same_store, stored

import robustbench_seg as rb
from robustbench_seg import environment
from robustbench_seg.datasets import Dataset, Sample
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.several import Several
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError, MachineError
from robustbench_seg.measure import decoded
from robustbench_seg.measure.decoded import Decoded, stamps_of
from robustbench_seg.measure.listener import Listener
from robustbench_seg.private_folders import PREFIX

CONDITIONS = {"gaussian_noise": [1, 3], "contrast": [2]}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def measure(data: Dataset, out: Path, **options: object) -> rb.Results:
    how = {"corruptions": CONDITIONS, "metrics": [], "progress": False, "out": out, **options}
    return rb.evaluate({"one": "constant", "two": "constant"}, data, **how)


@pytest.mark.parametrize(("workers", "cache"), [(0, False), (2, False), (0, True)])
def test_each_image_is_decoded_once_in_a_run(
    tmp_path: Path, temporary: Path, camvid_folder: Path, workers: int, cache: bool
) -> None:
    data = Counted(camvid_folder, tmp_path / "log")
    place = tmp_path / "fast/disk" if cache else None
    measure(data, tmp_path / "out", workers=workers, cache=place)
    first = data.ids[0]  # a class of a user's own loads it once before the run, to see what it keeps
    assert sorted((tmp_path / "log").read_text().split()) == sorted([first, *data.ids])
    assert not list(temporary.iterdir()), "nothing is left of it"
    assert not cache or not list(place.iterdir())
    measure(Unnamed(camvid_folder, tmp_path / "again"), tmp_path / "other", workers=workers)
    assert len((tmp_path / "again").read_text().split()) == 1 + len(data.ids) * 4, "files that are not known may change"
    one, other = (list(stored(tmp_path / name).values()) for name in ("out", "other"))
    assert len(one) == 2 * 4
    for (_, frame), (_, expected) in zip(one, other, strict=True):
        for name in ("intersection", "predicted", "labelled"):
            assert np.array_equal(np.stack(frame[name]), np.stack(expected[name]))


def test_without_room_nothing_is_kept_and_the_store_is_the_same(
    tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Counted(camvid_folder, tmp_path / "log")
    measure(data, tmp_path / "one")
    (tmp_path / "log").unlink()
    monkeypatch.setattr(decoded, "free_memory", lambda: 0)
    measure(data, tmp_path / "two")
    assert len((tmp_path / "log").read_text().split()) == 4 * len(data.ids)
    assert_same_store(tmp_path / "one", tmp_path / "two")


def test_what_is_kept_is_what_was_loaded_and_nobody_can_change_it(tmp_path: Path) -> None:
    data = Streets(size=(64, 96), count=3)
    wrapped = Decoded(data, stamps_of(data, data.ids), tmp_path, 10**9)
    for _ in range(2):
        for image_id in data.ids:
            sample, expected = wrapped.load(image_id), data.load(image_id)
            assert np.array_equal(sample.image, expected.image)
            assert np.array_equal(sample.label, expected.label)
            assert (sample.image.dtype, sample.label.dtype, sample.image_id) == (np.uint8, np.uint8, image_id)
            sample.image[:] = sample.label[:] = 7


def test_room_is_shared_by_all_processes_and_what_fits_is_kept(tmp_path: Path) -> None:
    data = Streets(size=(128, 256), count=5)  # 128 KiB each
    for process in range(2):
        wrapped = Decoded(data, stamps_of(data, data.ids), tmp_path, 3 * 2**17)
        for image_id in data.ids[process::2]:
            wrapped.load(image_id)
    assert len(list(tmp_path.glob("*.npy"))) == 2 * 3


def change(data: CamVid, label: bool, how: str) -> Path:
    path = data.pairs[data.ids[-1]][label]
    if how == "removed":
        path.unlink()
    elif how == "replaced":
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), pixels // 2)
    else:
        os.utime(path, ns=(1, 1))
    return path


@pytest.mark.parametrize("how", ["removed", "replaced", "touched"])
@pytest.mark.parametrize("label", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_a_file_that_changes_during_a_run_is_named(
    tmp_path: Path, camvid_folder: Path, label: bool, how: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, changed = CamVid(camvid_folder), []
    if not kept:
        monkeypatch.setattr(decoded, "free_memory", lambda: 0)

    class Changing(Listener):
        def finished(self, job: object, error: Exception | None) -> None:
            if not changed:
                changed.append(change(data, label, how))

    with pytest.warns(UserWarning, match="6 cells failed"):
        results = measure(data, tmp_path / "out", progress=Changing())
    assert len(results.cells) == 2, "those that were measured before"
    for message in results.failures.values():
        where, _, what = message.removeprefix("robustbench_seg.errors.DataError: ").partition(": ")
        assert (where, what) == (str(changed[0]), "changed during the run; run again when nothing writes there")


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path, camvid_folder: Path) -> None:
    class Slow(CamVid):
        def load(self, image_id: str) -> Sample:
            sample = super().load(image_id)
            os.utime(self.pairs[image_id][0], ns=(1, 1))
            return sample

        def files(self, image_id: str) -> tuple[Path, ...]:
            return self.pairs[image_id]

    data = Slow(camvid_folder)
    with pytest.raises(DataError, match="changed during the run"):
        Decoded(data, stamps_of(data, data.ids), tmp_path, 10**9).load(data.ids[0])
    assert not list(tmp_path.glob("*.npy"))


def test_of_which_data_sets_the_files_are_known(camvid_folder: Path, tmp_path: Path) -> None:
    class OwnLabels(CamVid):
        def read_label(self, image_id: str) -> bytes:
            return super().read_label(image_id)

    class OwnScenes(Streets):
        def load(self, image_id: str) -> Sample:
            return super().load(image_id)

    camvid = CamVid(camvid_folder)
    assert camvid.files(camvid.ids[0]) == camvid.pairs[camvid.ids[0]]
    assert len(stamps_of(camvid, camvid.ids)) == len(camvid.ids)
    assert set(stamps_of(Streets(), Streets().ids[:2]).values()) == {()}
    for unknown in (OwnLabels(camvid_folder), OwnScenes(), Unnamed(camvid_folder, tmp_path)):
        assert stamps_of(unknown, unknown.ids[:2]) == {}
    both = Several([camvid])
    assert both.files(both.ids[0]) == camvid.pairs[camvid.ids[0]]


def test_a_run_removes_what_a_killed_one_has_left_even_where_it_keeps_nothing(
    tmp_path: Path, temporary: Path, camvid_folder: Path
) -> None:
    (left := temporary / f"{PREFIX}left").mkdir()
    measure(CamVid(camvid_folder), tmp_path / "out", corruptions={})
    assert not left.exists()


def test_a_cache_that_can_t_be_written_is_one_line_and_a_temporary_folder_is_not_needed(
    tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"file/cache: can't be written: "):
        measure(CamVid(camvid_folder), tmp_path / "out", cache=tmp_path / "file/cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file/temporary"))
    assert len(measure(CamVid(camvid_folder), tmp_path / "out").cells) == 8


def test_free_memory_is_the_containers_where_that_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "CGROUP", tmp_path)
    system = environment.free_memory()
    assert 0 < system < 2**50
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("2500\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 400\n")
    assert environment.free_memory() == 900
    (tmp_path / "memory.max").write_text("max\n")
    assert environment.free_memory() > 900
