import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import REASONS, WAYS, scarce
from scenes import Deadly, Scenes
from small import stored, write_suite

from robustbench_seg import environment
from robustbench_seg.corruptions import CORRUPTIONS, ENGINE_VERSION
from robustbench_seg.datasets import Dataset, open_dataset, spaced
from robustbench_seg.errors import DataError, MachineError, StoreError, UsageError
from robustbench_seg.export import Export, Listener, choose_conditions, estimate, export_images, spec, write
from robustbench_seg.export.estimate import Estimate
from robustbench_seg.locks import locked
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.prepare import prepare
from robustbench_seg.measure.runner import Listener as RunListener
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.workers import Loader
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.store.cell import Condition
from robustbench_seg.suites import read_suite

CONDITIONS = (Condition("fog", 3), Condition("gaussian_noise", 1), Condition("gaussian_noise", 2))


class Recorder(Listener):
    """Records the progress; stops the export after `stop` images as Ctrl-C does."""

    def __init__(self, stop: int | None = None) -> None:
        self.images, self.stop = 0, stop
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def plan(self, conditions: int, incomplete: int, rest: Estimate) -> None:
        self.conditions, self.incomplete, self.rest = conditions, incomplete, rest

    def image(self) -> None:
        self.images += 1
        if self.images == self.stop:
            raise KeyboardInterrupt


def make_export(
    out: Path, dataset: Dataset | None = None, limit: int | None = None, seed: int = 0, **changes: object
) -> Export:
    dataset = dataset or Scenes()
    fields = {"conditions": [replace(c, seed=seed) for c in CONDITIONS], "format": "png", **changes}
    fields["conditions"] = tuple(fields["conditions"])
    return Export(dataset=dataset, ids=spaced(dataset.ids, limit), out=out, **fields)


def run_export(export: Export, workers: int = 0, stop: int | None = None) -> Recorder:
    recorder = Recorder(stop)
    export_images(export, workers, recorder)
    return recorder


def contents(out: Path) -> dict[str, bytes]:
    """All files but manifests, which hold the time."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("manifest.json", ".lock")
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One uninterrupted export."""
    out = tmp_path_factory.mktemp("finished") / "out"
    run_export(make_export(out))
    return out


def assert_reads_back(export: Export) -> None:
    for condition in export.conditions:
        root = export.out / condition.corruption / str(condition.severity)
        read = open_dataset("cityscapes", root, split=export.dataset.split)
        assert read.ids == export.ids
        for name in ("class_names", "palette", "shows_images", "synthetic", "total"):
            assert getattr(read, name) == getattr(export.dataset, name)
        for image_id in export.ids:
            expected, got = prepare(export.dataset, condition, image_id), read.load(image_id)
            assert np.array_equal(got.image, expected.image)
            assert np.array_equal(got.label, expected.label)


@pytest.mark.parametrize("image_format", ["png", "webp"])
@pytest.mark.parametrize("name", ["streets", "cityscapes", "camvid"])
def test_the_adapter_reads_the_very_pixels_labels_and_classes(
    tmp_path: Path, cityscapes_root: Path, camvid_folder: Path, name: str, image_format: str
) -> None:
    dataset = {
        "streets": Scenes(),
        "cityscapes": open_dataset("cityscapes", cityscapes_root, split="test"),
        "camvid": open_dataset("camvid", camvid_folder),
    }[name]
    export = make_export(tmp_path / "out", dataset, 2, format=image_format, conditions=CONDITIONS[:2])
    run_export(export)
    assert_reads_back(export)


def test_every_corruption_can_be_exported(tmp_path: Path) -> None:
    conditions = tuple(Condition(name, 5, 3) for name in CORRUPTIONS)
    export = make_export(tmp_path / "out", Scenes(), 1, conditions=conditions)
    run_export(export)
    assert_reads_back(export)
    assert json.loads((tmp_path / "out/manifest.json").read_text())["seed"] == 3


@pytest.mark.parametrize("conditions", [(), (Condition("fog", 1, 0), Condition("fog", 2, 1))])
def test_conditions_of_no_seed_or_two_are_refused(tmp_path: Path, conditions: tuple[Condition, ...]) -> None:
    with pytest.raises(UsageError, match=r"all of one seed; got the seeds \[(0, 1)?\]"):
        make_export(tmp_path, conditions=conditions)


@pytest.mark.parametrize("split", ["fit", "held"])
def test_a_tree_is_read_under_the_split_of_its_manifest_and_no_other(
    tmp_path: Path, camvid_folder: Path, split: str
) -> None:
    for folder in ("test", "testannot"):
        for path in list((camvid_folder / folder).iterdir()):
            for copy in range(3):
                target = camvid_folder / folder.replace("test", "train") / f"{path.stem}{copy}.png"
                target.parent.mkdir(exist_ok=True)
                shutil.copy(path, target)
    dataset = open_dataset("camvid", camvid_folder, split=split)
    assert dataset.ids
    export = make_export(tmp_path / "out", dataset, conditions=CONDITIONS[:1])
    run_export(export)
    assert_reads_back(export)
    tree = tmp_path / "out/fog/3"
    for other in ("train", "val", "test"):
        with pytest.raises(DataError, match=rf"{tree}: has no split '{other}'; its manifest.json names '{split}'$"):
            open_dataset("cityscapes", tree, split=other)


def test_the_folder_above_the_trees_is_not_a_data_set_and_the_message_names_the_trees(finished: Path) -> None:
    expected = (
        rf"{finished}: holds one folder per condition, written by `corrupt`; give one of them, "
        rf"{finished}/CORRUPTION/SEVERITY; it holds fog, gaussian_noise, gtFine, manifest\.json$"
    )
    for split in ("test", "val"):
        with pytest.raises(DataError, match=expected):
            open_dataset("cityscapes", finished, split=split)
    with pytest.raises(DataError, match=rf"{finished}/fog/leftImg8bit/test: no such .*, but {finished}/fog holds 3$"):
        open_dataset("cityscapes", finished / "fog", split="test")


def test_an_edited_manifest_is_named_with_what_it_lacks(tmp_path: Path, finished: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(finished / "fog/3", tree)
    whole = json.loads((tree / "manifest.json").read_text())
    for name in ("images", "class_names", "palette", "shows_images", "synthetic"):
        (tree / "manifest.json").write_text(json.dumps({key: whole[key] for key in whole if key != name}))
        with pytest.raises(DataError, match=f"{tree}/manifest.json: lacks '{name}'; it was edited$"):
            open_dataset("cityscapes", tree, split="test")
    for change, message in (
        ({"class_names": 19}, "its classes can't be read"),
        ({"palette": [[0, 0]] * 19}, "its classes can't be read"),
        ({"class_names": ["road"]}, "1 class names and 19 colours"),
        ({"split": None}, None),
    ):
        (tree / "manifest.json").write_text(json.dumps(whole | change))
        with pytest.raises(DataError, match=message or "has no split 'test'; its manifest.json names None$"):
            open_dataset("cityscapes", tree, split="test")


def test_a_run_on_the_files_counts_what_a_run_that_corrupts_on_the_fly_counts(
    tmp_path: Path, cityscapes_root: Path
) -> None:
    def counts(where: str, root: Path, conditions: dict[str, list[int]]) -> dict[str, dict[str, np.ndarray]]:
        dataset = {"name": "cityscapes", "split": "test"}
        suite = write_suite(tmp_path, dataset=dataset, conditions=conditions, views=["whole"], gallery=[])
        out = tmp_path / where
        assert not run(read_suite(str(suite)), out, Options(data={"cityscapes": root}), RunListener())
        return {
            frame["cell"].iloc[0]: {n: np.stack(frame[n]) for n in ("intersection", "predicted", "labelled")}
            for _, frame in stored(out).values()
        }

    run_export(make_export(tmp_path / "trees", open_dataset("cityscapes", cityscapes_root, split="test")))
    on_the_fly = counts("fly", cityscapes_root, {"fog": [3], "gaussian_noise": [2]})
    for corruption, severity in (("fog", 3), ("gaussian_noise", 2)):
        on_disk = counts(f"disk-{corruption}", tmp_path / "trees" / corruption / str(severity), {})
        assert on_disk.keys() == {"constant-cityscapes-clean-whole", "b0-cityscapes-clean-whole"}
        for cell, arrays in on_disk.items():
            expected = on_the_fly[cell.replace("clean", f"{corruption}-{severity}")]
            assert all(np.array_equal(arrays[n], expected[n]) for n in arrays)
    clean, noisy = (on_the_fly[f"b0-cityscapes-{condition}-whole"] for condition in ("clean", "gaussian_noise-2"))
    assert not np.array_equal(clean["predicted"], noisy["predicted"]), "the corruption matters to this model"


def test_the_files_lie_in_cityscapes_own_layout(finished: Path) -> None:
    image_id = "streets_000000_2000000"
    tree = finished / "gaussian_noise" / "2"
    assert (tree / f"leftImg8bit/test/streets/{image_id}_leftImg8bit.png").is_file()
    assert (tree / f"gtFine/test/streets/{image_id}_gtFine_labelTrainIds.png").is_file()


def test_a_tree_names_the_sha256_of_each_of_its_files(finished: Path) -> None:
    for condition in CONDITIONS:
        tree = finished / condition.corruption / str(condition.severity)
        listed = dict(line.split("  ")[::-1] for line in (tree / "sha256sums.txt").read_text().splitlines())
        there = {p.relative_to(tree).as_posix(): p for folder in tree.iterdir() for p in folder.rglob("*.png")}
        assert len(there) == 2 * 4
        assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()}


def test_manifests_describe_how_the_images_were_made(finished: Path) -> None:
    dataset = Scenes()
    whole, tree = (json.loads((finished / at / "manifest.json").read_text()) for at in (".", "gaussian_noise/2"))
    assert tree == whole | {"corruption": "gaussian_noise", "severity": 2}
    assert (whole["dataset"], whole["split"], whole["images"], whole["of"]) == ("streets", "test", 4, 4)
    assert (whole["seed"], whole["engine_version"], whole["format"]) == (0, ENGINE_VERSION, "png")
    assert whole["fingerprint"] == dataset.fingerprint(dataset.ids)
    assert whole["environment"].keys() == environment.describe("cpu").keys()


def test_worker_processes_change_no_byte(tmp_path: Path, finished: Path) -> None:
    recorder = run_export(make_export(tmp_path / "out"), workers=2)
    assert recorder.images == 12
    assert contents(tmp_path / "out") == contents(finished)


def test_a_second_export_writes_nothing(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.*") if path.name != ".lock"}
    recorder = run_export(make_export(finished))
    assert (recorder.rest.files, recorder.incomplete, recorder.images) == (0, 0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("stop", [1, 4, 6, 12])
def test_a_stopped_export_resumes_where_it_was(tmp_path: Path, finished: Path, stop: int) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_export(make_export(out), stop=stop)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*_leftImg8bit.png")}
    assert len(before) == stop
    recorder = run_export(make_export(out))
    assert recorder.rest.files == 12 - stop
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert contents(out) == contents(finished)


def test_files_that_went_missing_are_made_again(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    next((out / "fog").rglob("*_leftImg8bit.png")).unlink()
    next((out / "gaussian_noise/1").rglob("*_labelTrainIds.png")).unlink()
    shutil.rmtree(out / "gaussian_noise/2")
    recorder = run_export(make_export(out))
    assert recorder.rest.files == 1 + 1 + 4
    assert contents(out) == contents(finished)


@pytest.mark.parametrize("content", [None, "", "{}"])
def test_a_tree_without_its_manifest_gets_it_back(tmp_path: Path, finished: Path, content: str | None) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    lost = out / "gaussian_noise/1/manifest.json"
    expected = json.loads(lost.read_text())
    lost.unlink()
    if content is not None:
        lost.write_text(content)
    recorder = run_export(make_export(out))
    assert (recorder.incomplete, recorder.rest.files) == (1, 0)
    result = json.loads(lost.read_text())
    assert result.keys() == expected.keys()
    assert result | {"environment": None} == expected | {"environment": None}
    assert contents(out) == contents(finished)
    assert_reads_back(make_export(out))


def test_empty_files_are_made_again(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    shared = next((out / "gtFine").rglob("*.png"))
    for path in (
        next((out / "fog").rglob("*_leftImg8bit.png")),
        next((out / "gaussian_noise/1").rglob("*_labelTrainIds.png")),
        shared,
        out / "gaussian_noise/2" / shared.relative_to(out),
    ):
        path.write_bytes(b"")
    recorder = run_export(make_export(out))
    assert (recorder.incomplete, recorder.rest.files) == (3, 3)
    assert contents(out) == contents(finished)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("workers", [0, 1])
def test_files_that_differ_from_their_checksums_are_made_again_and_named(
    tmp_path: Path, finished: Path, workers: int, lost: bool
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    image, other = sorted((out / "fog").rglob("*_leftImg8bit.png"))[:2]
    label = next((out / "gaussian_noise/1").rglob("*_labelTrainIds.png"))
    for path in (image, label):
        path.write_bytes(path.read_bytes()[:-9])
    if lost:
        other.unlink()
    recorder = run_export(make_export(out), workers)
    assert recorder.notes == [f"{path}: differs from its checksum; it is made again" for path in (image, label)]
    assert (recorder.incomplete, recorder.rest.files) == (2, 2 + lost)
    assert contents(out) == contents(finished)
    again = run_export(make_export(out))
    assert (again.notes, again.incomplete) == ([], 0)


def test_a_damaged_label_that_trees_share_gets_into_no_tree(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    run_export(make_export(out, conditions=CONDITIONS[:2]))
    shared = next((out / "gtFine").rglob("*.png"))
    shared.write_bytes(shared.read_bytes()[:-9])  # hard links: every tree has the damaged one
    run_export(make_export(out, conditions=CONDITIONS[2:]))
    run_export(make_export(out))
    assert contents(out) == contents(finished)


def test_the_label_of_an_image_is_encoded_for_one_of_its_conditions(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded, png = [], write.png
    monkeypatch.setattr(write, "png", lambda label: (encoded.append(label.shape), png(label))[1])
    run_export(make_export(tmp_path / "out"))
    assert len(encoded) == len(Scenes().ids)
    assert contents(tmp_path / "out") == contents(finished)


def test_a_label_that_was_damaged_without_checksums_is_encoded_again_and_gets_into_no_other_tree(
    tmp_path: Path, finished: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_export(make_export(out), stop=2)
    shared = next((out / "gtFine").rglob("*.png"))
    shared.write_bytes(shared.read_bytes()[:-9])  # hard links: the first tree has the damaged one
    run_export(make_export(out))
    path, expected = shared.relative_to(out), contents(finished)
    found = contents(out)
    for tree in map(Path, ("gaussian_noise/1", "gaussian_noise/2", "")):
        assert found[str(tree / path)] == expected[str(tree / path)]


def test_a_damaged_list_of_checksums_is_written_again(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    sums = out / "fog/3/sha256sums.txt"
    first, *others = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(others))
    image = out / "fog/3" / first.split("  ")[1].strip()
    assert run_export(make_export(out)).incomplete == 1
    assert contents(out) == contents(finished)
    sums.write_text("0" * 64 + first[64:] + "".join(others))
    assert run_export(make_export(out)).notes == [f"{image}: differs from its checksum; it is made again"]
    assert contents(out) == contents(finished)


def test_files_without_a_checksum_yet_are_taken_as_they_are(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_export(make_export(out), stop=2)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert before
    assert run_export(make_export(out)).notes == []
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert contents(out) == contents(finished)


def test_conditions_can_be_added_later(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    run_export(make_export(out, conditions=CONDITIONS[1:2]))
    recorder = run_export(make_export(out))
    assert (recorder.conditions, recorder.incomplete, recorder.rest.files) == (3, 2, 8)
    assert contents(out) == contents(finished)


def test_an_unfinished_tree_is_not_a_data_set(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_export(make_export(out), stop=2)
    with pytest.raises(DataError, match=r"fog/3: holds 2 of 4 images; the same `corrupt` resumes there"):
        open_dataset("cityscapes", out / "fog/3", split="test")


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, r"seed 0 there, 1 asked for\)"),
        ({"format": "webp"}, r"format 'png' there, 'webp' asked for\)"),
        (
            {"dataset": Scenes("train"), "seed": 1},
            r"split 'test' there, 'train' asked for; fingerprint .*; seed 0 there",
        ),
        ({"limit": 2}, r"images 4 there, 2 asked for; fingerprint"),
        ({"dataset": Scenes("train")}, r"split 'test' there, 'train' asked for; fingerprint"),
        ({"dataset": Scenes(width=128)}, r"fingerprint '\w{32}' there, '\w{32}' asked for\)"),
    ],
)
def test_another_export_in_the_folder_is_refused_with_what_differs(
    finished: Path, changes: dict[str, object], difference: str
) -> None:
    with pytest.raises(StoreError, match=rf"{finished}: holds another export \({difference}.*choose another --out"):
        run_export(make_export(finished, **changes))


def test_another_engines_export_is_refused(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "ENGINE_VERSION", ENGINE_VERSION + 1)
    with pytest.raises(StoreError, match=f"engine_version {ENGINE_VERSION} there, {ENGINE_VERSION + 1} asked for"):
        run_export(make_export(finished))


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"holds thesis\.tex and no manifest of an export; choose a new or an empty"):
        run_export(make_export(tmp_path))
    for content in ("[1", "[1]", '{"images": 4}'):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(StoreError, match=r"holds manifest\.json and no manifest of an export"):
            run_export(make_export(tmp_path))


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Each file and folder, hidden ones too, with its time and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("holds", ["other things", "another export"])
def test_nothing_in_a_refused_folder_changes(tmp_path: Path, finished: Path, holds: str) -> None:
    out = tmp_path / "out"
    if holds == "another export":
        shutil.copytree(finished, out, ignore=shutil.ignore_patterns(".lock"))
    (out / "work").mkdir(parents=True)
    for name in ("thesis.tex", ".draft.tmp", "work/.a.tmp", "work/.b.robustbench-seg.tmp"):
        (out / name).write_text("mine")
    (out / "work/.c.tmp").mkdir()
    (out / "work/.d.robustbench-seg.tmp").mkdir()
    before, time_of_folder = everything(out), out.stat().st_mtime_ns
    with pytest.raises(StoreError, match=r"holds (thesis\.tex|another export)"):
        run_export(make_export(out, seed=1))
    assert everything(out) == before
    assert out.stat().st_mtime_ns == time_of_folder


def test_a_folder_that_fills_while_it_is_locked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    @contextmanager
    def late(folder: Path) -> Iterator[None]:
        with locked(folder):
            (out / "thesis.tex").write_text("mine")
            yield

    monkeypatch.setattr(write, "locked", late)
    with pytest.raises(StoreError, match=r"holds thesis\.tex"):
        run_export(make_export(out))
    assert {path.name for path in out.iterdir()} <= {"thesis.tex", ".lock"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StoreError, match="out: is not a folder; choose a new or an empty --out"):
        run_export(make_export(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_in_use_is_refused_at_once(tmp_path: Path) -> None:
    with locked(tmp_path / "out"), pytest.raises(StoreError, match="another run is using this folder"):
        run_export(make_export(tmp_path / "out"))


def test_a_disk_that_is_too_small_is_refused_with_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    export = make_export(tmp_path / "out")
    free = 50_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - free, free))
    recorder = Recorder()
    with pytest.raises(MachineError, match=r"12 images to write: about \d.*kB with a margin.* 50.0 kB free; choose"):
        export_images(export, 0, recorder)
    assert not hasattr(recorder, "rest")
    assert [path.name for path in export.out.rglob("*") if path.name != ".lock"] == []
    free = 10**6
    run_export(export)
    free = 0
    assert run_export(export).rest.files == 0, "what is there already needs no room"


def test_an_image_whose_label_alone_is_missing_needs_no_room_and_stays(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    shutil.rmtree(out / "fog/3/gtFine")
    images = {path: path.stat().st_mtime_ns for path in out.rglob("*_leftImg8bit.png")}
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 100, 100))
    assert run_export(make_export(out)).rest.files == 4
    assert contents(out) == contents(finished)
    assert images == {path: path.stat().st_mtime_ns for path in images}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("way", WAYS)
def test_a_disk_that_fills_during_the_export_is_reported_and_the_same_command_resumes(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, way: str, workers: int
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(write, "require_room", lambda folder, rest: None)  # another program takes what was free
    with scarce(way, out, 60_000 if way == "disk" else 10_000):
        message = rf"^{out}/.*\.png: can't be written: {REASONS[way]}$"
        with pytest.raises(MachineError, match=message):
            run_export(make_export(out), workers=workers)
        assert not list(out.rglob(".*.tmp"))
        if way == "disk":
            assert 0 < len(list(out.rglob("*_leftImg8bit.png"))) < 12
            subprocess.run(["mount", "-o", "remount,size=9m", str(out)], check=True)
            run_export(make_export(out))
            assert contents(out) == contents(finished)


def test_labels_take_room_once_where_the_disk_has_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_export(make_export(tmp_path / "linked"))
    labels = list((tmp_path / "linked").rglob("*_labelTrainIds.png"))
    assert len(labels) == 4 * (3 + 1)
    assert len({path.stat().st_ino for path in labels}) == 4

    def no_links(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", source)

    monkeypatch.setattr(os, "link", no_links)
    run_export(make_export(tmp_path / "copied"))
    assert len({path.stat().st_ino for path in (tmp_path / "copied").rglob("*_labelTrainIds.png")}) == 16
    assert contents(tmp_path / "copied") == contents(tmp_path / "linked")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_stops_the_export_and_is_named(tmp_path: Path, camvid_folder: Path, workers: int) -> None:
    (camvid_folder / "test/frame_1.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"^\S*test/frame_1\.png: begins with b'not a pictur', as neither PNG"):
        run_export(make_export(tmp_path / "out", open_dataset("camvid", camvid_folder)), workers)
    assert not (tmp_path / "out").exists()


def test_an_image_too_small_to_corrupt_is_named(tmp_path: Path, camvid_folder: Path) -> None:
    for folder, shape in (("test", (20, 48, 3)), ("testannot", (20, 48))):
        cv2.imwrite(str(camvid_folder / folder / "frame_1.png"), np.zeros(shape, np.uint8))
    with pytest.raises(
        DataError, match=r"^frame_1 \(\S*test/frame_1\.png\): image is 20x48 px; both sides must be at least 32"
    ):
        run_export(make_export(tmp_path / "out", open_dataset("camvid", camvid_folder)))


def test_an_image_that_opencv_cannot_encode_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imencode", lambda suffix, pixels: (False, None))
    with pytest.raises(DataError, match=r"^streets_000000_200000\d: OpenCV can't encode an image of 64x96 px"):
        run_export(make_export(tmp_path / "png"))
    with pytest.raises(DataError, match=r"^streets_000000_200000\d: OpenCV can't encode an image of 64x96 px"):
        run_export(make_export(tmp_path / "webp", format="webp"))  # its labels are PNG too


def test_a_worker_that_was_killed_is_explained_and_what_it_wrote_is_kept(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(MachineError, match=r"a worker process was killed.*with fewer --workers than 1"):
        run_export(make_export(out, Deadly()), workers=1)
    assert 0 < len(list(out.rglob("*_leftImg8bit.png"))) < 12
    run_export(make_export(out, Deadly()))
    assert contents(out) == contents(finished)


def test_a_tree_of_images_with_odd_names_is_complete_and_sha256sum_agrees(tmp_path: Path, camvid_folder: Path) -> None:
    for number, name in enumerate(("a\nb", "c\\d\re", "f\u2028g  h")):
        for folder in ("test", "testannot"):
            (camvid_folder / folder / f"frame_{number}.png").rename(camvid_folder / folder / f"{name}.png")
    export = make_export(tmp_path / "out", open_dataset("camvid", camvid_folder), conditions=CONDITIONS[:1])
    run_export(export)
    assert_reads_back(export)
    recorder = run_export(export)
    assert (recorder.incomplete, recorder.rest.files) == (0, 0)
    tree = tmp_path / "out/fog/3"
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "sha256sums.txt"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    next(tree.rglob("a*_leftImg8bit.png")).unlink()
    assert run_export(export).rest.files == 1


NAMES = ("fog", "contrast", "brightness", "saturate", "jpeg_compression")


def program(out: Path, root: Path, workers: int) -> list[str]:
    what = ["cityscapes", "--data", f"cityscapes={root}", "--split", "test", "--corruptions", ",".join(NAMES)]
    return [sys.executable, "-m", "robustbench_seg", "corrupt", *what, "--out", str(out), "--workers", str(workers)]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_killed_program_leaves_whole_files_and_the_same_command_resumes(
    tmp_path: Path, cityscapes_root: Path, how: signal.Signals, status: int, workers: int
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        program(out, cityscapes_root, workers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores SIGINT, and so would what it starts, the tests and this process too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while process.poll() is None and len(list(out.rglob("[!.]*_leftImg8bit.png"))) < 8:
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    if how == signal.SIGINT:
        assert errors.strip() == (
            "robustbench-seg: stopped; what is finished is kept, and the same command resumes from there"
        )
    before = {path: path.stat().st_mtime_ns for path in out.rglob("[!.]*_leftImg8bit.png")}
    assert 8 <= len(before) < len(NAMES) * 5 * 6
    dataset = open_dataset("cityscapes", cityscapes_root, split="test")
    export = make_export(out, dataset, conditions=choose_conditions("segformer", NAMES[:2], [], 0))
    run_export(export)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert not list(out.rglob("*.tmp"))
    assert_reads_back(export)


def test_an_estimate_adds_up_the_mean_trial_of_each_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: clock)
    tried = []

    def file_size(task: estimate.Task) -> int:
        nonlocal clock
        condition, _ = task
        first = condition.corruption not in {c.corruption for c, _ in tried}
        tried.append(task)
        clock += 100 if first else condition.severity * 0.25  # the first call of each loads code
        return 4096 * condition.severity - 5 if condition.corruption == "fog" else 4097

    tasks = [(Condition("snow", 1), f"{k}") for k in range(20)]
    tasks += [(Condition("fog", severity), f"{k}") for severity in (1, 2, 3) for k in range(100)]
    result = estimate.estimate(file_size, tasks, Loader(0))
    assert result.files == 320
    assert result.size == pytest.approx(20 * 8192 + 100 * 4096 * (1 + 2 + 3), rel=0.05)
    assert result.seconds == pytest.approx(20 * 0.25 + 100 * 0.25 * (1 + 2 + 3), rel=0.05)
    assert {condition.severity for condition, _ in tried if condition.corruption == "fog"} == {1, 2, 3}
    assert len(set(tried)) <= 32


def test_the_estimated_size_is_near_the_real_one(tmp_path: Path, camvid_root: Path) -> None:
    dataset = open_dataset("camvid", camvid_root)
    conditions = choose_conditions("segformer", ["fog", "gaussian_noise"], ["1", "3"], 0)
    export = make_export(tmp_path / "out", dataset, 12, conditions=conditions)
    recorder = run_export(export)
    real = sum(path.stat().st_size for path in export.out.rglob("*_leftImg8bit.png"))
    assert real == pytest.approx(recorder.rest.size, rel=estimate.MARGIN)


def test_a_protocols_conditions_are_the_default_and_names_and_severities_replace_them() -> None:
    def choose(*how: object) -> list[tuple[str, int]]:
        return [(c.corruption, c.severity) for c in choose_conditions(*how, 5)]

    for name in ("segformer", "michaelis", "fan", "semsegbench"):
        assert choose(name, [], []) == [(c, s) for c, severities in PROTOCOLS[name].items() for s in severities]
    assert len(choose("segformer", [], [])) == 72
    assert choose("segformer", ["shot_noise"], []) == [("shot_noise", s) for s in (1, 2, 3)]
    assert choose("segformer", ["zoom_blur"], []) == [("zoom_blur", s) for s in (1, 2, 3, 4, 5)]
    assert choose("segformer", ["snow", "fog", "snow"], ["5", "2", "5"]) == [
        *(("snow", 2), ("snow", 5)),
        *(("fog", 2), ("fog", 5)),
    ]
    assert {condition.seed for condition in choose_conditions("fan", [], [], 5)} == {5}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (("segformer", ["fogg"], []), "--corruptions: 'fogg' is none of gaussian_noise, shot_noise"),
        (("segformer", ["fog"], ["6"]), "--severities: '6' is none of 1, 2, 3, 4, 5"),
        (("segformer", [], ["2.5"]), "--severities: '2.5' is none of 1, 2, 3, 4, 5"),
        (("clean", [], ["1"]), "protocol clean has no corruptions; name some with --corruptions"),
        (("imagenet-c", [], []), "unknown protocol 'imagenet-c'; known: segformer"),
    ],
)
def test_conditions_that_there_are_not_are_refused(how: tuple[str, list[str], list[str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_conditions(*how, 0)
