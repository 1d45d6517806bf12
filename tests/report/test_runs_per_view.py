"""A run that was measured in one of two views belongs to its arm there, and takes nothing from the arm elsewhere."""

from pathlib import Path

import pytest
from synthetic import write_synthetic
from tables import lines, table_of, values

from robustbench_seg.report.content import Section
from robustbench_seg.report.csv import csv
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View

pytestmark = pytest.mark.usefixtures("few_resamples")
TWO = ["segformer-b0-mix-s0", "segformer-b0-mix-s1", "deeplabv3plus-s0", "deeplabv3plus-s1"]
THIRD = "segformer-b0-mix-s2"
PADDED, WHOLE = View.parse("pad-32"), View()


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    return 0.8 + 0.02 * model.startswith("s") - 0.05 * severity + 0.01 * int(model[-1]) - 0.02 * (view == WHOLE)


def section_of(folder: Path, models: list[str], *skip: str) -> Section:
    conditions = {"gaussian_noise": [1], "fog": [3]}
    write_synthetic(folder, accuracy, models=models, conditions=conditions, views=[PADDED, WHOLE], skip=skip, images=12)
    return sections_of([folder], pictures=False)[0]


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    return section_of(tmp_path_factory.mktemp("three"), [*TWO, THIRD], f"{THIRD}*-whole")


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Section:
    return section_of(tmp_path_factory.mktemp("two"), TWO)


def test_every_table_of_the_other_view_is_as_without_the_run(section: Section, without: Section) -> None:
    shown, expected = ([t for t in one.tables if t.file.endswith("-whole")] for one in (section, without))
    assert [table.file for table in shown] == [table.file for table in expected]
    assert len(shown) > 5
    for table, other in zip(shown, expected, strict=True):
        assert csv(table) == csv(other), table.file


def test_where_the_run_is_there_it_counts(section: Section) -> None:
    scores = values(table_of(section, "robustness-pad-32"))
    runs = [*TWO[:2], THIRD]
    assert list(scores.index[:4]) == ["segformer-b0-mix (mean of 3)", *runs]
    assert scores["mean"].iloc[0] == pytest.approx(scores.loc[runs, "mean"].mean(), abs=1e-12)
    (models,) = set(lines(table_of(section, "differences-pad-32"))["models"])
    assert models.split() == [*runs, *TWO[2:]]


def test_a_missing_cell_of_a_run_that_is_there_still_leaves_a_gap(tmp_path: Path) -> None:
    section = section_of(tmp_path, [*TWO, THIRD], f"{THIRD}-toy-fog-3-whole")
    gap = values(table_of(section, "robustness-whole")).loc["segformer-b0-mix (mean of 3)", ["clean", "mean"]]
    assert gap.isna().tolist() == [False, True]
