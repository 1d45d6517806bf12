"""The pages on worst images, verify and the leaderboard: their commands run, and their figures are the store's."""

import re
import shlex
from pathlib import Path

import pytest
from program import ROOT, program
from small import write_suite
from synthetic import write_synthetic

from robustbench_seg.studies.counts import blocks_in
from robustbench_seg.studies.fine_grained import MEASURES, fine_grained
from robustbench_seg.studies.frame import quality_frame

CONDITIONS = {"fog": [1, 3]}


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def commands(name: str) -> list[list[str]]:
    lines = re.findall(r"^    robustbench-seg (.*)$", page(name), re.MULTILINE)
    return [shlex.split(line.partition(" > ")[0]) for line in lines]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for name, models in (("demo", ["segformer-b0", "other"]), ("other", ["third"])):
        write_synthetic(folder / "results" / name, lambda *_: 0.7, models=models, conditions=CONDITIONS, images=12)
    return folder


def test_the_commands_on_worst_images_run(home: Path) -> None:
    *lines, pictures, gallery, report = commands("worst")
    assert [line[0] for line in (*lines, pictures, gallery)] == ["worst"] * 5
    for line in lines:
        done = program(*line, cwd=home)
        assert (done.returncode, done.stderr) == (0, ""), line
    assert pictures == ["worst", "results/demo", "--pictures", "pictures"]
    assert (gallery, report) == (["worst", "results/demo", "--gallery"], ["report", "results/demo"])


def test_the_commands_for_pictures_run_where_the_run_was_started(tmp_path: Path) -> None:
    write_suite(tmp_path, views=["whole"], conditions={"contrast": [2]}, models=[{"name": "constant"}], gallery=[])
    assert program("run", "small.yaml", "--out", "results/demo", "--workers", "0", cwd=tmp_path).returncode == 0
    for line in commands("worst")[-3:]:
        done = program(*line, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "worst of 6 images" in (tmp_path / "results/demo/report/index.html").read_text(encoding="utf-8")
    names = {
        path.name.rpartition("-")[2] for path in (tmp_path / "pictures/small/constant/whole/worst/clean").iterdir()
    }
    assert names == {"image.png", "label.png", "prediction.png"}


def test_the_commands_of_verify_run(home: Path) -> None:
    first, second = commands("verify")
    assert program(*first, cwd=home).returncode == 0
    done = program(*second, cwd=home)
    assert done.stderr == "robustbench-seg: --data camvid: no cell is of it; there are toy\n", "as here no data is"


def test_the_command_of_the_leaderboard_runs(home: Path) -> None:
    (line,) = commands("leaderboard")
    done = program(*line, cwd=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert (home / "site/index.html").is_file()


def test_the_figures_of_camvid_are_those_of_its_store() -> None:
    frame = quality_frame(ROOT / "reports/camvid-c")
    frame = frame.assign(title=frame["model"])
    conditions: dict[str, list[int]] = {}
    for name, severity in zip(frame["corruption"], frame["severity"], strict=True):
        if severity and severity not in conditions.setdefault(name, []):
            conditions[name].append(severity)
    measures = fine_grained(frame, blocks_in(frame))
    rows = re.findall(r"^\| (\S+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page("worst"), re.MULTILINE)
    assert {row[0] for row in rows} == set(frame["title"])
    for title, *numbers in rows:
        values = measures.of(title, conditions)
        places = [(name, where) for where in ("clean", "mean") for name in MEASURES[:2]]
        assert numbers == [f"{100 * values[place][0]:.1f}" for place in places]
