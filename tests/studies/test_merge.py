"""`merge`: the folder that it makes is what one run would have left, and contradictions are refused."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from counted import as_version, random_counts, write_cell
from program import program
from small import SUITE, assert_same_store, stored, write_suite
from whole import at, counts, rewrite, write_whole

import robustbench_seg.studies.merge as module
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.shards import Shard
from robustbench_seg.report.document import as_json
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Failure
from robustbench_seg.studies.integrity import verify
from robustbench_seg.studies.merge import merge
from robustbench_seg.suites import read_suite

CHANGES = {**SUITE, "models": [{"name": "constant"}], "conditions": {"contrast": [1, 2], "brightness": [3]}}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One run in a folder of its own, then the same in two folders, each a shard."""
    folder = tmp_path_factory.mktemp("parts")
    suite = read_suite(str(write_suite(folder, **CHANGES)))
    for name, shard in (("single", None), ("a", Shard(1, 2)), ("b", Shard(2, 2))):
        assert run(suite, folder / name, Options(shard=shard), Listener()) == []
    return [folder / name for name in ("single", "a", "b")]


def files(out: Path) -> dict[str, bytes]:
    """All that a folder of results holds, by place."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_merged_shards_are_the_store_of_one_run(tmp_path: Path, parts: list[Path]) -> None:
    single, *shards = parts
    out = tmp_path / "out"
    before = [files(part) for part in shards]
    merge(shards, out)
    assert [files(part) for part in shards] == before
    assert 0 < len(stored(shards[0])) < len(stored(single))
    assert_same_store(single, out)
    assert {path for path in files(out) if not path.startswith(".")} == {
        path for path in files(single) if not path.startswith(".")
    }
    assert list(verify(out).faults) == []
    assert as_json(sections_of([out], pictures=False)) == as_json(sections_of(shards, pictures=False))


def test_a_second_merge_changes_nothing_and_one_that_was_killed_resumes(tmp_path: Path, parts: list[Path]) -> None:
    _, *shards = parts
    out = tmp_path / "out"
    merged = merge(shards, out)
    assert (merged["cells"].copied, merged["cells"].there) == (8, 0)
    first = files(out)
    again = merge([*shards, out], out)
    assert (again["cells"].copied, again["cells"].there) == (0, 8)
    assert files(out) == first
    for path in [*(out / "cells").iterdir()][:3]:
        path.unlink()
    shutil.rmtree(out / "gallery")
    assert merge(shards, out)["cells"].copied == 3
    assert files(out) == first


def test_what_the_folder_holds_already_stays(tmp_path: Path, parts: list[Path]) -> None:
    _, a, b = parts
    shutil.copytree(a, tmp_path / "out")
    before = files(tmp_path / "out")
    merge([b], tmp_path / "out")
    after = files(tmp_path / "out")
    assert {name: after[name] for name in before if not name.startswith("plans/")} == {
        name: content for name, content in before.items() if not name.startswith("plans/")
    }
    assert len(stored(tmp_path / "out")) == 8


def test_a_run_that_resumes_in_the_merged_folder_measures_what_is_missing(tmp_path: Path, parts: list[Path]) -> None:
    _, a, _ = parts
    merge([a], tmp_path / "out")
    waiting: list[int] = []

    class Counting(Listener):
        def planned(self, done: int, left: list[object]) -> None:
            waiting.append(len(left))

    suite = read_suite(str(write_suite(tmp_path, **CHANGES)))
    assert run(suite, tmp_path / "out", Options(), Counting()) == []
    assert waiting == [8 - len(stored(a))]
    assert_same_store(parts[0], tmp_path / "out")


def test_every_kind_of_file_is_copied(tmp_path: Path) -> None:
    write_whole(tmp_path / "a")
    merge([tmp_path / "a"], tmp_path / "out")
    assert files(tmp_path / "out").keys() - {".lock"} == files(tmp_path / "a").keys()
    assert Store(tmp_path / "out").failures() == Store(tmp_path / "a").failures()


def test_a_failure_is_left_out_where_another_folder_has_the_cell(tmp_path: Path, parts: list[Path]) -> None:
    _, a, b = parts
    shutil.copytree(a, tmp_path / "a")
    record = read_record(next((b / "cells").iterdir()))
    Store(tmp_path / "a").write_failure(Failure(record=record, traceback="Traceback\nValueError: oh"))
    assert merge([tmp_path / "a", b], tmp_path / "out")["failed"].copied == 0
    assert Store(tmp_path / "out").failures() == {}
    assert merge([tmp_path / "a"], tmp_path / "alone")["failed"].copied == 1
    assert merge([b], tmp_path / "alone")["cells"].copied
    assert Store(tmp_path / "alone").failures() == {}, "what failed first is done now"


def test_other_counts_for_the_same_cell_are_refused_and_both_files_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = (write_cell(tmp_path / name, random_counts(rng, 3, 4), ["x", "y", "z"]) for name in "ab")
    write_whole(tmp_path / "c")
    shutil.copytree(tmp_path / "c", tmp_path / "d")
    c = next((tmp_path / "c/cells").glob("*clean*"))
    d = tmp_path / "d/cells" / c.name
    rewrite(d, counts("negative_log_likelihood", at(0, 9)))  # not one of the counts of mIoU
    for one, other in ((a, b), (c, d)):
        with pytest.raises(StoreError) as found:
            merge([one.parents[1], other.parents[1]], tmp_path / "out")
        message = f"{other}: has other counts for the same cell than {one}; remove the one that is wrong"
        assert str(found.value) == message
        assert not list((tmp_path / "out").glob("[a-z]*")), "nothing is copied"


def test_other_classes_and_metrics_are_refused_and_both_files_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = write_cell(tmp_path / "a", random_counts(rng, 2, 3), ["x", "y"])
    for name, classes, extra, what in (
        ("b", 4, {}, r"classes \(4\)"),
        ("c", 3, {"likelihood": [5, 6]}, r"metrics \(likelihood\)"),
    ):
        other = write_cell(tmp_path / name, random_counts(rng, 2, classes), ["x", "y"], seed=1, **extra)
        with pytest.raises(StoreError, match=f"^{other}: has other {what} than {first} .*; merge them into different"):
            merge([tmp_path / "a", tmp_path / name], tmp_path / "out")


def test_files_of_an_earlier_schema_version_are_brought_up_to_date(tmp_path: Path, parts: list[Path]) -> None:
    _, a, b = parts
    shutil.copytree(a, tmp_path / "old")
    for path in (tmp_path / "old/cells").iterdir():
        as_version(path, 2)
    before = files(tmp_path / "old")
    merge([tmp_path / "old", b], tmp_path / "out")
    assert files(tmp_path / "old").items() >= before.items()
    assert_same_store(parts[0], tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out/cells")["key"].notna().all()
    shutil.copytree(a, tmp_path / "oldest")
    oldest = as_version(next((tmp_path / "oldest/cells").iterdir()), 1)
    with pytest.raises(StoreError, match=f"^{oldest}: is of schema version 1, and files of a folder have 3; leave it"):
        merge([tmp_path / "oldest", b], tmp_path / "out-2")


def test_damaged_and_empty_folders_are_refused_before_the_first_copy(tmp_path: Path, parts: list[Path]) -> None:
    _, a, _ = parts
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=f"^{tmp_path}/empty: holds no results"):
        merge([a, tmp_path / "empty"], tmp_path / "out")
    shutil.copytree(a, tmp_path / "damaged")
    path = next((tmp_path / "damaged/cells").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"^{path}: not a whole Parquet file"):
        merge([a, tmp_path / "damaged"], tmp_path / "out")
    assert not list((tmp_path / "out").glob("[a-z]*"))


def test_a_damaged_note_of_a_failure_is_refused_before_the_first_copy(tmp_path: Path, parts: list[Path]) -> None:
    _, a, b = parts
    shutil.copytree(a, tmp_path / "a")
    record = read_record(next((b / "cells").iterdir()))
    note = Store(tmp_path / "a").failure_path(record)
    note.parent.mkdir(exist_ok=True)
    note.write_text("{")
    with pytest.raises(StoreError, match=f"^{note}: "):
        merge([b, tmp_path / "a"], tmp_path / "out")
    assert not list((tmp_path / "out").glob("[a-z]*"))


def test_a_cell_that_comes_after_the_check_is_left_to_the_next_merge(
    tmp_path: Path, parts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a run is still measuring into a source: what was not read and compared is not copied."""
    _, a, b = parts
    shutil.copytree(a, tmp_path / "a")
    late = next((b / "cells").iterdir())
    usual = module.agreeing

    def meanwhile(paths: Iterable[Path]) -> Any:
        records = usual(paths)
        shutil.copy(late, tmp_path / "a/cells" / late.name)
        return records

    monkeypatch.setattr(module, "agreeing", meanwhile)
    assert merge([tmp_path / "a"], tmp_path / "out")["cells"].copied == len(stored(a))
    assert not (tmp_path / "out/cells" / late.name).exists()
    monkeypatch.undo()
    assert merge([tmp_path / "a"], tmp_path / "out")["cells"].copied == 1


def test_pictures_of_an_image_with_a_slash_in_its_id_are_copied(tmp_path: Path, parts: list[Path]) -> None:
    shutil.copytree(parts[1], tmp_path / "a")
    picture = next((tmp_path / "a/gallery").glob("*/*.png"))
    (picture.parent / "fog").mkdir()
    below = picture.rename(picture.parent / "fog" / picture.name).relative_to(tmp_path / "a")
    before = files(tmp_path / "a")
    merge([tmp_path / "a"], tmp_path / "out")
    assert files(tmp_path / "out")[str(below)] == before[str(below)]


@pytest.mark.parametrize("place", ["sub", "cells/sub", "sub/deep"])
def test_a_target_inside_a_folder_that_is_merged_is_refused(tmp_path: Path, parts: list[Path], place: str) -> None:
    """What lies below its cells would be read as its own."""
    shutil.copytree(parts[1], tmp_path / "a")
    before = files(tmp_path / "a")
    out = tmp_path / "a" / place
    with pytest.raises(UsageError, match=f"^--out {out}: lies in {tmp_path}/a, whose results it is to hold; choose"):
        merge([parts[2], tmp_path / "a"], out)
    assert files(tmp_path / "a") == before
    assert merge([tmp_path / "a"], tmp_path)["cells"].copied == len(stored(parts[1])), "around it"


def test_the_command_counts_what_it_copies(tmp_path: Path, parts: list[Path]) -> None:
    _, a, b = parts
    out = tmp_path / "out"
    done = program("merge", str(a), str(b), "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "1 plan copied, 1 here already",
        "8 quality cells copied",
        "24 pictures copied",
        f"results: {out}",
    ]
    missing = program("merge", str(tmp_path / "no"), "--out", str(out))
    assert (missing.returncode, missing.stderr) == (
        2,
        f"robustbench-seg: {tmp_path}/no: holds no results (neither cells nor plans)\n",
    )
