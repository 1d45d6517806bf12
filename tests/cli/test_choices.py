"""What `run` and `plan` take in the place of what a suite states, and without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, program
from small import SUITE, stored, write_suite

from robustbench_seg import __version__
from robustbench_seg.cli.choice import Choice, choose, seed_of
from robustbench_seg.corruptions import LARGEST_SEED
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.plan import Options, make_jobs, open_data
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.store.folder import Store
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.suites import expand, read_suite

CONSTANT = [{"name": "constant"}]


def test_options_stand_in_the_place_of_what_a_suite_states(tmp_path: Path) -> None:
    path = write_suite(tmp_path, models=CONSTANT)
    plain = choose(str(path), Choice()).suite
    assert choose(str(path), Choice(views=["whole", "slide-64-32"])).suite == plain
    choice = Choice(corruptions=["fog,contrast"], severities=["2", "4"], views=["whole-x2"], seeds=["3 1"])
    suite = choose(str(path), choice).suite
    assert suite.conditions == {"fog": (2, 4), "contrast": (2, 4)}
    assert [str(view) for view in suite.views] == ["whole-x2"]
    assert suite.draws == (3, 1)
    assert (suite.name, suite.protocol, suite.gallery) == ("small", "chosen", plain.gallery)
    assert choose(str(path), Choice(severities=["1"])).suite.conditions == {"gaussian_noise": (1,), "contrast": (1,)}
    named = choose(str(path), Choice(protocol="level5")).suite
    assert (named.protocol, named.conditions) == ("level5", PROTOCOLS["level5"])
    assert choose(str(path), Choice(split="val")).suite.dataset.model_dump() == {**SUITE["dataset"], "split": "val"}


def test_full_is_the_larger_version_of_a_suite() -> None:
    small, large = (choose("demo", Choice(full=full)).suite for full in (False, True))
    assert large == read_suite("demo-full")
    assert set(small.conditions.items()) <= set(large.conditions.items())
    assert (small.models, small.protocol, small.gallery) == (large.models, large.protocol, large.gallery)
    assert small.dataset.count < large.dataset.count
    with pytest.raises(UsageError, match="suite camvid-c has no larger version; demo has one"):
        choose("camvid-c", Choice(full=True))
    with pytest.raises(UsageError, match="--full is for a suite"):
        choose(None, Choice(data=["streets"], full=True))


def test_without_a_suite_a_protocol_is_planned_on_the_data(camvid_folder: Path) -> None:
    suite = choose(None, Choice(data=[f"camvid={camvid_folder}"])).suite
    assert (suite.name, suite.protocol, suite.conditions) == ("camvid-segformer", "segformer", PROTOCOLS["segformer"])
    assert (suite.dataset.name, suite.dataset.split) == ("camvid", "test")
    train = choose(None, Choice(data=[f"camvid={camvid_folder}"], split="train", protocol="clean")).suite
    assert (train.name, train.dataset.split, train.conditions) == ("camvid-clean", "train", {})
    assert choose(None, Choice(data=["streets"])).suite.dataset.name == "streets"


def test_a_seed_and_seeds_exclude_each_other(tmp_path: Path) -> None:
    done = program("plan", str(write_suite(tmp_path, seed=1, seeds=[1, 2])))
    assert (done.returncode, done.stdout) == (2, "")
    assert "a suite has a seed or seeds, got seed 1 and seeds [1, 2]" in done.stderr


def test_corruptions_without_draws_are_measured_once_for_all_draws(tmp_path: Path) -> None:
    conditions = {"gaussian_noise": [1], "contrast": [2, 4], "jpeg_compression": [3]}
    small = {"models": CONSTANT, "views": ["whole"], "conditions": conditions, "gallery": []}
    path = write_suite(tmp_path, seeds=[2, 7], **small)
    planned = program("plan", str(path))
    assert "6 conditions (clean, contrast, jpeg_compression once, each other in 2 draws) x 1 view" in planned.stdout
    cells = [cell.condition for cell in expand(read_suite(str(path)), {"m": "cpu"}).to_measure()]
    assert sorted((str(cell), cell.seed) for cell in cells) == [
        ("clean", 2), ("contrast-2", 2), ("contrast-4", 2), ("gaussian_noise-1", 2), ("gaussian_noise-1", 7),
        ("jpeg_compression-3", 2),
    ]  # fmt: skip


def test_clean_images_are_measured_once_for_all_draws(tmp_path: Path) -> None:
    small = {"models": CONSTANT, "views": ["whole"], "conditions": {"gaussian_noise": [1]}, "gallery": []}
    path = write_suite(tmp_path, seeds=[2, 7], **small)
    planned = program("plan", str(path))
    assert "protocol: small; seeds: 2, 7\n" in planned.stdout
    assert "3 conditions (clean once, each other in 2 draws) x 1 view = 3\n" in planned.stdout
    out = tmp_path / "out"
    done = program("run", str(path), "--out", str(out), "--workers", "0", "--limit", "2")
    assert done.returncode == 0, done.stderr
    seeds = sorted((frame["corruption"].iloc[0], int(frame["seed"].iloc[0])) for _, frame in stored(out).values())
    assert seeds == [("clean", 2), ("gaussian_noise", 2), ("gaussian_noise", 7)]
    alone = write_suite(tmp_path, seed=7, **small)
    again = program("run", str(alone), "--out", str(out), "--workers", "0", "--limit", "2")
    assert "1 of 2 cells here already; resuming" in again.stdout, "a draw has the key that it has alone"


def test_one_model_under_two_names_is_an_alarm_before_the_report_and_in_it(tmp_path: Path) -> None:
    models = [*CONSTANT, {"name": "again", "model": "constant"}]
    suite = write_suite(tmp_path, models=models, conditions={}, gallery=[], views=["whole"])
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--limit", "2")
    assert done.returncode == 0, done.stderr
    line = "⚠ constant and again have equal counts in each image of the 1 cell that both have: they are one model under"
    assert done.stdout.count(line) == 1
    assert done.stdout.index(line) < done.stdout.index("┏"), "the first table"
    assert line in (tmp_path / "out/report/report.md").read_text()
    assert line in (tmp_path / "out/report/index.html").read_text()


def test_files_of_the_former_report_are_not_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("first", "second"):
        suite = write_suite(tmp_path, name=name, models=CONSTANT, conditions={}, gallery=[], views=["whole"])
        where = str(out / "report") if name == "first" else str(tmp_path / "here")
        assert program("run", str(suite), "--out", str(out), "--workers", "0", "--limit", "1").returncode == 0
        assert program("report", str(out), "--out", where).returncode == 0
    (out / "report/notes.txt").write_text("a user's own")
    names = {path.name for path in (out / "report").iterdir()}
    assert {name for name in names if name.startswith("first-")} == set(), (
        "there are two sections now: 1-second, 2-first"
    )
    assert any(name.startswith("2-first-") for name in names)
    assert program("report", str(out)).returncode == 0
    assert {path.name for path in (out / "report").iterdir()} == names | {"notes.txt"}


@pytest.mark.parametrize(("word", "seed"), [("0", 0), ("000", 0), ("07", 7), (str(LARGEST_SEED), LARGEST_SEED)])
def test_every_seed_to_the_largest_is_taken(word: str, seed: int) -> None:
    assert seed_of(word) == seed


def test_draws_that_are_not_measured_are_missing(tmp_path: Path) -> None:
    small = {"models": CONSTANT, "views": ["whole"], "conditions": {"gaussian_noise": [1]}, "gallery": []}
    suite, out = read_suite(str(write_suite(tmp_path, seeds=[2, 7], **small))), tmp_path / "out"
    options = Options(limit=2)
    plan, _ = make_jobs(suite, options, *open_data(suite, options))
    Store(out).write_plan(plan)
    (read,) = read_plans(out, quality_frame(out))
    assert [cell.key for cell in read.cells] == [cell.key for cell in plan.cells]
    assert len({cell.key for cell in read.cells}) == 3


def test_quiet_prints_nothing_but_faults_and_writes_the_same(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, models=CONSTANT, conditions={}, gallery=[], views=["whole"])
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out/report/index.html").is_file()
    again = program("report", str(tmp_path / "out"), "-q", "--out", str(tmp_path / "again"))
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    talks = program("report", str(tmp_path / "out"), "--out", str(tmp_path / "again"))
    assert talks.stdout == f"report: {tmp_path}/again/index.html\n"


def test_what_fails_is_on_stderr_when_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = write_suite(tmp_path, models=CONSTANT, conditions={}, gallery=[], views=["whole"])
    monkeypatch.setattr(Store, "write_quality", lambda *_: (_ for _ in ()).throw(RuntimeError("no disk today")))
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "-q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "1 cell failed" in done.stderr
    assert "constant-streets-clean-whole: RuntimeError: no disk today" in done.stderr


def test_version_and_short_help() -> None:
    assert program("--version").stdout == f"robustbench-seg {__version__}\n"
    assert program("run", "-h").stdout == program("run", "--help").stdout
    assert "--corruptions" in program("run", "-h").stdout


def test_plan_reads_data_and_models_and_estimates_the_time(tmp_path: Path, camvid_folder: Path) -> None:
    what = ["--data", f"camvid={camvid_folder}", "--corruptions", "contrast", "--severities", "1"]
    alone = program("plan", *what)
    assert alone.returncode == 0, alone.stderr
    assert "data: camvid test, 3 of 3 images\n" in alone.stdout
    assert "no model is given, so that neither classes nor the time are known\n" in alone.stdout
    suite = write_suite(
        tmp_path, models=CONSTANT, dataset={"name": "camvid", "split": "test"}, views=["whole"], gallery=[],
        conditions={"contrast": [1]},
    )  # fmt: skip
    out, data = str(tmp_path / "out"), f"camvid={camvid_folder}"
    full = program("plan", str(suite), "--data", data, "--out", out, "--workers", "0")
    assert full.returncode == 0, full.stderr
    assert "constant: one class for every pixel; 0 parameters; licence: Apache-2.0\n" in full.stdout
    assert "time: about 0:00:01 (h:mm:ss) on this machine as it is now (cpu, fp32, 0 workers)\n" in full.stdout
    assert not Path(out).exists(), "a plan writes nothing"
    assert program("run", str(suite), "--data", data, "--out", out, "--workers", "0").returncode == 0
    after = program("plan", str(suite), "--data", data, "--out", out, "--workers", "0")
    assert f"2 of 2 cells are in {out} already\n" in after.stdout
    assert "time: about 0:00:00" in after.stdout


def test_plan_finds_what_a_run_would_stop_at(tmp_path: Path, camvid_folder: Path) -> None:
    (camvid_folder / "testannot/frame_1.png").write_bytes(b"GIF89a, and so on")
    done = program("plan", "--data", f"camvid={camvid_folder}", "--corruptions", "fog")
    assert done.returncode == 2
    assert "frame_1.png: begins with b'GIF89a" in done.stderr
    done = program("plan", "--data", f"camvid={camvid_folder}", "--weights", "segformer-b0=/nowhere")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_each_line_of_a_command_reaches_a_pipe_at_once() -> None:
    program = (
        "import sys; sys.argv[1:] = ['list', 'protocols']\n"
        "from robustbench_seg.cli.program import run_program\n"
        "try: run_program()\nfinally: print('no newline is forced', sys.stdout.line_buffering, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("True\n")


def test_completion_names_the_commands() -> None:
    environment = {**os.environ, "_ROBUSTBENCH_SEG_COMPLETE": "complete_bash", "COMP_WORDS": "robustbench-seg re",
                   "COMP_CWORD": "1"}  # fmt: skip
    code = "import sys; sys.argv = ['robustbench-seg']; from robustbench_seg.cli import run_program; run_program()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["report"], done.stderr
