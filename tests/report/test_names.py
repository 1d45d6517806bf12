"""Names in a report of several sections: of models, of suites and in `Results`; and which section comes first."""

from pathlib import Path
from typing import Any

import pytest
from synthetic import write_synthetic
from tables import table_of, values
from typer.testing import CliRunner

import robustbench_seg as rb
from robustbench_seg.cli.program import app
from robustbench_seg.errors import UsageError
from robustbench_seg.report.document import document
from robustbench_seg.report.page import write_report
from robustbench_seg.report.sections import sections_of

pytestmark = pytest.mark.usefixtures("few_resamples")
FOG, NOISE = {"fog": [3]}, {"gaussian_noise": [1, 3]}


def write(folder: Path, share: float = 0.6, **fields: Any) -> None:
    """share: the mIoU, nearly."""
    fields = {"models": ["m"], "images": 12, "conditions": FOG, **fields}
    write_synthetic(folder, lambda *_: share, **fields)


def clean(folder: Path) -> dict[str, dict[str, float]]:
    """The clean mIoU of each model by suite."""
    sections = sections_of([folder], pictures=False)
    return {own.suite: values(table_of(own, "robustness-whole"))["clean"].to_dict() for own in sections}


def test_a_name_is_of_the_same_weights_in_all_sections_and_in_results(tmp_path: Path) -> None:
    for suite, weights, share in (("one", "a", 0.8), ("one", "b", 0.3), ("two", "b", 0.3), ("two", "a", 0.8)):
        write(tmp_path, share, suite=suite, sha256=weights * 64, conditions=FOG if suite == "one" else NOISE)
    write(tmp_path, 0.3, suite="three", sha256="b" * 64, conditions={"snow": [1]})
    scores = clean(tmp_path)
    assert list(scores["one"]) == list(scores["two"]) == ["m", "m (2)"]
    assert scores["one"] == scores["two"]
    assert scores["one"]["m"] < 0.5, "of the last run of all"
    assert scores["three"] == {"m": scores["one"]["m"]}
    results = rb.read_results(tmp_path)
    for suite, own in scores.items():
        assert results.table(suite).set_index("title")["clean"].to_dict() == pytest.approx(own)
    brief = results.brief().set_index(["protocol", "model"])["clean (%)"]
    assert set(brief[brief.index.get_level_values("model") == "m"]) == {f"{100 * scores['one']['m']:.1f}"}
    assert results.frame().groupby("title")["checkpoint_sha256"].unique().map(list).to_dict() == {
        "m": ["b" * 64],
        "m (2)": ["a" * 64],
    }


def test_earlier_weights_alone_in_a_section_have_their_number_and_a_line(tmp_path: Path) -> None:
    write(tmp_path, 0.8, suite="one", sha256="a" * 64)
    write(tmp_path, 0.3, suite="two", sha256="b" * 64, conditions=NOISE)
    two, one = sections_of([tmp_path], pictures=False)
    assert (one.models, two.models) == (("m (2)",), ("m",))
    line = "m (2) has other weights or code than m, whose name it has, in another section."
    assert line in one.limits
    assert line not in two.limits
    assert [weights["model"] for weights in one.facts["weights"]] == ["m (2)"]


def test_suites_of_one_name_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    plans = [("drawn", FOG), ("other", FOG), ("drawn", NOISE), ("drawn", {"fog": [1], "snow": [1]})]
    for protocol, conditions in plans:
        write(tmp_path, suite="mine", protocol=protocol, conditions=conditions)
    write(tmp_path, suite="alone")
    sections = sections_of([tmp_path])
    names = [section.label for section in sections]
    assert names == [
        "alone", "mine (protocol drawn, 1 corruption, 1 condition)", "mine (protocol other)",
        "mine (protocol drawn, 1 corruption, 2 conditions)", "mine (protocol drawn, 2 corruptions)",
    ]  # fmt: skip
    assert [section["name"] for section in document(sections)["sections"]] == names
    page = write_report(sections, tmp_path / "report").read_text(encoding="utf-8")
    for k, name in enumerate(names, start=1):
        assert f'<li><a href="#s{k}">{name}</a></li>' in page
        assert f"## {name}\n" in (tmp_path / "report/report.md").read_text(encoding="utf-8")
    results = rb.read_results(tmp_path)
    assert "snow" in results.table("mine (protocol drawn, 2 corruptions)")
    assert "gaussian_noise" in results.table("mine (protocol drawn, 1 corruption, 2 conditions)")
    assert len(results.table("alone"))
    with pytest.raises(UsageError, match=r"alone \(protocol drawn\).* name one of them, suite=\.\.\., got 'mine'"):
        results.table("mine")
    brief = results.brief()
    assert not brief[["model", "view", "protocol"]].duplicated().any()
    assert "drawn (suite alone)" in set(brief["protocol"])


def test_suites_of_as_many_conditions_are_told_apart_by_these(tmp_path: Path) -> None:
    for severity in (1, 5):
        write(tmp_path, conditions={"snow": [2], "fog": [severity]})
    names = [section.label for section in sections_of([tmp_path], pictures=False)]
    assert names == ["synthetic (fog 5)", "synthetic (fog 1)"]


def test_the_suite_of_the_last_run_comes_first_in_a_report_of_one_folder(tmp_path: Path) -> None:
    for suite, conditions in (("one", FOG), ("two", NOISE), ("three", {"snow": [1]}), ("two", NOISE)):
        write(tmp_path, suite=suite, conditions=conditions)
    assert [section.suite for section in sections_of([tmp_path], pictures=False)] == ["two", "one", "three"]
    write(tmp_path / "other", suite="last", conditions={"frost": [1]})
    suites = [section.suite for section in sections_of([tmp_path, tmp_path / "other"], pictures=False)]
    assert suites[-1] == "last", "of several folders, their order counts"


def test_rows_of_two_precisions_are_told_apart_in_brief(tmp_path: Path) -> None:
    for precision in ("fp32", "bf16"):
        write(tmp_path, precision=precision, models=["m", "n"])
    brief = rb.read_results(tmp_path).brief()
    assert sorted(zip(brief["model"], brief["view"], strict=True)) == [
        ("m", "whole (bf16)"), ("m", "whole (fp32)"), ("n", "whole (bf16)"), ("n", "whole (fp32)"),
    ]  # fmt: skip
    write(tmp_path / "one")
    assert list(rb.read_results(tmp_path / "one").brief()["view"]) == ["whole"]


def test_in_the_terminal_the_tables_of_several_suites_stand_under_their_names(tmp_path: Path) -> None:
    for suite, conditions in (("one", FOG), ("two", NOISE)):
        write(tmp_path / suite, suite=suite, conditions=conditions)
    outputs = [
        CliRunner().invoke(app, ["report", *map(str, folders), "--text"], env={"COLUMNS": "250"}).output.splitlines()
        for folders in ([tmp_path / "one", tmp_path / "two"], [tmp_path / "one"])
    ]
    places = [outputs[0].index(suite) for suite in ("one", "two")]
    assert places[0] == 0
    assert [line for line in outputs[0][1 : places[1]] if "fog" in line]
    assert [line for line in outputs[0][places[1] :] if "gaussian noise" in line]
    assert not [line for line in outputs[0][places[1] :] if "fog" in line]
    assert outputs[1] == outputs[0][1 : places[1]], "a suite alone needs no name"
