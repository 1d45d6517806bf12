"""What leads a report of a folder in which runs of one suite had other data, seeds or precisions: the last run."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from synthetic import write_synthetic
from tables import table_of, values

from robustbench_seg.report.content import Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.report.terminal import show_tables

pytestmark = pytest.mark.usefixtures("few_resamples")
CONDITIONS = {"gaussian_noise": [1, 3]}  # drawn, so that a seed decides it


def write(folder: Path, share: float, **fields: Any) -> None:
    """share: the mIoU, nearly."""
    fields = {"models": ["a"], "images": 12, **fields}
    write_synthetic(folder, lambda *_: share, conditions=CONDITIONS, **fields)


def printed(section: Section) -> str:
    output = io.StringIO()
    show_tables(Console(file=output, width=300), [section])
    return output.getvalue()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"fingerprint": "0" * 32}, {"fingerprint": "1" * 32}),
        ({"draw": 0}, {"draw": 7}),
        ({"precision": "fp32"}, {"precision": "bf16"}),
        ({"models": ["a", "b"], "images": 20}, {"fingerprint": "1" * 32}),
    ],
    ids=["data", "seed", "precision", "fewer images and models"],
)
def test_the_numbers_of_the_last_run_lead_whatever_the_folder_holds(
    tmp_path: Path, older: dict[str, Any], newer: dict[str, Any]
) -> None:
    for share, fields in ((0.8, older), (0.5, newer), (0.8, older), (0.5, newer)):
        write(tmp_path, share, **fields)
        (section,) = sections_of([tmp_path], pictures=False)
        scores = values(table_of(section, "robustness-whole")).loc["a"]
        assert (scores["clean"] > 0.5) == (share > 0.5)
        clean, mean = f"{100 * scores['clean']:.1f}", f"{100 * scores['mean']:.1f}"
        assert f"a has {mean} % mIoU of {clean} % clean" in section.sentences[0]
        row = next(line for line in printed(section).splitlines() if "│ a" in line)
        assert clean in row


def test_a_run_of_fewer_models_leads_with_the_order_of_all(tmp_path: Path) -> None:
    write(tmp_path, 0.5, models=["b", "a"])
    write(tmp_path, 0.5, models=["a"])
    (section,) = sections_of([tmp_path], pictures=False)
    assert list(values(table_of(section, "robustness-whole")).index) == ["b", "a"]


def test_versions_of_the_data_under_one_name_are_a_warning_before_any_number(tmp_path: Path) -> None:
    write(tmp_path, 0.8, fingerprint="0" * 32)
    (section,) = sections_of([tmp_path], pictures=False)
    assert section.alarms == ()
    write(tmp_path, 0.8, fingerprint="0" * 31 + "2", images=6)
    (section,) = sections_of([tmp_path], pictures=False)
    assert section.alarms == (), "other images of one version"
    write(tmp_path, 0.5, fingerprint="1" * 32)
    (section,) = sections_of([tmp_path], pictures=False)
    assert section.alarms == (
        "⚠ toy test: 2 versions of these data have results here, with the fingerprints 111111111111 and 000000000000: "
        "their numbers do not compare; the title and its sentences are of 111111111111.",
    )
    assert section.alarms[0] in section.warnings
