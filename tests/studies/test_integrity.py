"""`verify` over planted faults, one by one: each is reported, with its file; a whole store has none."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from counted import as_version, random_counts, write_cell
from synthetic import change_plan, write_synthetic
from whole import at, change_at, counts, rewrite

from robustbench_seg.datasets import open_dataset
from robustbench_seg.errors import DataError, StoreError
from robustbench_seg.metrics.counts import count_classes
from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Failure, PlannedCell
from robustbench_seg.store.record import Record
from robustbench_seg.studies.integrity import data_faults, verify

ROOT = Path(__file__).parents[2]
CONDITIONS = {"fog": [1, 3], "snow": [2]}
FOG = "cells/a-toy-fog-1-whole-*.parquet"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write_synthetic(folder, lambda *_: 0.7, models=["a", "b"], conditions=CONDITIONS, images=12)
    return folder


@pytest.fixture
def store(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "out"))


def faults(folder: Path) -> list[str]:
    return list(verify(folder).faults)


def file(folder: Path, pattern: str = FOG) -> Path:
    (path,) = folder.glob(pattern)
    return path


def other_record(path: Path, **changes: object) -> Path:
    """Write a cell again as of another record, with the key and the name that this has: sound by itself."""
    record = read_record(path)
    table = pq.read_table(path)
    ids = table["image_id"].to_pylist()
    changed = replace(record, **changes)
    changed = replace(changed, key=changed.expected_key(ids))
    names = [name for name in ("fingerprint", "engine_version", "corruption_source") if name in changes]
    from robustbench_seg.store.columns import add_names, counted_columns
    from robustbench_seg.store.file import write_cell as write

    assert names
    write(path.parents[1], changed, add_names(changed, table.select(list(counted_columns(changed)))))
    return path.parents[1] / "cells" / f"{changed.cell.slug}-{changed.key}.parquet"


def test_a_whole_store_has_no_fault_and_its_cells_are_listed(good: Path) -> None:
    found = verify(good)
    assert (found.faults, found.notes) == ((), ())
    assert sorted(found.cells["slug"]) == sorted(path.name[:-41] for path in good.glob("cells/*"))
    assert found.cells["key"].tolist() == [path.stem[-32:] for path in found.cells["path"]]


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_flipped_bit_in_values_is_found(store: Path, place: float) -> None:
    path = file(store)
    content = bytearray(path.read_bytes())
    columns = pq.read_metadata(path).row_group(0)
    column = columns.column(int(place * columns.num_columns))
    start = column.dictionary_page_offset or column.data_page_offset
    content[start + column.total_compressed_size - 2] ^= 4  # behind the headers of its pages
    path.write_bytes(content)
    first, *others = faults(store)
    assert first.startswith(f"{path}: ")
    assert others == [f"{store}: 1 cell of plan synthetic has no file: a-toy-fog-1-whole"]


def rename(path: Path) -> None:
    path.rename(path.with_name(path.name.replace(path.stem[-32:], "0" * 32)))


def swap(path: Path) -> None:
    other = next(path.parent.glob("a-toy-fog-3-*"))
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


def copy_below(path: Path) -> None:
    (path.parent / "more").mkdir()
    shutil.copy(path, path.parent / "more")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "values without a new digest": (
        lambda p: rewrite(p, counts("negative_log_likelihood", lambda n: n + 1), sealed=False),
        "was changed after it was written",
    ),
    "an impossible value": (lambda p: rewrite(p, counts("predicted", at((0, 0), -1))), "predicted is negative"),
    "sums that differ": (
        lambda p: rewrite(p, counts("predicted", lambda n: n + np.eye(5, dtype=int)[0])),
        "predicted sums to more than labelled",
    ),
    "an edited key": (lambda p: rewrite(p, record=change_at("key", to="0" * 32)), "has rows of"),
    "another severity": (lambda p: rewrite(p, record=change_at("cell", "severity", to=2)), "has rows of"),
    "other weights": (lambda p: rewrite(p, record=change_at("checkpoint_sha256", to="b" * 64)), "has rows of"),
    "another name": (rename, "has the content of"),
    "two files swapped": (swap, "has the content of"),
    "a copy in a folder": (copy_below, "has the content of"),
    "a cut file": (lambda p: p.write_bytes(p.read_bytes()[:-9]), "not a whole Parquet file"),
    "an empty file": (lambda p: p.write_bytes(b""), "not a whole Parquet file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_fault_of_a_file_is_reported_with_its_name(store: Path, name: str) -> None:
    change, message = FILES[name]
    change(file(store))
    found = [line for line in faults(store) if line.startswith(f"{store / 'cells'}")]
    assert found
    assert all(message in line for line in found), found
    assert all("\n" not in line for line in found)


def test_all_faults_are_reported_not_only_the_first(store: Path) -> None:
    for path in store.glob("cells/a-*"):
        path.write_bytes(b"")
    (store / "plans" / "note.txt").write_text("x")
    found = faults(store)
    assert sum("not a whole Parquet file" in line for line in found) == 4
    assert f"{store}/plans/note.txt: is no file of a store; remove it" in found


def test_a_cell_of_other_data_is_reported_whether_a_plan_has_it_or_not(store: Path) -> None:
    before = file(store)
    path = other_record(before, fingerprint="other")
    assert f"{path}: is in no plan, so no report shows it; remove it, or put its plan back" in faults(store)
    (plan,) = Store(store).plans()
    more = PlannedCell(kind="quality", slug=read_record(path).cell.slug, key=path.stem[-32:])
    change_plan(store, cells=(*(cell for cell in plan.cells if cell.key != before.stem[-32:]), more))
    before.unlink()
    assert faults(store) == [f"{path}: is of other data than other cells of {store}/plans: plan synthetic"]


def test_labels_that_differ_between_cells_of_the_same_data_are_reported(tmp_path: Path) -> None:
    three = random_counts(np.random.default_rng(0), 6, 4)
    moved = (np.roll(three[0], 1, axis=0), np.roll(three[1], 1, axis=0), np.roll(three[2], 1, axis=0))
    for condition, arrays in ((("clean", 0), three), (("fog", 1), three), (("fog", 2), moved)):
        path = write_cell(tmp_path, arrays, list("abcdef"), condition)
    assert next(line for line in faults(tmp_path) if "labels" in line).startswith(
        f"{path}: has other labels or image sizes for the same data than {tmp_path}/cells/m-d-"
    )


def test_a_missing_cell_a_failed_one_and_one_that_is_both_are_reported(store: Path) -> None:
    path, other = file(store), file(store, "cells/b-toy-snow-2-*")
    record: Record = read_record(path)
    failure = Failure(record=record, traceback="ValueError: oh")
    path.unlink()
    other.unlink()
    Store(store).write_failure(failure)
    assert faults(store) == [
        f"{store}: 1 cell of plan synthetic has failed: a-toy-fog-1-whole (ValueError: oh)",
        f"{store}: 1 cell of plan synthetic has no file: b-toy-snow-2-whole",
    ]


def test_a_failure_of_a_cell_that_is_there_is_reported(store: Path) -> None:
    failure = Failure(record=read_record(file(store)), traceback="ValueError: oh")
    (store / "failed").mkdir(exist_ok=True)
    Store(store).failure_path(failure.record).write_text(
        json.dumps(failure.to_dict())
    )  # as an earlier version may leave
    assert faults(store) == [f"{store}/failed: a-toy-fog-1-whole has failed, and is measured, too"]


def test_plans_that_were_edited_or_do_not_fit_their_cells_are_reported(store: Path) -> None:
    path = next((store / "plans").iterdir())
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"protocol": "another"}), encoding="utf-8")
    first, *others = faults(store)
    assert first.startswith(f"{path}: not the plan of its name")
    assert all("is in no plan" in line for line in others)
    path.write_text(json.dumps(content), encoding="utf-8")
    change_plan(store, conditions=(("fog", (1,)), ("snow", (2,))), images=7)
    assert len(faults(store)) == 8
    assert all("has another" in line for line in faults(store))
    assert sum("condition and number of images" in line for line in faults(store)) == 2


def test_a_corruption_that_changed_nothing_is_reported(store: Path) -> None:
    rewrite(file(store), record=lambda record: record | {"difference": 0.0})
    assert faults(store) == [f"{file(store)}: its images are the clean ones"]


def test_pictures_of_no_cell_and_pictures_that_are_none_are_reported(store: Path) -> None:
    for name in (file(store).stem, f"a-toy-fog-1-whole-{'0' * 32}"):
        (store / "gallery" / name).mkdir(parents=True)
    (store / "gallery" / file(store).stem / "x-label.png").write_bytes(b"no picture")
    found = faults(store)
    assert len(found) == 2
    assert "x-label.png: not a picture that a run kept" in found[0]
    assert found[1].endswith(f"{'0' * 32}: has pictures of no cell that is here; remove it")


def test_files_of_earlier_versions_are_sound_and_the_lack_of_a_digest_is_noted(store: Path) -> None:
    as_version(file(store), 2)
    found = verify(store)
    assert found.faults == ()
    assert found.notes == (f"{store}: 1 file of an earlier schema version, without a digest to check",)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no results"):
        verify(tmp_path)


def test_cells_are_compared_with_their_data(tmp_path: Path) -> None:
    data = open_dataset("streets", split="test", size=(64, 96), count=4)
    each = [count_classes(sample.label, sample.label, 19, 255) for sample in map(data.load, data.ids)]
    arrays = tuple(np.array([one[name] for one in each]) for name in ("intersection", "predicted", "labelled"))
    fields = {"dataset": "streets", "fingerprint": data.fingerprint(data.ids)}
    write_cell(tmp_path / "good", arrays, data.ids, **fields)
    moved = tuple(np.roll(values, 1, axis=0) for values in arrays)
    write_cell(tmp_path / "moved", moved, data.ids, **fields)
    write_cell(tmp_path / "old", arrays, data.ids, **fields | {"fingerprint": "0" * 32})
    write_cell(tmp_path / "foreign", random_counts(np.random.default_rng(0), 2, 19), ["x", "y"], **fields)

    def found(name: str) -> list[str]:
        return list(data_faults(data, tmp_path, verify(tmp_path / name).cells))

    assert found("good") == []
    assert len(found("moved")) == 4
    assert all("its label has other pixels than were counted" in line for line in found("moved"))
    assert "not 000000000000" in found("old")[0]
    assert "has images that the data lacks: x, y" in found("foreign")[0]


def test_data_that_can_no_longer_be_read_is_one_fault_among_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset("streets", split="test", size=(64, 96), count=4)
    each = [count_classes(sample.label, sample.label, 19, 255) for sample in map(data.load, data.ids)]
    arrays = tuple(np.array([one[name] for one in each]) for name in ("intersection", "predicted", "labelled"))
    write_cell(tmp_path / "good", arrays, data.ids, dataset="streets", fingerprint=data.fingerprint(data.ids))

    def refuse(ids: object) -> str:
        raise DataError("a.png: can't be read\nb.png: can't be read")

    monkeypatch.setattr(data, "fingerprint", refuse, raising=False)
    lines = list(data_faults(data, tmp_path, verify(tmp_path / "good").cells))
    assert lines == [f"{tmp_path}: {name}.png: can't be read" for name in "ab"]


STORES = sorted({path.parent for path in (ROOT / "reports").glob("**/cells")})


@pytest.mark.parametrize("folder", STORES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_committed_store_is_whole(folder: Path) -> None:
    assert verify(folder).faults == ()
