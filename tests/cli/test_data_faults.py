"""What the commands say of a data set's folder: one line each, whatever files are called."""

import os
from pathlib import Path

import pytest
import yaml
from program import program
from small import write_suite
from tiny_recipe import RECIPE


def command(name: str, tmp_path: Path, root: Path) -> list[str]:
    """A short command on CamVid's test split."""
    data = {"name": "camvid", "split": "test"}
    recipe = {**RECIPE, "dataset": data, "validation": None, "iterations": 1, "checkpoint_every": 1}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    suite = write_suite(
        tmp_path, dataset=data, gallery=[], models=[{"name": "constant"}], views=["whole"], conditions={}
    )
    what = {
        "run": ["run", str(suite), "--workers", "0"],
        "corrupt": ["corrupt", "camvid", "--corruptions", "contrast", "--severities", "1", "--workers", "0"],
        "train": ["train", str(tmp_path / "recipe.yaml")],
    }
    return [*what[name], "--data", f"camvid={root}", "--out", str(tmp_path / "out")]


COMMANDS = pytest.mark.parametrize("name", ["run", "corrupt", "train"])


@COMMANDS
def test_a_name_that_is_not_utf8_is_one_line_with_its_bytes(tmp_path: Path, camvid_folder: Path, name: str) -> None:
    strange = os.fsencode(camvid_folder / "test") + b"/\xff.png"
    try:
        Path(os.fsdecode(strange)).write_bytes((camvid_folder / "test/frame_0.png").read_bytes())
    except OSError:
        pytest.skip("this disk has no such names")
    done = program(*command(name, tmp_path, camvid_folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"robustbench-seg: {camvid_folder}/test/\\xff.png: its name is not UTF-8; rename it\n")


@COMMANDS
def test_what_is_left_out_is_one_line_whatever_it_is_called(tmp_path: Path, camvid_folder: Path, name: str) -> None:
    for other in ("[bold]a.jpg", "b\n':car:.jpg", os.fsdecode(b"\xff.jpg")):
        (camvid_folder / "test" / other).touch()
    for folder in ("test", "testannot"):
        (camvid_folder / folder / "frame_0.png").rename(camvid_folder / folder / "0 [red] # \n.png")
    done = program(*command(name, tmp_path, camvid_folder))
    assert done.returncode == 0, done.stderr
    line = rf"{camvid_folder}/test: left out: not ending in .png: [bold]a.jpg, b\n':car:.jpg, \xff.jpg"
    assert done.stdout.splitlines().count(line) == 1


def test_the_faults_of_many_files_are_one_line_before_the_first_cell(tmp_path: Path, camvid_folder: Path) -> None:
    for path in (camvid_folder / "testannot").iterdir():
        path.write_bytes(b"GIF89a, and so on")
    done = program(*command("run", tmp_path, camvid_folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"robustbench-seg: 3 of 3 images have faults: {camvid_folder}/testannot/frame_0.png: begins with b'GIF89a, and "
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_whose_name_is_not_utf8_can_be_used_and_reported(tmp_path: Path, camvid_folder: Path) -> None:
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    try:
        camvid_folder.rename(strange)
    except OSError:
        pytest.skip("this disk has no such names")
    done = program(*command("run", tmp_path, strange))
    assert done.returncode == 0, done.stderr
    assert rf"--data 'camvid={tmp_path}/\xff'" in (tmp_path / "out/report/report.md").read_text("utf-8")
