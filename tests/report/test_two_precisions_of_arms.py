"""Arms in float32 and in int8, of two suites in two folders: one section, and whether their drop grows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import change_plan, write_synthetic
from tables import lines, readable, values
from tables import table_of as table

from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.plan import Comparison
from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.statistics import interval

pytestmark = pytest.mark.usefixtures("few_resamples")
FLOAT, INT8 = "segformer-b0-mix-s0", "segformer-b0-mix-int8-s0"
CONDITIONS = {"gaussian_noise": [1, 3], "fog": [3]}
PAD = View.parse("pad-32")


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    """int8 costs two points clean, and one more for each severity."""
    return 0.8 - 0.05 * severity - (0.02 + 0.01 * severity) * (model == INT8)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    for model, suite in ((FLOAT, "camvid-c"), (INT8, "camvid-c-int8")):
        write_synthetic(tmp_path / suite, accuracy, models=[model], conditions=CONDITIONS, views=[PAD], suite=suite)
    return [tmp_path / "camvid-c", tmp_path / "camvid-c-int8"]


def test_two_suites_of_the_same_conditions_are_one_section(folders: list[Path]) -> None:
    (section,) = sections_of(folders, pictures=False)
    assert section.suite == "camvid-c-int8"
    assert list(values(table(section, "robustness-pad-32")).index) == [FLOAT, INT8]
    apart = sections_of(folders[:1], pictures=False) + sections_of(folders[1:], pictures=False)
    assert [len(values(table(each, "robustness-pad-32"))) for each in apart] == [1, 1]


def test_suites_of_other_data_or_conditions_stay_apart(tmp_path: Path) -> None:
    for name, conditions, data in (("a", CONDITIONS, "toy"), ("b", {"fog": [3]}, "toy"), ("c", CONDITIONS, "other")):
        write_synthetic(tmp_path / name, accuracy, models=[FLOAT], conditions=conditions, suite=name, dataset=data)
    assert len(sections_of([tmp_path / name for name in "abc"], pictures=False)) == 3


def test_the_growth_of_the_drop_has_the_interval_of_the_bootstrap(folders: list[Path]) -> None:
    (section,) = sections_of(folders, pictures=False)
    cells = [quality_frame(folder) for folder in folders]
    scores = bootstrap(read_counts(pd.concat(cells)))
    drops = {}
    for model in (FLOAT, INT8):
        miou = scores.under(model=model, view="pad-32")
        noise = (miou("gaussian_noise", 1) + miou("gaussian_noise", 3)) / 2
        drops[model] = miou("clean", 0) - (noise + miou("fog", 3)) / 2
    row = lines(table(section, "differences-pad-32"), "quantity").loc["drop"]
    one, other = row["row"].split(" minus ")
    expected = interval(drops[f"{one}-s0"] - drops[f"{other}-s0"], scores.blocks)
    assert [row["value"], row["low"], row["high"]] == pytest.approx(
        [expected.estimate, expected.low, expected.high], abs=1e-12
    )
    grows = expected.estimate if one.endswith("int8") else -expected.estimate
    assert grows == pytest.approx(np.mean([(0.01 + 0.03) / 2, 0.03]), abs=0.01)
    assert "drop, clean - mean" in list(readable(table(section, "differences-pad-32"))["in"])


def test_primary_comparisons_of_other_arms_take_the_place_of_the_papers_claim(folders: list[Path]) -> None:
    third = folders[0].with_name("third")
    write_synthetic(third, accuracy, models=["deeplabv3plus-mobilenet_v2-s0"], conditions=CONDITIONS, views=[PAD])
    (before,) = sections_of([*folders[:1], third, folders[1]], pictures=False)
    assert not any("Primary comparisons: " in sentence for sentence in before.sentences)
    assert any("minus deeplabv3plus" in sentence for sentence in before.sentences)
    arms = ("segformer-b0-mix", "segformer-b0-mix-int8")
    change_plan(folders[1], primary=(Comparison(arms=arms, quantity="drop"),))
    (after,) = sections_of([*folders[:1], third, folders[1]], pictures=False)
    (sentence,) = [each for each in after.sentences if each.startswith("Primary comparisons: ")]
    assert sentence.startswith("Primary comparisons: segformer-b0-mix minus segformer-b0-mix-int8: drop from clean to")
    assert not any("minus deeplabv3plus" in each for each in after.sentences)
