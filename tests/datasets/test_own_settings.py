"""What of a user's own data set counts: options of any kind, but neither its place nor what it keeps when it reads."""

import shutil
from copy import copy
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

import robustbench_seg as rb
from robustbench_seg.datasets.base import Dataset, Sample
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.file_dataset import FileDataset, label_table
from robustbench_seg.errors import UsageError
from robustbench_seg.files import digest

ONE = {"corruptions": {"contrast": [2]}, "metrics": [], "progress": False}


class Street(FileDataset):
    """The files of CamVid, with attributes for a test. kinds: how it keeps what it reads."""

    name, split, splits = "street", "test", ("test",)
    class_names, palette = CamVid.class_names, CamVid.palette

    def __init__(self, root: Path, /, **attributes: Any) -> None:
        camvid = CamVid(root)
        super().__init__(camvid.pairs, label_table({**dict.fromkeys(range(12), 255), **{k: k for k in range(11)}}))
        vars(self).update(attributes)


class KeepsLabels(Street):
    def read_label(self, image_id: str) -> bytes:
        return self.cache.setdefault(image_id, super().read_label(image_id))


class KeepsImages(Street):
    def load(self, image_id: str) -> Sample:
        if image_id not in self.cache:
            self.cache[image_id] = super().load(image_id)
        return self.cache[image_id]


class OpensLabels(Street):
    """It keeps what can't be written, as an open file can't."""

    def read_label(self, image_id: str) -> bytes:
        self.file = self.file or Lock()
        return super().read_label(image_id)


class OpensImages(Street):
    def load(self, image_id: str) -> Sample:
        self.file = Lock()
        return super().load(image_id)


def printed(dataset: Dataset) -> str:
    return dataset.fingerprint(dataset.ids)


@pytest.mark.parametrize("kind", [KeepsLabels, KeepsImages, OpensLabels, OpensImages])
def test_a_data_set_that_keeps_what_it_reads_is_the_same_the_second_time(
    kind: type[Street], camvid_folder: Path
) -> None:
    dataset = kind(camvid_folder, cache={}, **({"file": None} if kind is OpensLabels else {}), gamma=1)
    found = [rb.evaluate("constant", dataset, **ONE).frame()["fingerprint"].iloc[0] for _ in range(2)]
    assert found[0] == found[1]
    assert dataset.cache or hasattr(dataset, "file"), "it has kept something"
    other = copy(dataset)
    other.gamma = 2
    dataset.gamma = 3
    assert len({found[0], printed(other), printed(dataset)}) == 3, "what its user sets counts still"


class Other:
    """A value of an option that Python writes with its address."""

    def __init__(self, gamma: float) -> None:
        self.gamma = gamma


@pytest.mark.parametrize(
    "pair",
    [
        (np.arange(2000), np.arange(2000) + (np.arange(2000) == 1000)),
        (np.float32(1), np.float32(2)),
        (Other(1), Other(2)),
        ({"a": Other(1)}, {"a": Other(2)}),
        (np.sqrt, np.square),
        ([1, 2], (1, 2)),
    ],
    ids=["long arrays", "numbers of numpy", "objects", "objects in a dictionary", "functions", "collections"],
)
def test_options_of_any_kind_tell_two_data_sets_apart(pair: tuple[object, object], camvid_folder: Path) -> None:
    def of(option: object) -> str:
        return printed(Street(camvid_folder, options={"setting": option}))

    assert of(pair[0]) == of(copy(pair[0]))
    assert of(pair[0]) != of(pair[1])


def test_an_option_that_can_t_be_hashed_needs_a_version(camvid_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"Street\.options\.make: .*<lambda> has no source file: it is a lambda"):
        printed(Street(camvid_folder, options={"make": lambda image: image}))
    assert printed(Street(camvid_folder, options={"make": lambda image: image}, version="1"))


def test_plain_options_and_settings_count_as_python_writes_them(
    camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in stored cells."""
    monkeypatch.setattr("robustbench_seg.datasets.file_dataset.source_in_use", lambda kind, version: "the source")
    options = {"gamma": 2.5, "names": ["a", None], "more": {"b": (1, True)}, "text": "images"}
    dataset = Street(camvid_folder, options=options, dark=8, mode="", words=["images", "."])
    files = [[one.image_id, *one.digests] for one in dataset.inspections(dataset.ids)]
    settings = [["dark", "8"], ["mode", "''"], ["words", digest(["list", "'images'", "'.'"])]]
    written = sorted((name, repr(value)) for name, value in options.items())
    table = dataset.table.tolist()
    assert printed(dataset) == digest([files, list(dataset.class_names), table, written, "the source", settings])


def test_texts_that_name_its_folder_count_without_its_place(camvid_folder: Path, tmp_path: Path) -> None:
    def of(root: Path, /, **attributes: object) -> str:
        return printed(Street(root, **attributes))

    for name in ("here", "there"):
        shutil.copytree(camvid_folder, tmp_path / name / name)
    here, there = (tmp_path / name / name for name in ("here", "there"))

    def texts(root: Path) -> dict[str, object]:
        return {"root": str(root), "above": f"{root.parent}/", "lists": [str(root / "test/a.png")], "kind": "images"}

    assert of(here, **texts(here)) == of(there, **texts(there))
    assert of(here, **texts(here)) != of(here, **{**texts(here), "lists": [str(here / "test/b.png")]})
    assert of(here, kind="images") != of(here, kind="labels")
    assert of(here, root="/elsewhere/a") != of(here, root="/elsewhere/b")
    assert of(here, mark="/") != of(here, mark="")


def test_a_folder_that_is_named_from_here_counts_without_its_place(
    camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(camvid_folder, tmp_path / "data")
    shutil.copytree(camvid_folder, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    found = {printed(Street(Path(name), root=name)) for name in ("data", "moved", str(tmp_path / "data"))}
    assert len(found) == 1
