"""The command line: in this process, but for three commands that start Python as a user does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, program
from small import write_suite


def real_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "robustbench_seg", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Missing option '--out'."),
        (["run", "--out", "OUT"], "name a suite (see `list suites`), or the data to measure on: --data NAME=PATH"),
        (["plan"], "name a suite (see `list suites`), or the data to measure on: --data NAME=PATH"),
        (
            ["run", "demo", "--out", "OUT", "--data", "streets"],
            "--data streets: takes no folder, and a suite names its",
        ),
        (
            ["run", "demo", "--out", "OUT", "--view", "sideways"],
            "--view: unknown view 'sideways'; views have names such as",
        ),
        (
            ["run", "demo", "--out", "OUT", "--seeds", "0,x"],
            "--seeds takes whole numbers from 0 to 9223372036854775807, got 'x'",
        ),
        (["run", "demo", "--out", "OUT", "--seeds", "1,1"], "--seeds 1 is given twice"),
        (["run", "demo", "--out", "OUT", "--seeds", ","], "--seeds is given but names nothing, got ','"),
        (["run", "demo", "--out", "OUT", "--corruptions", "fogg"], "--corruptions: 'fogg' is none of gauss"),
        (["run", "demo", "--out", "OUT", "--severities", "6"], "--severities: '6' is none of 1, 2, 3, 4, 5"),
        (["run", "demo", "--out", "OUT", "--protocol", "x"], "--protocol: unknown protocol 'x'; known: segf"),
        (["run", "latency", "--out", "OUT", "--split", "val"], "suite latency has no dataset, so no split 'val'"),
        (
            ["run", "--data", "streets", "--out", "OUT", "--protocol", "x"],
            "--protocol: unknown protocol 'x'; known: segf",
        ),
        (
            ["run", "demo", "--out", "OUT", "--seeds", str(2**63)],
            f"--seeds takes whole numbers from 0 to {2**63 - 1}, ",
        ),
        (["plan", "demo", "--seeds", "9" * 5000], f"--seeds takes whole numbers from 0 to {2**63 - 1}, got '999"),
        (["run", "demo", "--out", "OUT", "--corruptions", "fog,fog"], "--corruptions fog is given twice"),
        (["plan", "--data", "streets", "--severities", "1", "--severities", "1"], "--severities 1 is given twice"),
        (["run", "demo", "--out", "OUT", "--view", "whole", "--view", "whole"], "--view whole is given twice"),
        (["plan", "demo", "--batchnorm", "stored,stored"], "--batchnorm stored is given twice"),
        (["corrupt", "streets", "--out", "OUT", "--corruptions", "fog,fog"], "--corruptions fog is given twice"),
        (
            ["run", "--data", "streets", "--out", "OUT", "--split", "x"],
            "streets has no split 'x'; known: train, val, te",
        ),
        (
            ["run", "--data", "streets", "--out", "OUT"],
            "suite streets-segformer names no model: use --model SOURCE or --weights",
        ),
        (["run", "demo"], "Missing option '--out'."),
        (["fly"], "No such command 'fly'."),
        (["list", "planets"], "Invalid value for 'KIND': 'planets' is not one of"),
        (
            ["corrupt", "streets", "--out", "OUT", "--format", "jpg"],
            "Invalid value for '--format': 'jpg' is not one of 'png', 'webp'.",
        ),
        (["run", "nothing", "--out", "OUT"], "nothing: no such file, and not one of the shipped: "),
        (["run", "nothing", "--out", "OUT"], " camvid-c, "),
        (["run", "camvid-c", "--out", "OUT"], "dataset camvid needs its folder: --data camvid=PATH"),
        (["run", "camvid-c", "--out", "OUT", "--data", "camvid"], "--data takes NAME=PATH, got 'camvid'"),
        (["run", "camvid-c", "--out", "OUT", "--data", "camvid=/nowhere"], "/nowhere/test: no such folder"),
        (
            ["run", "camvid-c", "--out", "OUT", "--data", "camvid=segformer"],
            "no such folder; it should hold files that",
        ),
        (["run", "demo", "--out", "OUT", "--limit", "0"], "Invalid value for '--limit'"),
        (["run", "demo", "--out", "OUT", "--limit", "few"], "few"),
        (["run", "demo", "--out", "OUT", "--precision", "fp8"], "'fp8' is not one of 'fp32', 'bf16'"),
        (["check", "camvid"], "check takes NAME=PATH, got 'camvid'"),
        (["report", "OUT"], "OUT: holds no results"),
        (["corrupt"], "Missing argument 'DATASET'."),
        (["corrupt", "streets"], "Missing option '--out'."),
        (["corrupt", "kitti", "--out", "OUT"], "unknown dataset 'kitti'; known: streets, cityscapes, camvid"),
        (["corrupt", "cityscapes", "--out", "OUT"], "dataset cityscapes needs its folder: --data cityscapes=PATH"),
        (
            ["corrupt", "streets", "--out", "OUT", "--data", "camvid=x"],
            "--data camvid: the dataset is streets",
        ),
        (
            ["corrupt", "streets", "--out", "OUT", "--split", "dev"],
            "streets has no split 'dev'; known: train, val, test",
        ),
        (["corrupt", "streets", "--out", "OUT", "--corruptions", "fog,fogg"], "--corruptions: 'fogg' is none of gauss"),
        (
            ["corrupt", "streets", "--out", "OUT", "--corruptions", ""],
            "--corruptions: must not be empty",
        ),
        (["corrupt", "streets", "--out", "OUT", "--corruptions", ","], "--corruptions is given but names nothing"),
        (
            ["corrupt", "streets", "--out", "OUT", "--severities", ","],
            "--severities is given but names nothing, got ','",
        ),
        (["corrupt", "streets", "--out", "OUT", "--severities", "1,6"], "--severities: '6' is none of 1, 2, 3, 4, 5"),
        (
            ["corrupt", "streets", "--out", "OUT", "--protocol", "x"],
            "unknown protocol 'x'; known: segformer, michaelis",
        ),
        (["corrupt", "streets", "--out", "OUT", "--limit", "0"], "Invalid value for '--limit'"),
        (["train", "nothing", "--out", "OUT"], "nothing: no such file, and not one of the shipped: "),
        (["train", "nothing", "--out", "OUT"], " camvid-deeplabv3plus, "),
        (["train", "camvid", "--out", "OUT", "--set", "seed"], "--set takes KEY=VALUE, got 'seed'"),
        (["train", "camvid", "--out", "OUT", "--set", "seed=[1"], "--set takes a value in YAML, got '[1'"),
        (["train", "camvid", "--out", "OUT", "--set", "sead=1"], "a recipe has no field 'sead'; the nearest is seed"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = program(*(str(tmp_path / "OUT") if a == "OUT" else a for a in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("robustbench-seg: ")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert not (tmp_path / "OUT").exists()


def test_a_mistake_ends_a_process_of_its_own_in_the_same_way() -> None:
    real, here = real_program("list", "planets"), program("list", "planets")
    assert (real.returncode, real.stdout, real.stderr) == (here.returncode, here.stdout, here.stderr)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conditions": {"fogg": [1]}}, "unknown corruption 'fogg'; known: gaussian_noise"),
        ({"conditions": {"fog": [6]}}, "conditions.fog.0: a severity must be from 1 to 5, got 6"),
        ({"colour": 1}, "colour: unknown field, got 1; known: name, description, "),
        ({"models": [{"name": "segformer-b9"}]}, "models.0: unknown model 'segformer-b9'; known: segformer-b0"),
        (
            {"views": ["sideways"]},
            "views.0: unknown view 'sideways'; views have names such as whole, slide-256-192, pad-32",
        ),
        ({"models": [{"name": "constant"}, {"name": "constant"}]}, "model names must differ"),
        ({"views": ["whole", {"mode": "whole", "scale": 1}]}, "views must differ, got whole, whole"),
        (
            {"views": [{"mode": "slide", "crop": 64.5, "stride": 32}]},
            "needs crop >= 32 and stride in 1 .. crop, got 64.5",
        ),
        (
            {"conditions": {"fog": []}},
            "conditions.fog: needs severities that differ, at least one from 1 to 5, got []\n",
        ),
        ({"conditions": {"fog": 3}}, "conditions.fog: must be a list, got 3\n"),
        ({"conditions": {"fog": [True]}}, "conditions.fog.0: must be a number, got true\n"),
        ({"seeds": [2**63]}, f"seeds.0: a seed must be from 0 to {2**63 - 1}, got {2**63}\n"),
        ({"views": ["whole", "whole"]}, ": views must differ, got whole, whole\n"),
        ({"gallery": ["i01", "i01"]}, ": gallery images must differ, got i01, i01\n"),
        (
            {"conditions": {"fog": [1, 1]}},
            "conditions.fog: needs severities that differ, at least one from 1 to 5, got [1, 1]\n",
        ),
        ({"protocol": "segformer"}, "protocol segformer has its own conditions"),
        ({"latency": {"sizes": [[16, 64]]}}, "latency.sizes.0.0: must be 32 or more, got 16"),
        (
            {"latency": {"sizes": [[32, 64]], "min_seconds": 30, "max_seconds": 20}},
            "latency: min_seconds 30 is more than max_seconds 20",
        ),
        ({"gallery": ["a", "b", "c"]}, "gallery: must have 2 at most, got ["),
        ({"protocol": ["a"]}, "protocol: must be a text, got ['a']"),
    ],
)
def test_a_fault_in_a_suite_names_the_file_the_place_and_the_value(tmp_path: Path, change: dict, message: str) -> None:
    path = write_suite(tmp_path, **change)
    done = program("run", str(path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"robustbench-seg: {path}: ")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"count": 2.5}, "streets needs a count in 1 .. 1000000, got 2.5"),
        ({"size": [64]}, "streets needs a size (height, width) of at least 32x32, got [64]"),
        ({"seed": "a"}, "streets needs a seed that is an integer >= 0, got 'a'"),
        ({"root": "x"}, "dataset streets: its folder is given as --data streets=PATH, not as an option"),
    ],
)
def test_a_fault_in_a_datasets_options_names_the_value(tmp_path: Path, dataset: dict, message: str) -> None:
    path = write_suite(tmp_path, dataset={"name": "streets", "split": "test", **dataset}, gallery=[])
    done = program("run", str(path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr == f"robustbench-seg: {message}\n"


def test_a_file_where_a_folder_should_be_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = program("run", str(write_suite(tmp_path)), "--out", str(tmp_path / "taken"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "taken") in done.stderr


def test_training_refuses_data_that_it_does_not_use(tmp_path: Path) -> None:
    done = program("train", "streets", "--out", str(tmp_path / "out"), "--data", "camvid=x")
    assert done.returncode == 2
    assert "--data camvid: the recipe does not use this dataset (it uses streets)" in done.stderr


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a: [1", "line 1, column 6"),
        ("day: 2024-13-45", "month must be in 1..12"),
        ("conditions: {fog: [1], fog: [3]}", "the key 'fog' comes twice in"),
        ("conditions: {{ fog }}", "unhashable key"),
        ("seed: !!bool maybe", "not YAML: 'maybe'"),
    ],
)
def test_a_file_that_is_no_yaml_is_named(text: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    done = program("plan", str(tmp_path / "x.yaml"))
    assert done.returncode == 2
    assert "x.yaml: not YAML" in done.stderr
    assert wrong in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", ["models", "datasets", "corruptions", "protocols", "suites", "recipes"])
def test_list_shows_each_kind(kind: str) -> None:
    done = program("list", kind)
    assert done.returncode == 0
    expected = {
        "models": "deeplabv3plus-tu-xception71",
        "datasets": "SYNTHETIC",
        "corruptions": "jpeg_compression",
        "protocols": "michaelis",
        "suites": "cityscapes-c",
        "recipes": "streets",
    }
    assert expected[kind] in done.stdout


@pytest.mark.parametrize(("suite", "cells"), [("camvid-c", 146), ("cityscapes-c", 73), ("resolution", 2), ("demo", 10)])
def test_plan_tells_how_many_cells_a_model_has(suite: str, cells: int) -> None:
    done = program("plan", suite)
    assert done.returncode == 0
    assert f"= {cells}" in done.stdout


def test_run_writes_a_report_and_report_writes_it_again(tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path,
        latency={"sizes": [[32, 32]], "min_samples": 10, "min_seconds": 0.01, "max_seconds": 1},
        views=["whole"],
    )
    out = tmp_path / "out"
    done = program("run", str(suite), "--out", str(out), "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert "10/10 cells" in done.stdout
    first = (out / "report" / "report.md").read_text()
    assert program("report", str(out), "--out", str(tmp_path / "again")).returncode == 0
    assert (tmp_path / "again" / "report.md").read_text() == first
    text = program("report", str(out), "--text")
    assert "On average over 2 corruptions (6 of 6 images, view whole), " in text.stdout


def test_corrupt_says_what_it_will_take_writes_it_and_goes_on(tmp_path: Path, camvid_folder: Path) -> None:
    out = tmp_path / "out"
    what = ["corrupt", "camvid", "--data", f"camvid={camvid_folder}", "--out", str(out), "--limit", "2"]
    done = program(*what, "--corruptions", "fog, contrast", "--severities", "2", "--severities", "4", "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert re.match(r"8 images to write: about \d+\.\d kB in 0:0\d:\d\d \(h:mm:ss\)\n", done.stdout)
    said = f"4 conditions of 2 images are in {out}; each is a folder for --data cityscapes=PATH, with split test\n"
    assert done.stdout.endswith(said)
    again = program(*what, "--corruptions", "fog", "--severities", "2", "--limit", "2", "--workers", "0")
    assert again.stdout.startswith("2 images here already, none to write\n1 condition of 2 images is in ")
    assert sorted(path.parent.relative_to(out).as_posix() for path in out.rglob("sha256sums.txt")) == [
        *("contrast/2", "contrast/4", "fog/2", "fog/4")
    ]
    assert len(list(out.rglob("*_leftImg8bit.png"))) == 8
    more = program(*what, "--corruptions", "fog", "--workers", "0")
    assert more.returncode == 0, more.stderr
    assert more.stdout.startswith("4 of 10 images are here already; resuming\n6 images to write: about")
    other = program(*what, "--seed", "1")
    assert (other.returncode, other.stdout) == (2, "")
    assert other.stderr == (
        f"robustbench-seg: {out}: holds another export (seed 0 there, 1 asked for); choose another --out\n"
    )


def test_one_is_not_said_in_the_plural(tmp_path: Path) -> None:
    clean = {"protocol": "none", "conditions": {}, "views": ["whole"]}
    planned = program("plan", str(write_suite(tmp_path, **clean)))
    assert "quality cells per model: 1 condition x 1 view = 1\n" in planned.stdout


def test_failed_cells_are_listed_and_the_status_is_1(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, views=["whole", {"mode": "whole", "scale": 0.25}])
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0")
    assert done.returncode == 1
    assert "8 cells failed" in done.stdout
    fault = "UsageError: streets_000000_2000000: an image of 16x24 pixels, at its view's scale, has a side below 32"
    assert f"b0-streets-contrast-2-whole-x0.25: {fault}\n" in done.stdout
    report = (tmp_path / "out/report/report.md").read_text()
    assert "### Failed cells" in report
    assert "8 of 16 planned cells are not in the store" in report


def test_a_missing_system_library_of_opencv_is_said_in_one_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    )
    done = real_program("list", "models", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "libGL.so.1" in done.stderr
    assert "pip install --force-reinstall --no-deps opencv-python-headless" in done.stderr
