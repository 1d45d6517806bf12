"""Files that a folder had of this program before, and has no more."""

import json
from pathlib import Path

import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.owned_files import FILES, owning


def write(folder: Path, *names: str) -> None:
    with owning(folder, names):
        for name in names:
            (folder / name).write_text("x")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_the_last_writing_does_not_have_is_gone_and_what_is_anothers_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    write(tmp_path, "a.csv", "b.csv")
    write(tmp_path, "b.csv", "c.csv")
    assert names_in(tmp_path) == ["b.csv", "c.csv", FILES, "mine.txt"]
    assert json.loads((tmp_path / FILES).read_text()) == ["b.csv", "c.csv"]


def test_a_writing_that_fails_removes_nothing_and_what_it_began_is_known_to_the_next(tmp_path: Path) -> None:
    write(tmp_path, "a.csv")

    def fail() -> None:
        with owning(tmp_path, ["b.csv", "c.csv"]):
            (tmp_path / "b.csv").write_text("x")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert names_in(tmp_path) == ["a.csv", "b.csv", FILES]
    write(tmp_path, "d.csv")
    assert names_in(tmp_path) == ["d.csv", FILES]


@pytest.mark.parametrize(
    "content", ["{", "3", '{"a.csv": 1}', '[1, "a.csv"]', '["../other/a.csv", "sub", "/etc/x", ""]']
)
def test_a_list_that_is_damaged_or_names_what_lies_elsewhere_removes_nothing(tmp_path: Path, content: str) -> None:
    folder, other = tmp_path / "report", tmp_path / "other"
    for place in (folder / "sub", other):
        place.mkdir(parents=True)
    for path in (folder / "a.csv", other / "a.csv", folder / "sub" / "b.csv"):
        path.write_text("x")
    (folder / FILES).write_text(content)
    write(folder, "new.csv")
    assert (folder / "a.csv").exists()
    assert (other / "a.csv").exists()
    assert (folder / "sub" / "b.csv").exists()


def test_without_a_list_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("of an older program")
    write(tmp_path, "b.csv")
    assert names_in(tmp_path) == ["a.csv", "b.csv", FILES]


def test_a_file_of_someone_elses_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    fault = f"^{tmp_path / 'index.html'}: is not listed in {FILES} there, so it may be someone else's, or of an older "
    with pytest.raises(UsageError, match=f"{fault}version of this program; remove it, or choose another folder$"):
        write(tmp_path, "a.csv", "index.html")
    assert names_in(tmp_path) == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "mine"


def test_its_own_files_are_overwritten_and_so_are_those_in_the_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    for _ in range(2):
        write(tmp_path / "report", "index.html")
    (tmp_path / "run/plans").mkdir(parents=True)
    for folder in (tmp_path / "run", tmp_path / "run/report"):
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text("of an older program")
        write(folder, "index.html")
        assert (folder / "index.html").read_text() == "x"
