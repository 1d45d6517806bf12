"""Main results in sentences, of a setting alone: no report is made."""

from math import nan
from pathlib import Path

import numpy as np
import pytest
from synthetic import write_synthetic

from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.resolution import shifts_of
from robustbench_seg.studies.results import results_under_corruption, state_clean
from robustbench_seg.studies.robustness import label_shares, lowest
from robustbench_seg.studies.selection import Selection
from robustbench_seg.studies.shift_results import results_of_shift
from robustbench_seg.studies.sources import sources_of

SLIDE, WHOLE = View(mode="slide", crop=256, stride=192), View()


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bootstrap.__kwdefaults__, "resamples", 200)


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    lost = {"clean": 0.0, "fog": 0.1, "snow": 0.2}[corruption] + (0.1 if view == WHOLE and model == "b" else 0.0)
    return {"a": 0.9, "b": 0.8}[model] - lost


def setting_of(folder: Path, images: int = 12, **fields: object) -> Selection:
    write_synthetic(folder, accuracy, models=["a", "b"], images=images, **fields)  # type: ignore[arg-type]
    (setting,) = Selection.all_of(*sources_of([folder], None, pictures=False))
    return setting


def test_a_clean_score_is_stated_with_its_interval(tmp_path: Path) -> None:
    setting = setting_of(tmp_path, conditions={})
    miou = {row.model: f"{100 * row.miou:.1f}" for row in quality_frame(tmp_path).itertuples()}
    sentence = state_clean(setting.views[0])
    assert sentence.startswith(f"Clean mIoU (12 of 12 images, view whole): a {miou['a']} % (95 % interval ")
    assert f" over images) and b {miou['b']} % (95 % interval " in sentence
    few = setting_of(tmp_path / "few", images=4, conditions={})
    assert "interval" not in state_clean(few.views[0]), "of 4 images there is none"


def test_what_arms_keep_and_how_they_differ_is_stated(tmp_path: Path) -> None:
    (view,) = setting_of(tmp_path, conditions={"fog": [1], "snow": [1]}).views
    keeps, differs = results_under_corruption(view, view.arms(view.scores), 2)
    frame = quality_frame(tmp_path).set_index(["model", "corruption"])["miou"]
    means = {model: (frame[model, "fog"] + frame[model, "snow"]) / 2 for model in "ab"}
    shares = {model: means[model] / frame[model, "clean"] for model in "ab"}
    assert keeps.startswith("On average over 2 corruptions (12 of 12 images, view whole), a has ")
    for model in "ab":
        clean = f"{100 * means[model]:.1f} % mIoU of {100 * frame[model, 'clean']:.1f} % clean"
        assert f"{model} has {clean} and keeps {100 * shares[model]:.1f} % (95 % interval" in keeps
    assert differs.startswith(f"a minus b: mean under corruption {100 * (means['a'] - means['b']):+.1f} points (")
    assert f"; retention {100 * (shares['a'] - shares['b']):+.1f} points (" in differs
    (alone,) = results_under_corruption(view, [], 2)
    assert alone == differs, "without a complete arm no score is stated"


def test_the_loss_from_windows_to_whole_images_is_stated(tmp_path: Path) -> None:
    setting = setting_of(tmp_path, conditions={}, views=(SLIDE, WHOLE))
    (shift,) = shifts_of(setting.evidence, setting.order, {})
    loses, differs, *_ = results_of_shift(setting, shift)
    frame = quality_frame(tmp_path).set_index(["model", "view"])["miou"]
    lost = {model: 100 * (frame[model, "slide-256-192"] - frame[model, "whole"]) for model in "ab"}
    assert lost["b"] > lost["a"]
    assert f"is: a {lost['a']:+.1f} points (95 % interval" in loses
    assert f" and b {lost['b']:+.1f} points (95 % interval" in loses
    assert differs.startswith(f"b minus a: {lost['b'] - lost['a']:+.1f} points of that loss (")


@pytest.mark.parametrize(
    ("scores", "name"),
    [({"fog": 0.5, "snow": 0.4}, "snow"), ({"fog": 0.5, "snow": nan}, ""), ({"fog": 0.5}, "fog"), ({}, "")],
)
def test_the_lowest_corruption_is_named_if_no_score_is_missing(scores: dict[str, float], name: str) -> None:
    assert lowest(scores) == name


def test_the_shares_of_classes_are_of_all_labelled_pixels(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=["a"], conditions={}, images=3)
    cells = quality_frame(tmp_path)
    pixels = np.sum(list(cells.iloc[0]["counts"]["labelled"]), axis=0)
    expected = dict(zip(cells.iloc[0]["class_names"], pixels / pixels.sum(), strict=True))
    assert label_shares(cells) == pytest.approx(expected)
