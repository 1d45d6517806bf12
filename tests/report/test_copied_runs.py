"""The same weights under two names are one training run, in every table and sentence of a report."""

import pytest
from synthetic import write_synthetic
from tables import readable

from robustbench_seg.report.content import Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View

pytestmark = pytest.mark.usefixtures("few_resamples")
CONDITIONS = {"fog": [1, 3]}
RUNS = ["aa-s0", "aa-s1", "bb-s0", "bb-s1"]
LEVELS = {"aa-s0": 0.7, "aa-s1": 0.6, "aa-s2": 0.7, "bb-s0": 0.64, "bb-s1": 0.66}


def of(model: str, corruption: str, severity: int, view: View) -> float:
    return LEVELS[model] - 0.02 * severity


def sha256_of(model: str) -> str:
    return f"{RUNS.index(model) + 1:064x}"


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> tuple[Section, Section]:
    """Reports without and with a copy of aa-s0, under the name of a third run of its arm."""
    made = []
    for name in ("alone", "copied"):
        folder = tmp_path_factory.mktemp(name)
        for model in RUNS:
            write_synthetic(folder, of, models=[model], conditions=CONDITIONS, sha256=sha256_of(model))
        if name == "copied":
            write_synthetic(folder, of, models=["aa-s2"], conditions=CONDITIONS, sha256=sha256_of("aa-s0"))
        made += sections_of([folder], pictures=False)
    alone, copied = made
    return alone, copied


def test_tables_of_arms_are_those_without_the_copy(sections: tuple[Section, Section]) -> None:
    alone, copied = ({table.file: readable(table) for table in section.tables} for section in sections)
    files = [file for file in alone if file.startswith(("classes", "worst", "reliability"))]
    assert len(files) >= 3
    for file in files:
        rows = [own[(own[["run"]] != "s2").all(axis=1)] if "run" in own else own for own in (copied[file], alone[file])]
        assert rows[0].reset_index(drop=True).equals(rows[1].reset_index(drop=True)), file


def test_limits_name_the_copies_alone_and_count_runs_without_them(sections: tuple[Section, Section]) -> None:
    alone, copied = (section.limits for section in sections)
    (line,) = (text for text in copied if "the same weights" in text)
    assert line == "aa-s0 and aa-s2 have the same weights: they are one training run, not several."
    assert [text for text in copied if text != line] == list(alone)
    assert any("an arm has at most 2 runs." in text for text in copied)
