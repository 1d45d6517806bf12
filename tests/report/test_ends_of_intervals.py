"""Intervals over images and runs end where the quantity does: no share of pixels passes 100 %, and retention may."""

import math
from pathlib import Path

import pandas as pd
import pytest
from synthetic import write_synthetic
from tables import lines, table_of

from robustbench_seg.charts import Dot
from robustbench_seg.report.content import Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View
from robustbench_seg.studies.statistics import SHARE, Interval

pytestmark = pytest.mark.usefixtures("few_resamples")


def section_of(folder: Path, scores: dict[str, float]) -> Section:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return scores[model]

    write_synthetic(folder, of, models=list(scores), conditions={"fog": [1, 3]}, images=20)
    (section,) = sections_of([folder])
    return section


def dots(section: Section) -> list[Dot]:
    (picture,) = (one for one in section.pictures if one.file == "arms-whole")
    return [dot for panel in picture.chart.panels for row in panel.rows for column in row.dots for dot in column]


@pytest.mark.parametrize(("one", "other"), [(0.99, 0.6), (0.02, 0.25)], ids=["100 %", "0 %"])
def test_the_interval_of_runs_that_vary_much_ends_at_0_or_100_percent_in_figure_and_csv(
    one: float, other: float, tmp_path: Path
) -> None:
    section = section_of(tmp_path, {"arm-s0": one, "arm-s1": other})
    wide = [dot.wide for dot in dots(section)]
    assert all(0 <= number.low < number.high <= 100 for number in wide)
    assert {number.low for number in wide} == {0} or {number.high for number in wide} == {100}
    (caption,) = (picture.caption for picture in section.pictures if picture.file == "arms-whole")
    assert "cut at 0 and 100 %, beyond which no mIoU lies" in caption
    for file in ("robustness-whole", "severities-whole", "metrics-whole", "worst-tenth-whole"):
        own = lines(table_of(section, file))
        own = own[own["high_runs"].notna() & ~own["quantity"].isin(["retention"]) & (own["metric"] != "nll")]
        assert len(own)
        assert own["low_runs"].ge(0).all(), file
        assert own["high_runs"].le(1).all(), file


def test_retention_passes_100_percent_and_an_interval_inside_is_not_cut(tmp_path: Path) -> None:
    section = section_of(tmp_path / "wide", {"arm-s0": 0.9, "arm-s1": 0.3})
    own = lines(table_of(section, "robustness-whole"), "row", quantity="retention")
    assert own.loc["arm (mean of 2)", "high_runs"] > 1
    section = section_of(tmp_path / "narrow", {"arm-s0": 0.6, "arm-s1": 0.605})
    (caption,) = (picture.caption for picture in section.pictures if picture.file == "arms-whole")
    assert "cut" not in caption
    number = next(dot for dot in dots(section)).wide
    assert number.low < number.estimate < number.high


def test_an_interval_within_bounds_keeps_its_estimate_and_what_is_missing_stays_missing() -> None:
    assert Interval(0.9, 0.5, 1.4).within(SHARE) == Interval(0.9, 0.5, 1.0)
    assert Interval(0.1, -0.2, 0.4).within(SHARE) == Interval(0.1, 0.0, 0.4)
    nothing = Interval(0.9).within(SHARE)
    assert math.isnan(nothing.low)
    assert math.isnan(nothing.high)
    assert pd.isna(Interval(float("nan")).within(SHARE).estimate)
