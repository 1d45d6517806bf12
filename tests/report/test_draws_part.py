"""The table of draws of the corruptions, on stores whose scores are known."""

from pathlib import Path

import pytest
from synthetic import write_synthetic
from tables import readable

from robustbench_seg.report.sections import sections_of

pytestmark = pytest.mark.usefixtures("few_resamples")


def test_a_model_without_the_first_draw_is_next_to_others_in_a_later_one(tmp_path: Path) -> None:
    for draw, left_out in ((1, []), (2, []), (0, ["b-*"])):
        write_synthetic(tmp_path, lambda *_: 0.5, models=["a", "b"], conditions={"fog": [1]}, draw=draw, skip=left_out)
    sections = sections_of([tmp_path], pictures=False)
    tables = [readable(table) for section in sections for table in section.tables if table.title.startswith("Mean and")]
    assert [list(zip(table["model"], table["draws"], strict=True)) for table in tables] == [[("a", "3"), ("b", "2")]], (
        "each model once"
    )
    heads = [list(table) for table in tables]
    assert all(len(set(own)) == len(own) for own in heads), "no two columns have one head"


def test_a_model_that_deserves_no_trust_in_a_later_draw_alone_is_marked_here(tmp_path: Path) -> None:
    def write(draw: int, accuracy: float) -> None:
        scores = {"a": accuracy, "b": 0.8}
        write_synthetic(
            tmp_path, lambda model, *_: scores[model], models=["a", "b"], conditions={"fog": [1]}, draw=draw
        )

    write(1, 0.02)
    write(0, 0.8)
    (section,) = sections_of([tmp_path], pictures=False)
    (draws,) = [table for table in section.tables if table.title.startswith("Mean and")]
    assert [row.cells[0].text for row in draws.rows] == ["a ⚠", "b"]
    assert [row.where["row"] for row in draws.rows] == ["a", "b"], "its name in the CSV"
    assert "no better than naming one class" in draws.note
    assert "seeds 0, 1;" in draws.legend
    assert draws.legend.count("seed 0") == 1, "of the other tables; its setting has no seed"
