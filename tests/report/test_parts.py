"""Parts of a section: one heading each; a part of a user's own is registered and stands on the page."""

from pathlib import Path

import pytest
from synthetic import write_synthetic
from tables import lines, readable, table_of

from robustbench_seg.charts import forest
from robustbench_seg.report.content import Content
from robustbench_seg.report.page import write_report
from robustbench_seg.report.panel import Panel
from robustbench_seg.report.parts import PARTS, Part
from robustbench_seg.report.sections import sections_of
from robustbench_seg.report.table import Column
from robustbench_seg.report.units import POINTS
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame

pytestmark = pytest.mark.usefixtures("few_resamples")
MODELS = ["a-s0", "a-s1", "b"]


def make(panel: Panel) -> Content:
    """What corruption costs, view by view."""

    def table(view: Panel) -> Content:
        def gap(title: str) -> dict[str, object]:
            scores = view.scores(title)
            return {"gap": scores["clean"] - scores["mean"]}

        columns = [Column(name="gap", label="clean minus mean", unit=POINTS, best="low")]
        costs = view.table(gap, columns, "gap", "What corruption costs", caption="Points of mIoU.")
        return Content.of(costs, "It costs something.")

    return sum(map(table, panel.views), Content())


def of(model: str, corruption: str, severity: int, view: View) -> float:
    return {"a": 0.8, "b": 0.7}[model[0]] - 0.1 * severity * (model[0] == "a")


def test_a_part_of_a_users_own_is_a_heading_with_tables_csv_and_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_synthetic(tmp_path, of, models=MODELS, conditions={"fog": [1, 3]}, images=12)
    monkeypatch.setitem(PARTS, "gap", Part(heading="Costs", make=make))
    (section,) = sections_of([tmp_path], pictures=False)
    table = table_of(section, "gap-whole")
    assert table.group == "Costs"
    assert list(dict.fromkeys(one.group for one in section.tables))[-1] == "Costs", "after the parts that ship"
    miou = quality_frame(tmp_path).set_index(["model", "corruption", "severity"])["miou"]
    gaps = {m: miou[m, "clean", 0] - (miou[m, "fog", 1] + miou[m, "fog", 3]) / 2 for m in MODELS}
    csv = lines(table, "row")
    assert csv["value"].to_dict() == pytest.approx({**gaps, "a (mean of 2)": (gaps["a-s0"] + gaps["a-s1"]) / 2})
    assert (csv["low"] < csv["value"]).all()
    assert readable(table)["clean minus mean"][3] == f"{100 * gaps['b']:+.1f}"
    assert section.sentences[-1] == "It costs something."
    assert len(section.sentences) == 3, "what it states takes no more than one place"
    write_report([section], tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert ">Costs</h3>" in page
    assert (tmp_path / "report" / "synthetic-gap-whole.csv").is_file()


def test_a_part_of_views_makes_the_content_of_each_and_what_is_empty_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [View(), View(scale=2.0)]
    write_synthetic(tmp_path, of, models=MODELS, conditions={"fog": [1]}, images=12, views=views)

    def costs(view: Panel) -> Content:
        column = Column(name="lost", label="lost", unit=POINTS)
        full = view.table(
            lambda title: {"lost": view.scores(title)["drop"]}, [column], "lost", "Lost", caption="Points."
        )
        empty = view.of_rows([column], [], "nothing", "Nothing", caption="Nothing.")
        return Content.of(empty, full, None, view.picture("none", "None", "nothing", forest({}, "points")), "It costs.")

    monkeypatch.setitem(PARTS, "costs", Part(heading="Costs", make=costs, of=Panel.corrupted_views))
    (section,) = sections_of([tmp_path])
    assert [one.file for one in section.tables if one.group == "Costs"] == ["lost-whole", "lost-whole-x2"]
    assert not [one for one in section.pictures if one.group == "Costs"]
    (section,) = sections_of([tmp_path], pictures=False)
    assert section.pictures == ()
    assert [one.file for one in section.tables if one.group == "Costs"] == ["lost-whole", "lost-whole-x2"]


def test_the_parts_that_ship_are_there_in_the_order_of_the_page() -> None:
    names = ["clean", "corruption", "resolution", "classes", "calibration", "speed", "gallery"]
    assert [name for name in PARTS if name in names] == names
