"""The JSON document of a report, next to the files that the same report writes."""

import csv
import json
import math
from pathlib import Path
from typing import Any, NoReturn

import pytest
from program import program
from synthetic import write_synthetic

import robustbench_seg as rb
from robustbench_seg.report.content import Section
from robustbench_seg.report.document import as_json, document
from robustbench_seg.report.page import write_report
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View

pytestmark = pytest.mark.usefixtures("few_resamples")
VIEWS = [
    View(),
    View(mode="slide", crop=256, stride=192),
    View(scale=2),
    View(mode="slide", crop=256, stride=192, scale=2),
]
MODELS = ["b0-mix-s0", "b0-mix-s1", "deeplab-s0", "deeplab-s1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("store")

    def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.8 - 0.06 * severity - 0.05 * ("deeplab" in model) - 0.03 * (view.scale == 2)

    conditions = {"fog": [1, 3], "contrast": [2]}
    write_synthetic(out, accuracy, models=MODELS, conditions=conditions, views=VIEWS, skip=["*deeplab-s1*fog-3-whole"])
    return out


@pytest.fixture(scope="module")
def sections(folder: Path, few_resamples: None) -> list[Section]:
    return sections_of([folder], pictures=False)


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no strict JSON")


def read(text: str) -> Any:
    return json.loads(text, parse_constant=refuse)


def written(value: Any) -> str:
    """A value as Python's csv module reads it from the file of a table."""
    return "" if value is None else str(value)


@pytest.mark.parametrize("reference", [None, "b0-mix-s0"])
def test_the_rows_of_the_tables_are_those_of_the_csv_files_to_the_last_digit(
    folder: Path, sections: list[Section], tmp_path: Path, reference: str | None
) -> None:
    if reference:
        sections = sections_of([folder], reference=reference, pictures=False)
    write_report(sections, tmp_path)
    (section,) = read(as_json(sections))["sections"]
    names = [f"{section['suite']}-{table['name']}" for table in section["tables"]]
    assert sorted(names) == sorted(path.stem for path in tmp_path.glob("*.csv"))
    assert len(names) > 5
    for name, table in zip(names, section["tables"], strict=True):
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert [{column: written(value) for column, value in row.items()} for row in table["rows"]] == [
            {column: "" if value in ("", "nan", "inf", "-inf") else value for column, value in line.items()}
            for line in lines
        ], name
        for row, line in zip(table["rows"], lines, strict=True):
            if line["value"]:
                assert math.isclose(row["value"], float(line["value"]), rel_tol=0, abs_tol=0)


def test_the_document_is_key_sorted_and_states_all_that_the_page_does_in_words(sections: list[Section]) -> None:
    text = as_json(sections)
    assert text == json.dumps(read(text), sort_keys=True, separators=(",", ":"))
    document_read = read(text)
    assert document_read == document(sections)
    assert document_read["schema_version"] == 1
    (section,), (source,) = document_read["sections"], sections
    assert section["findings"] == list(source.sentences) != []
    assert section["alarms"] + section["warnings"] == list(source.warnings)
    assert section["limits"] == list(source.limits) != []
    assert section["missing"] == list(source.missing) == ["deeplab-s1-toy-fog-3-whole"]
    assert section["planned"] == 4 * 4 * 4
    facts = section["provenance"]
    assert [one["model"] for one in facts["weights"]] == MODELS
    assert [one["checkpoint_sha256"] for one in facts["weights"]] == [f"{sum(map(ord, m)):064x}" for m in MODELS]
    assert facts["builds"] == [{"commit": None, "python": "3", "robustbench_seg": "0"}]
    assert facts["data"] == [
        {"dataset": "toy", "engine_version": 2, "fingerprint": "f", "images": 40, "of": 40, "split": "test"}
    ]


def test_the_command_prints_the_document_and_nothing_else_and_python_makes_the_same(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = program("report", str(folder), "--json", "-q", "--reference", "b0-mix-s0", "--margin", "99")
    assert (done.returncode, done.stderr) == (0, "")
    (section,) = read(done.stdout)["sections"]
    assert any("rCD" in table["title"] for table in section["tables"])
    assert done.stdout.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    assert read(rb.read_results(folder).to_json(reference="b0-mix-s0", margin=99))["sections"] == [section]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--json", "--out", "OUT"], "--json prints and writes nothing: it goes with neither --out nor --pdf"),
        (["--json", "--pdf"], "--json prints and writes nothing: it goes with neither --out nor --pdf"),
        (["--json", "--text"], "--text and --json print the report each in its way: give one of them"),
        (["--json", "--reference", "x"], "--reference x: no such model; there are b0-mix-s0, b0-mix-s1, deeplab-s0"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(folder: Path, options: list[str], message: str) -> None:
    done = program("report", str(folder), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"robustbench-seg: {message}")
    assert done.stderr.count("\n") == 1
