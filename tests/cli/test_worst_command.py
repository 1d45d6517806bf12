"""`worst` on the command line: its tables, its options, and what it refuses."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from program import program
from synthetic import write_synthetic

import robustbench_seg as rb
from robustbench_seg.cli.worst_pictures import wishes_of
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.store.view import View
from robustbench_seg.studies.sources import sources_of

CONDITIONS = {"fog": [1, 3], "snow": [2]}
WINDOWS = View(mode="slide", crop=256, stride=128)


def of(model: str, corruption: str, severity: int, view: View) -> float:
    return {"a": 0.9, "b": 0.8}[model[0]] - 0.15 * severity * (corruption == "fog")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    write_synthetic(folder, of, models=["a-s0", "a-s1", "b"], conditions=CONDITIONS, images=12, views=[View(), WINDOWS])
    return folder


def frame(*arguments: str) -> pd.DataFrame:
    done = program("worst", *arguments, "--csv")
    assert (done.returncode, done.stderr) == (0, "")
    return pd.read_csv(io.StringIO(done.stdout))


def test_it_prints_four_tables_per_view(store: Path) -> None:
    done = program("worst", str(store), "--top", "3")
    assert (done.returncode, done.stderr) == (0, "")
    for title in (
        "Mean over the worst 10 % of images", "Images that fail most", "Images and conditions that fail most",
        "Images on which two arms differ most",
    ):  # fmt: skip
        for view in ("whole", "slide-256-128"):
            assert f"{title}, view {view}" in " ".join(done.stdout.split())
    assert done.stdout.count("fog 3") >= 3


def test_csv_and_json_have_the_same_numbers_and_nothing_else(store: Path) -> None:
    table = frame(str(store), "--view", "whole", "--top", "4")
    assert set(table["view"]) == {"whole"}
    assert table.groupby("table")["row"].nunique().to_dict() == {
        "worst-apart-whole": 4, "worst-conditions-whole": 4, "worst-images-whole": 4, "worst-tenth-whole": 4,
    }  # fmt: skip
    done = program("worst", str(store), "--view", "whole", "--top", "4", "--json")
    document = json.loads(done.stdout)
    rows = [row for each in document["tables"] for row in each["rows"]]
    assert [row["value"] for row in rows] == pytest.approx(table["value"].tolist())
    assert done.stderr == ""


def test_a_model_an_arm_a_metric_and_a_number_are_chosen(store: Path) -> None:
    table = frame(str(store), "--model", "a", "--view", "whole")
    assert "worst-apart-whole" not in set(table["table"]), "one arm differs from nothing"
    assert set(table["models"]) == {"a-s0 a-s1", "a-s0", "a-s1"}
    one = frame(str(store), "--model", "b", "--view", "whole", "--metric", "nll", "--top", "2")
    assert set(one["metric"]) == {"nll of an image"}
    assert set(one["row"]) <= {f"image_{k:04d}" for k in range(12)}
    images = one[(one["table"] == "worst-images-whole") & (one["quantity"] == "corrupted")]["value"]
    assert images.is_monotonic_decreasing
    assert len(images) == 2


def test_models_without_counts_of_a_metric_are_named(tmp_path: Path) -> None:
    """One of these two stores counted mIoU alone."""
    folders = [str(Path(__file__).parents[2] / "reports/first-check" / name) for name in ("espnet", "cgnet")]
    line = "camvid-clean, espnet_p2q8_camvid_480x360: left out, since no condition has ece of all models"
    done = program("worst", *folders, "--metric", "ece", "--top", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert line in " ".join(done.stdout.split())
    done = program("worst", *folders, "--metric", "ece", "--top", "1", "--csv")
    assert (done.returncode, done.stderr) == (0, f"{line}\n")
    assert "espnet" not in done.stdout


def test_of_a_cell_in_two_folders_the_counts_of_a_metric_are_found_in_either(tmp_path: Path) -> None:
    data, folders = Streets("test", size=(64, 96), count=3), {name: tmp_path / name for name in ("without", "with")}
    for out, metrics in zip(folders.values(), ([], ["calibration"]), strict=True):
        rb.evaluate("constant", data, corruptions={"contrast": [2]}, metrics=metrics, out=out, progress=False)
    options = "--metric", "ece", "--csv"
    alone = program("worst", str(folders["with"]), *options)
    assert (alone.returncode, alone.stderr) == (0, "")
    pictured = wished([folders["with"]])
    assert pictured
    for names in (("without", "with"), ("with", "without")):
        both = [folders[name] for name in names]
        done = program("worst", *map(str, both), *options)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", alone.stdout)
        assert wished(both) == pictured


def wished(folders: list[Path]) -> set[tuple[str, Path]]:
    wishes = wishes_of(sources_of(folders, None, pictures=False), "ece")
    return {(wish.image_id, wish.folder) for wish in wishes}


def test_two_suites_of_two_folders_are_apart_and_named(tmp_path: Path, store: Path) -> None:
    write_synthetic(tmp_path, of, models=["b"], conditions={}, images=12, suite="other")
    done = program("worst", str(store), str(tmp_path), "--top", "1")
    text = " ".join(done.stdout.split())
    assert "synthetic: Images that fail most, view whole" in text
    assert "other: Images that fail most, view whole" in text
    assert set(frame(str(store), str(tmp_path))["suite"]) == {"synthetic", "other"}
    clean = frame(str(tmp_path))
    assert set(clean["quantity"]) >= {"clean", "score"}
    assert "corrupted" not in set(clean["quantity"])


def test_a_suite_without_counts_of_a_metric_is_left_out_and_named_with_its_folder(tmp_path: Path, store: Path) -> None:
    data = Streets("test", size=(64, 96), count=2)
    rb.evaluate("constant", data, corruptions={}, metrics=[], out=tmp_path, progress=False)
    done = program("worst", str(store), str(tmp_path), "--metric", "ece", "--top", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"streets-chosen in {tmp_path}: left out, since no cell has ece\n" in done.stdout
    assert "Images that fail most" in " ".join(done.stdout.split())
    alone = program("worst", str(tmp_path), "--metric", "ece")
    assert alone.stderr == "robustbench-seg: --metric ece: the cells have no such counts; there are miou\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "c"], "--model c: no cell has it; there are a-s0, a-s1, b"),
        (["--view", "pad-32"], "--view pad-32: no cell has it; there are whole, slide-256-128"),
        (["--metric", "x"], "--metric x: the cells have no such counts; there are miou, boundary_miou, ece, nll"),
        (["--top", "0"], "Invalid value for '--top': "),
        (["--json", "--csv"], "--json and --csv print the tables each in its way: give one of them"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(store: Path, options: list[str], message: str) -> None:
    done = program("worst", str(store), *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"robustbench-seg: {message}")


def test_an_empty_folder_and_help(tmp_path: Path) -> None:
    done = program("worst", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"robustbench-seg: {tmp_path}: holds no results (no plans/*.json)\n"
    assert "--metric" in program("worst", "--help").stdout


def test_csv_names_the_lost_classes_and_the_conditions(store: Path) -> None:
    table = frame(str(store), "--view", "whole", "--metric", "miou")
    pairs = table[table["table"] == "worst-conditions-whole"]
    assert set(pairs["lost"]) == {"none"}
    assert set(pairs["condition"]) <= {"clean", "fog 1", "fog 3", "snow 2"}
    apart = table[table["table"] == "worst-apart-whole"]
    assert set(apart["better"]) | set(apart["worse"]) == {"a", "b"}
