"""Reports of stores with re-estimated statistics: what is computed, and that every number of them is flagged."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import random_counts, write_cell
from rich.console import Console
from tables import lines, readable

from robustbench_seg.report.content import Section
from robustbench_seg.report.csv import csv
from robustbench_seg.report.html import render_html
from robustbench_seg.report.latex import latex
from robustbench_seg.report.markdown import markdown
from robustbench_seg.report.sections import sections_of
from robustbench_seg.report.terminal import show_tables
from robustbench_seg.store.file import read_cell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Comparison, Plan, PlannedCell
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame

pytestmark = pytest.mark.usefixtures("few_resamples")
STORED, REESTIMATED = View(mode="pad-32"), View(mode="pad-32", batchnorm=5)
CONDITIONS = {"gaussian_noise": (1, 2), "fog": (3,)}
MEANING = "the model has seen test images, so its numbers are a diagnosis and no fair score"


def write_store(
    folder: Path, views: tuple[View, ...] = (STORED, REESTIMATED), primary: tuple[Comparison, ...] = ()
) -> Path:
    """Two arms with two seeds each; all cells differ in counts."""
    rng, ids = np.random.default_rng(0), [f"i{k}" for k in range(12)]
    cells = []
    conditions = [("clean", 0), *((name, severity) for name, some in CONDITIONS.items() for severity in some)]
    for number, model in enumerate(("a-s0", "a-s1", "b-s0", "b-s1")):
        for view in views:
            for condition in conditions:
                counts = random_counts(rng, 12, 4)
                path = write_cell(folder, counts, ids, condition, view, model=model, checkpoint_sha256=str(number) * 64)
                record = read_cell(path).record
                cells.append(PlannedCell(kind="quality", slug=record.cell.slug, key=record.key))
    Store(folder).write_plan(
        Plan(
            suite="s", description="", protocol="own", conditions=tuple(CONDITIONS.items()), precision="fp32",
            images=12, gallery=(), views=tuple(map(str, views)), cells=tuple(cells), primary=primary,
        )
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory, few_resamples: None) -> Section:
    (section,) = sections_of([write_store(tmp_path_factory.mktemp("store"))])
    return section


def test_the_table_has_both_views_and_the_gain_of_each_model(section: Section, tmp_path: Path) -> None:
    frame = quality_frame(write_store(tmp_path))
    (table,) = (one for one in section.tables if one.file == f"batchnorm-{REESTIMATED}")
    assert list(readable(table).columns) == [
        "model",
        "run",
        "corruption",
        str(STORED),
        str(REESTIMATED),
        "gain (points)",
    ]
    for model in ("a-s0", "b-s1"):
        means = {}
        for name, view in (("stored", STORED), ("reestimated", REESTIMATED)):
            own = frame[(frame["model"] == model) & (frame["view"] == str(view))]
            by_corruption = own.groupby("corruption")["miou"].mean().to_dict()
            means[name] = by_corruption | {"mean": (by_corruption["fog"] + by_corruption["gaussian_noise"]) / 2}
        means["gain"] = {name: means["reestimated"][name] - means["stored"][name] for name in means["stored"]}
        for quantity, expected in means.items():
            got = lines(table, "corruption", row=model, quantity=quantity)
            assert set(got["view"]) == {str(STORED if quantity == "stored" else REESTIMATED)}
            assert got["value"].to_dict() == pytest.approx(expected, abs=1e-12)


def test_no_column_has_numbers_of_stored_and_of_reestimated_statistics(section: Section) -> None:
    assert len(section.tables) > 8
    for table in section.tables:
        for k, column in enumerate(table.columns):
            if column.name:
                views = {{**table.where, **row.where, **column.where}.get("view") for row in table.rows}
                assert len(views) == 1, (table.file, k)


def transductive(text: str) -> bool:
    return "transductive" in text


def test_every_table_with_such_numbers_is_flagged_in_every_form(section: Section) -> None:
    flagged = 0
    for table in section.tables:
        frame = pd.read_csv(io.StringIO(csv(table)))
        of_view = frame["view"].astype(str).str.contains("bn5")
        assert (frame["view"].astype(str).str.contains("transductive") == of_view).all()
        if not (of_view.any() or "bn5" in table.title):
            continue
        flagged += 1
        output = io.StringIO()
        show_tables(Console(file=output, width=60), [replace(section, tables=(replace(table, main=True),))])
        page = f"### {table.title}\n\n{table.legend}\n\n{markdown(table)}"
        for text in (page, latex(table, "x"), re.sub(r"[\s│┃]+", "", output.getvalue())):
            assert transductive(text), table.file
        assert MEANING in table.legend, table.file
    assert flagged >= 6
    usual = [table for table in section.tables if table.title.endswith(f"view {STORED}")]
    assert usual
    assert not any(transductive(latex(table, "x")) for table in usual)


def test_the_page_says_what_it_means(section: Section) -> None:
    sentence = (
        f"View {REESTIMATED}: before each condition, the statistics of every BatchNorm are re-estimated on 5 of its "
        f"test images, without labels; {MEANING}."
    )
    assert section.limits.count(sentence) == 1
    page = render_html("t", [section])
    assert sentence in page
    for picture in section.pictures:
        assert "bn5" not in picture.title or transductive(picture.title + picture.caption)
    (gain,) = (text for text in section.sentences if "fair score" in text)
    assert gain.startswith("Transductive, a diagnosis and no fair score: ")
    assert "a (mean of 2)" in gain
    assert "a minus b is" in gain


def test_without_the_stored_statistics_there_is_nothing_to_compare(tmp_path: Path) -> None:
    (section,) = sections_of([write_store(tmp_path, (REESTIMATED,))], pictures=False)
    assert not [table for table in section.tables if table.file.startswith("batchnorm")]
    assert section.sentences
    assert all(sentence.startswith("Transductive: ") for sentence in section.sentences)


@pytest.mark.parametrize("view", ["", str(STORED)])
def test_a_difference_in_the_gain_is_not_the_primary_comparison_of_the_mean(tmp_path: Path, view: str) -> None:
    named = tuple(Comparison(arms=("a", "b"), quantity=name, view=view) for name in ("mean", "clean"))
    (section,) = sections_of([write_store(tmp_path, primary=named)], pictures=False)
    by_file = {table.file: lines(table) for table in section.tables if "differences" in table.file}
    gain = by_file[f"batchnorm-differences-{REESTIMATED}"]
    assert set(gain["quantity"]) == {"mean", "clean"}
    assert set(gain["comparison"]) == {"exploratory"}
    main = next(table for file, table in by_file.items() if file.startswith("differences-pad-32") and "bn" not in file)
    assert set(main.loc[main["quantity"].isin(["mean", "clean"]), "comparison"]) == {"primary"}


def test_a_comparison_without_a_view_is_of_the_stored_statistics_whichever_view_comes_first(tmp_path: Path) -> None:
    """As after a second run that only re-estimates statistics: its view comes first, and is a diagnosis."""
    named = (Comparison(arms=("a", "b"), quantity="mean"),)
    (section,) = sections_of([write_store(tmp_path, (REESTIMATED, STORED), primary=named)], pictures=False)
    assert section.views[0] == str(STORED)
    tables = [lines(table, quantity="mean") for table in section.tables if table.file.startswith("differences-pad-32")]
    status = {row.view: row.comparison for table in tables for row in table.itertuples()}
    assert status == {str(STORED): "primary", str(REESTIMATED): "exploratory"}
    assert section.finding is not None
    assert section.finding.primary
