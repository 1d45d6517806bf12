"""What tells two data sets apart: their files, and of a user's own also what it makes of them."""

import hashlib
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from robustbench_seg.datasets import DATASETS, DatasetEntry, open_dataset
from robustbench_seg.datasets.base import IGNORE
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.file_dataset import FileDataset, label_table
from robustbench_seg.errors import UsageError
from robustbench_seg.store.file import read_record


class Own(FileDataset):
    name, split = "own", "test"
    class_names = ("sky", "road")


def own(pairs: dict[str, tuple[Path, Path]], mapping: dict[int, int], **fields: object) -> str:
    """The fingerprint of a data set of one's own; mapping: of values not ignored; fields: what differs of it."""
    dataset = Own(pairs, label_table(dict.fromkeys(range(12), IGNORE) | mapping))
    vars(dataset).update(fields)
    return dataset.fingerprint(dataset.ids)


def test_a_fingerprint_of_ones_own_data_set_follows_its_label_table_classes_options_and_version(
    camvid_folder: Path,
) -> None:
    pairs = CamVid(camvid_folder).pairs
    prints = [
        own(pairs, {0: 0, 1: 1}),
        own(pairs, {0: 1, 1: 0}),
        own(pairs, {0: 0}),
        own(pairs, {0: 0, 1: 1}, class_names=("road", "sky")),
        own(pairs, {0: 0, 1: 1}, options={"gamma": 2}),
        own(pairs, {0: 0, 1: 1}, version="2"),
        CamVid(camvid_folder).fingerprint(tuple(pairs)),
    ]
    assert len(set(prints)) == len(prints)
    assert own(pairs, {0: 0, 1: 1}) == prints[0]


def test_a_fingerprint_of_ones_own_data_set_follows_its_own_arguments(camvid_folder: Path, tmp_path: Path) -> None:
    pairs, table = CamVid(camvid_folder).pairs, {0: 0, 1: 1}
    for name in ("a/map.txt", "b/map.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    prints = [
        own(pairs, table),
        own(pairs, table, dark=1),
        own(pairs, table, dark=8),
        own(pairs, table, dark=np.arange(3)),
        own(pairs, table, mapping_file=tmp_path / "a/map.txt"),
        own(pairs, table, mapping_file=tmp_path / "b/map.txt"),
    ]
    assert len(set(prints)) == len(prints)
    assert own(pairs, table, dark=8) == prints[2]
    places = [own(pairs, table, root=tmp_path / name / "same") for name in ("a", "b")]
    assert places[0] == places[1], "a data set may be moved"
    with pytest.raises(UsageError, match=r"Own\.make: .*<lambda> has no source file: .* give it a version"):
        own(pairs, table, make=lambda image: image)
    assert own(pairs, table, make=lambda image: image, version="1") != prints[0]


@pytest.mark.parametrize("edit", ["gamma = 2.2", "gamma = 1.0  # brighter"])
def test_a_fingerprint_of_ones_own_data_set_follows_its_source_and_its_options(
    edit: str, camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
from pathlib import Path
from robustbench_seg.datasets.camvid import CamVid

gamma = 1.0

class Bright(CamVid):
    def __init__(self, root: Path, split: str = "test", boost: int = 1) -> None:
        super().__init__(root, split)
"""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    entry = DatasetEntry(name="bright", description="brighter", module="bright_set", class_name="Bright")
    monkeypatch.setitem(DATASETS, "bright", entry)
    prints = []
    for text, boost in ((source, 1), (source, 2), (source.replace("gamma = 1.0", edit), 1)):
        (tmp_path / "bright_set.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "bright_set", raising=False)
        dataset = open_dataset("bright", camvid_folder, split="test", boost=boost)
        prints.append(dataset.fingerprint(dataset.ids))
    assert len(set(prints)) == 3


def test_a_data_set_whose_source_was_edited_while_it_was_in_use_is_refused(
    camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from robustbench_seg.datasets.camvid import CamVid\nclass Late(CamVid):\n    boost = 1\n"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "late_set.py").write_text(source)
    dataset = importlib.import_module("late_set").Late(camvid_folder)
    dataset.fingerprint(dataset.ids)
    (tmp_path / "late_set.py").write_text(source.replace("1", "2"))
    with pytest.raises(UsageError, match="Late: its source was edited while it was in use; start Python again"):
        dataset.fingerprint(dataset.ids)


def test_fingerprints_of_the_shipped_data_sets_are_of_their_files_alone(camvid_folder: Path) -> None:
    dataset = open_dataset("camvid", camvid_folder, split="test")
    hashes = [
        [name, *(hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in dataset.pairs[name])]
        for name in dataset.ids
    ]
    text = json.dumps(hashes, separators=(",", ":"))
    assert dataset.fingerprint(dataset.ids) == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_the_stored_cells_of_camvid_are_of_the_fingerprint_that_it_has_today(camvid_root: Path) -> None:
    dataset = open_dataset("camvid", camvid_root, split="test")
    stored = read_record(next((Path(__file__).parents[2] / "reports/camvid-c/cells").glob("*.parquet")))
    assert dataset.fingerprint(dataset.ids) == stored.fingerprint
