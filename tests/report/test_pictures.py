"""The numbers in a report's figures are those of its tables, in one order of arms and one direction of differences."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import write_synthetic
from tables import lines, table_of

from robustbench_seg.charts import Chart, Dot, Plot, Rows
from robustbench_seg.report.content import Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame

pytestmark = pytest.mark.usefixtures("few_resamples")
ARMS = ("segformer-b0-mix", "segformer-b0-learned", "deeplabv3plus")
MODELS = ["deeplabv3plus-s0", "segformer-b0-learned-s0", "segformer-b0-mix-s0", "segformer-b0-mix-s1"]
CONDITIONS = {"fog": [1, 3], "gaussian_noise": [1, 2, 3], "snow": [2]}
SLIDE = View(mode="slide", crop=256, stride=192)


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    base = {"d": 0.6, "segformer-b0-l": 0.5, "segformer-b0-m": 0.7}[model[:1] if model[0] == "d" else model[:14]]
    return base - 0.07 * severity - 0.02 * (model.endswith("1")) - 0.1 * (view.mode == "whole") * ("learned" in model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_synthetic(folder, accuracy, models=MODELS, conditions=CONDITIONS, views=[View(), SLIDE], images=12)
    return folder


@pytest.fixture(scope="module")
def section(folder: Path) -> Section:
    return sections_of([folder])[0]


def chart_of(section: Section, file: str) -> Chart:
    return next(picture.chart for picture in section.pictures if picture.file == file)


def expect_number(dot: Dot, line: object, **interval: str) -> None:
    """A dot has the value and the interval of a line of a CSV, in % or points."""
    assert dot.number.estimate == pytest.approx(100 * line["value"], abs=1e-9)  # type: ignore[index]
    for end in ("low", "high"):
        assert getattr(dot.number, end) == pytest.approx(100 * line[end], abs=1e-9)  # type: ignore[index]
        wide = line[f"{end}_runs"]  # type: ignore[index]
        assert getattr(dot.wide, end) == pytest.approx(100 * wide, abs=1e-9, nan_ok=True)


def rows_of(chart: Chart) -> dict[str, tuple[tuple[Dot, ...], ...]]:
    return {row.label: row.dots for panel in chart.panels if isinstance(panel, Rows) for row in panel.rows}


def test_the_arms_have_the_clean_score_and_the_mean_of_the_table_and_its_runs(section: Section) -> None:
    table = lines(table_of(section, "robustness-whole"), "row", "quantity")
    rows = rows_of(chart_of(section, "arms-whole"))
    assert list(rows) == list(ARMS)
    for arm, ((clean, mean),) in rows.items():
        name = f"{arm} (mean of 2)" if arm == ARMS[0] else f"{arm}-s0"
        expect_number(clean, table.loc[(name, "clean")])
        expect_number(mean, table.loc[(name, "mean")])
        runs = {title: 100 * table.loc[(title, "mean"), "value"] for title in MODELS if title.startswith(f"{arm}-s")}
        assert dict(mean.runs) == (pytest.approx(runs) if arm == ARMS[0] else {})
        assert (clean.fill, mean.fill) == ("ring", "full")
    notes = {row.label: row.note for row in chart_of(section, "arms-whole").panels[0].rows}  # type: ignore[union-attr]
    assert [note.rpartition(", ")[2] for note in notes.values()] == ["2 runs", "one run", "one run"]


def test_the_matrix_has_every_corruption_in_its_group_with_the_first_difference(section: Section) -> None:
    chart = chart_of(section, "corruptions-whole")
    (panel,) = chart.panels
    assert isinstance(panel, Rows)
    assert [(row.label, row.head) for row in panel.rows] == [
        *(("gaussian noise", False), ("weather", True), ("fog", False), ("snow", False))
    ]
    assert panel.titles[1] == "segformer-b0-mix minus\ndeeplabv3plus"
    shown = [table_of(section, name) for name in ("robustness-whole", "differences-by-corruption-whole")]
    scores, differences = (lines(table, "row", "quantity") for table in shown)
    for row in panel.rows:
        if not row.head:
            own, (difference,) = row.dots
            for arm, dot in zip(ARMS, own, strict=True):
                name = f"{arm} (mean of 2)" if arm == ARMS[0] else f"{arm}-s0"
                line = scores.loc[(name, row.corruption)]
                assert dot.number.estimate == pytest.approx(100 * line["value"])
                assert dot.number.low == pytest.approx(100 * line["low"])
            expect_number(difference, differences.loc[("segformer-b0-mix minus deeplabv3plus", row.corruption)])


def test_curves_over_severities_are_those_of_the_table_and_start_from_clean(section: Section) -> None:
    table = lines(table_of(section, "severities-whole"), "row", "corruption", "severity")
    clean = lines(table_of(section, "robustness-whole"), "row", quantity="clean")["value"]
    chart = chart_of(section, "severity-whole")
    assert {panel.title for panel in chart.panels} == {"fog", "gaussian noise", "snow"}
    for panel in chart.panels:
        assert isinstance(panel, Plot)
        assert [curve.arm for curve in panel.curves] == list(ARMS)
        for curve in panel.curves:
            name = f"{curve.arm} (mean of 2)" if curve.arm == ARMS[0] else f"{curve.arm}-s0"
            assert curve.level == pytest.approx(100 * clean[name])
            for severity, number in curve.points:
                line = table.loc[(name, panel.title.replace(" ", "_"), int(severity))]
                assert number.estimate == pytest.approx(100 * line["value"])
                assert number.high == pytest.approx(100 * line["high"])


@pytest.mark.parametrize(
    ("picture", "table"), [("differences-whole",) * 2, ("resolution-effects", "resolution-differences")]
)
def test_a_forest_has_the_differences_of_its_table_in_their_direction(
    section: Section, picture: str, table: str
) -> None:
    full = lines(table_of(section, table), "row", "quantity").query("group.isna()")
    names = {"clean mIoU": "clean", "mean under corruption": "mean"}
    seen = 0
    for panel in chart_of(section, picture).panels:
        assert isinstance(panel, Rows)
        labels = [" ".join(row.label.split()) for row in panel.rows]
        assert labels == [f"{ARMS[a]} minus {ARMS[b]}" for a, b in ((0, 1), (0, 2), (1, 2))]
        for label, row in zip(labels, panel.rows, strict=True):
            line = full.loc[(label, names.get(panel.title, panel.title))]
            expect_number(row.dots[0][0], line)
            fills = {"significant": "full", "in all runs so far": "half", "for these weights": "half"}
            assert row.dots[0][0].fill == fills.get(line["grade"], "ring")
            seen += 1
        assert panel.axes[0].band == (-1, 1)
    assert seen >= 3


def test_classes_and_bins_are_those_of_their_tables(section: Section) -> None:
    table = lines(table_of(section, "classes-whole"), "row", "class", "quantity")["value"].sort_index()
    for panel in chart_of(section, "classes-whole").panels:
        assert isinstance(panel, Rows)
        for row in panel.rows:
            drawn = {dot.text: dot.number.estimate / 100 for dot in row.dots[0]}
            assert drawn == pytest.approx(table.loc[(panel.title, row.label)].to_dict())
    first = chart_of(section, "classes-whole").panels[0]
    assert isinstance(first, Rows)
    lost = [dots[0].number.estimate - dots[1].number.estimate for (dots,) in (row.dots for row in first.rows)]
    assert lost == sorted(lost, reverse=True)
    bins = lines(table_of(section, "reliability-whole"), "row", "condition", "quantity").sort_index()
    for panel in chart_of(section, "reliability-whole").panels:
        assert isinstance(panel, Plot)
        for curve in panel.curves:
            own = bins.loc[(curve.arm, panel.title)].groupby("quantity")["value"].apply(list)
            full = [pair for pair in zip(own["confidence"], own["accuracy"], strict=True) if pair[0] == pair[0]]
            assert [(x / 100, number.estimate / 100) for x, number in curve.points] == [pytest.approx(p) for p in full]


def test_the_size_of_a_class_is_its_share_of_the_labelled_pixels(section: Section, folder: Path) -> None:
    counts = quality_frame(folder).iloc[0]
    pixels = np.sum(counts["counts"]["labelled"], axis=0)
    shares = dict(zip(counts["class_names"], pixels / pixels.sum(), strict=True))
    for panel in chart_of(section, "classes-whole").panels:
        assert isinstance(panel, Rows)
        assert {row.label: row.size for row in panel.rows} == pytest.approx(
            {name: share / max(shares.values()) for name, share in shares.items()}
        )
        assert {row.label: row.note for row in panel.rows} == {
            name: f"{100 * share:.1f} % of the labelled pixels" for name, share in shares.items()
        }


def test_an_arm_has_one_series_in_all_figures(section: Section) -> None:
    seen = {
        (dot.arm, dot.series)
        for picture in section.pictures
        for panel in picture.chart.panels
        for dot in (
            [d for row in panel.rows for own in row.dots for d in own] if isinstance(panel, Rows) else panel.curves
        )
        if dot.series is not None
    }
    assert seen == {(arm, k) for k, arm in enumerate(ARMS)}
