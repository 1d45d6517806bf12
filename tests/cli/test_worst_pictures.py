"""`worst --pictures`: made again from the stored command, of the models that were measured and no others."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from program import program
from small import write_suite

import robustbench_seg as rb
from robustbench_seg.cli.worst_pictures import folder_names
from robustbench_seg.datasets import open_dataset
from robustbench_seg.measure.pictures import colourise
from robustbench_seg.studies.frame import quality_frame


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    suite = write_suite(folder, views=["whole"], conditions={"contrast": [2], "brightness": [1]}, gallery=[])
    done = program("run", str(suite), "--out", str(folder / "out"), "--workers", "0", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def test_they_are_the_worst_median_and_best_image_clean_and_where_it_is_worst(store: Path, tmp_path: Path) -> None:
    done = program("worst", str(store / "out"), "--model", "b0", "--pictures", str(tmp_path / "p"), "--top", "6")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"pictures: {tmp_path / 'p'}" in done.stdout
    frame = quality_frame(store / "out").query("model == 'b0'").set_index(["corruption", "severity"])
    data = open_dataset("streets", split="test", size=(64, 96), count=6)

    def scores(place: tuple[str, int]) -> np.ndarray:
        counts = frame.loc[place, "counts"]
        hit, predicted, labelled = (counts[name].astype(float) for name in ("intersection", "predicted", "labelled"))
        with np.errstate(invalid="ignore"):
            return np.nanmean(np.where(labelled > 0, hit / (predicted + labelled - hit), np.nan), axis=1)

    order = np.argsort((scores(("contrast", 2)) + scores(("brightness", 1))) / 2, kind="stable")
    for name, k in (("worst", order[0]), ("median", order[2]), ("best", order[-1])):
        image_id = data.ids[k]
        conditions = {path.name for path in (tmp_path / "p" / "small" / "b0" / "whole" / name).iterdir()}
        lowest = min([("clean", 0), ("contrast", 2), ("brightness", 1)], key=lambda place: scores(place)[k])
        assert conditions == {"clean", "clean" if lowest[0] == "clean" else f"{lowest[0]}-{lowest[1]}"}
        place = tmp_path / "p" / "small" / "b0" / "whole" / name / "clean"
        assert sorted(path.name for path in place.iterdir()) == [
            f"{image_id}-{kind}.png" for kind in ("image", "label", "prediction")
        ]
        sample = data.load(image_id)
        shown = {path.stem.rpartition("-")[2]: cv2.imread(str(path))[:, :, ::-1] for path in place.iterdir()}
        np.testing.assert_array_equal(shown["image"], sample.image)
        np.testing.assert_array_equal(shown["label"], colourise(sample.label, data.palette))
        counts = frame.loc[("clean", 0), "counts"]
        for c, colour in enumerate(data.palette):
            here = (shown["prediction"] == colour).all(axis=2) & (sample.label != 255)
            assert here.sum() == counts["predicted"][k, c], "as many pixels of each class as were counted"


def test_other_weights_than_were_measured_are_refused_and_nothing_is_written(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store / "out", tmp_path / "out")
    suite = store / "small.yaml"
    before = suite.read_text(encoding="utf-8")
    try:
        suite.write_text(before.replace("count: 6", "count: 5"), encoding="utf-8")
        done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"))
    finally:
        suite.write_text(before, encoding="utf-8")
    assert done.returncode == 2
    assert "no pictures of constant, b0: the weights, the data or the program are not those that" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "p").exists()


def test_a_store_of_another_program_and_options_without_effect_are_refused(store: Path, tmp_path: Path) -> None:
    from synthetic import write_synthetic

    write_synthetic(tmp_path / "out", lambda *_: 0.7, models=["m"], conditions={"fog": [1]}, images=12)
    done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"))
    assert (done.returncode, done.stderr) == (2, "robustbench-seg: Missing option '--out'.\n"), "of a stored `run`"
    done = program("worst", str(store / "out"), "--data", "camvid=x")
    assert done.stderr == "robustbench-seg: --data: only --pictures and --gallery read it\n"


def test_a_recorded_plugin_is_found_at_home_where_the_run_found_it(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, views=["whole"], conditions={"contrast": [2]}, gallery=[])
    (tmp_path / "registers_nothing.py").write_text("")
    home = {"HOME": str(tmp_path)}
    what = ("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--plugin=~/registers_nothing.py")
    done = program(*what, **home)
    assert done.returncode == 0, done.stderr
    done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"), **home)
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "p").rglob("*-prediction.png"))


def test_a_store_of_a_script_whose_name_has_a_quotation_mark_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["it's.py"])
    data = open_dataset("streets", split="test", size=(64, 96), count=2)
    rb.evaluate("constant", data, corruptions={"contrast": [2]}, out=tmp_path / "out", metrics=[], progress=False)
    done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"))
    assert done.returncode == 2
    assert (
        'no pictures: the cells were made by "robustbench_seg.evaluate in it\'s.py", which is no `run`' in done.stderr
    )
    assert done.stderr.count("\n") == 1


def test_the_gallery_gets_the_runs_worst_median_and_best_image_of_every_model_and_the_page_labels_them(
    store: Path, tmp_path: Path
) -> None:
    shutil.copytree(store / "out", tmp_path / "out")
    done = program("worst", str(tmp_path / "out"), "--gallery")
    assert (done.returncode, done.stderr) == (0, "")
    frame = quality_frame(store / "out")

    def scores(corruption: str, severity: int) -> np.ndarray:
        """The mean over the two models of the mIoU of each image, by hand."""
        own = frame[(frame["corruption"] == corruption) & (frame["severity"] == severity)]
        each = []
        for counts in own["counts"]:
            hit, labelled = counts["intersection"].astype(float), counts["labelled"]
            with np.errstate(invalid="ignore"):
                iou = hit / (counts["predicted"] + labelled - hit)
            each.append(np.nanmean(np.where(labelled > 0, iou, np.nan), axis=1))
        return np.mean(each, axis=0)

    places = [("clean", 0), ("contrast", 2), ("brightness", 1)]
    corrupted = (scores("contrast", 2) + scores("brightness", 1)) / 2
    order = np.argsort(corrupted, kind="stable")
    ids = frame.iloc[0]["counts"]["image_id"]
    ranks = {"worst": order[0], "median": order[2], "best": order[-1]}
    expected = {
        (cell.slug, ids[k])
        for k in ranks.values()
        for place in [("clean", 0), min(places, key=lambda place: scores(*place)[k])]
        for cell in frame.itertuples()
        if (cell.corruption, cell.severity) == place
    }
    found = {
        (path.parent.name[:-33], path.name.removesuffix("-prediction.png"))
        for path in (tmp_path / "out" / "gallery").rglob("*-prediction.png")
    }
    assert found == expected
    assert program("report", str(tmp_path / "out")).returncode == 0
    page = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    for name, k in ranks.items():
        label = f"{ids[k]}, {name} of 6 images, mIoU under corruption {100 * corrupted[k]:.1f} %</option>"
        assert label in page
    assert program("verify", str(tmp_path / "out")).returncode == 0


def test_the_gallery_is_of_all_models(store: Path) -> None:
    for option in (("--model", "b0"), ("--view", "whole"), ("--metric", "ece")):
        done = program("worst", str(store / "out"), "--gallery", *option)
        assert done.returncode == 2
        assert (
            "--gallery: its images are of all models, by mIoU in the main view; omit --model, --view, " in done.stderr
        )
        assert done.stderr.count("\n") == 1


def images_in(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in folder.iterdir()}


def measure(suite: Path, out: Path, *options: str, **changes: object) -> None:
    suite.mkdir(exist_ok=True)
    fields = {"models": [{"name": "constant"}], "views": ["whole"], "conditions": {}, "gallery": [], "name": suite.name}
    path = write_suite(suite, **{**fields, **changes})
    done = program("run", str(path), "--out", str(out), "--workers", "0", *options)
    assert done.returncode == 0, done.stderr


def test_each_setting_has_its_own_folder_which_states_its_precision(tmp_path: Path) -> None:
    for options in ([], ["--limit", "3"], ["--precision", "bf16"]):
        measure(tmp_path / "one", tmp_path / "out", *options)
    done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"))
    assert (done.returncode, done.stderr) == (0, "")
    (model,) = (tmp_path / "p" / "one").iterdir()
    views = ["whole-bf16", "whole-fp32-3-of-6-images", "whole-fp32-6-of-6-images"]
    assert sorted(path.name for path in model.iterdir()) == views
    for view in model.iterdir():
        assert len(images_in(view / "worst/clean")) == 1, "of one setting"
    text = " ".join(done.stdout.split())
    for name in ("bf16", "fp32, 6 of 6 images", "fp32, 3 of 6 images"):
        assert f"Images that fail most, view whole ({name})" in text


def test_suites_share_no_folder_of_pictures_whether_they_are_given_together_or_apart(tmp_path: Path) -> None:
    data = {"name": "streets", "split": "test", "size": [64, 96]}
    for name, count, conditions in (("one", 6, {}), ("two", 4, {"contrast": [2]})):
        dataset = {**data, "count": count}
        measure(tmp_path / name, tmp_path / name / "out", dataset=dataset, conditions=conditions)
    names = {}
    for places, out in ((["one", "two"], "both"), (["one"], "apart"), (["two"], "apart")):
        done = program("worst", *(str(tmp_path / place / "out") for place in places), "--pictures", str(tmp_path / out))
        assert (done.returncode, done.stderr) == (0, "")
        names[out] = {str(path.relative_to(tmp_path / out)) for path in (tmp_path / out).rglob("*.png")}
    assert names["both"] == names["apart"]
    assert {name.partition("/")[0] for name in names["both"]} == {"one", "two"}


def test_an_image_that_is_no_longer_the_worst_has_no_pictures_there(tmp_path: Path) -> None:
    measure(tmp_path / "one", tmp_path / "out")
    worst = tmp_path / "p/one/constant/whole/worst"
    for place, name in (("fog-3", "old-image.png"), ("fog-3", "old-prediction.png"), ("clean", "notes.png")):
        (worst / place).mkdir(parents=True, exist_ok=True)
        (worst / place / name).write_bytes(b"")
    done = program("worst", str(tmp_path / "out"), "--pictures", str(tmp_path / "p"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in worst.iterdir()] == ["clean"]
    assert (worst / "clean/notes.png").is_file(), "someone else's"


def test_no_two_names_have_one_folder() -> None:
    assert folder_names(["a/b", "a-b", "../..", "net (2)", "net-2", "a b"]) == [
        "a-b", "a-b (2)", "model", "net-2", "net-2 (2)", "a-b (3)",
    ]  # fmt: skip
