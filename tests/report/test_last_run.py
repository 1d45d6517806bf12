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
from robustbench_seg.report.table import Table
from robustbench_seg.report.terminal import show_tables
from robustbench_seg.studies.selection import Selection
from robustbench_seg.studies.sources import sources_of

pytestmark = pytest.mark.usefixtures("few_resamples")
CONDITIONS = {"gaussian_noise": [1, 3]}  # drawn, so that a seed decides it


def write(folder: Path, share: float, **fields: Any) -> None:
    """share: the mIoU, nearly."""
    fields = {"models": ["a"], "images": 12, **fields}
    write_synthetic(folder, lambda *_: share, conditions=CONDITIONS, **fields)


def leading(section: Section) -> Table:
    return next(table for table in section.tables if table.file.startswith("robustness-"))


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
        scores = values(leading(section)).loc["a"]
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


def test_a_pair_that_shares_an_older_draw_is_still_compared_in_it(tmp_path: Path) -> None:
    write(tmp_path, 0.8, models=["a", "b"], images=20)
    write(tmp_path, 0.5, models=["a"], images=20, draw=1)
    (section,) = sections_of([tmp_path], pictures=False)
    assert list(values(leading(section)).index) == ["a"], "the last run leads"
    differences = {table.file for table in section.tables if table.file.startswith("differences")}
    assert differences, "both have the draw before"


def test_versions_without_the_leading_one_are_not_said_to_have_it(tmp_path: Path) -> None:
    for fingerprint in ("0" * 32, "1" * 32):
        write(tmp_path, 0.8, fingerprint=fingerprint)
    write(tmp_path, 0.8, fingerprint="2" * 32, images=20)
    (alarm,) = sections_of([tmp_path], pictures=False)[0].alarms
    assert alarm.endswith("their numbers do not compare.")


def test_an_arm_with_a_missing_cell_has_no_rank_as_on_a_leaderboard(tmp_path: Path) -> None:
    write(tmp_path, 0.5, models=["a", "b", "c"], images=20, skip=["a-*clean*"])
    (section,) = sections_of([tmp_path], pictures=False)
    (setting,) = Selection.all_of(*sources_of([tmp_path], None, pictures=False))
    assert setting.views[0].ranks().keys() == {"b", "c"}
    assert "a has" not in section.sentences[0]


def test_of_one_name_the_last_run_has_no_number_and_older_ones_have(tmp_path: Path) -> None:
    scores: dict[str, float] = {}
    for sha256, share in (("a", 0.8), ("b", 0.3), ("c", 0.6), ("b", 0.3)):
        write(tmp_path, share, models=["net", "other"], sha256=sha256 * 64)
        (section,) = sections_of([tmp_path], pictures=False)
        clean = values(table_of(section, "robustness-whole"))["clean"]
        assert clean["net"] == scores.setdefault(sha256, clean["net"])
        assert f"net {sha256 * 12}" in table_of(section, "robustness-whole").about
    assert scores["b"] < scores["c"] < scores["a"]
    assert list(clean.index[:4]) == ["net", "net (2)", "net (3)", "other"]
    assert (
        "net, net (2) and net (3) have one name, and other weights or code; in a report of one folder, the last "
        in (" ".join(section.limits))
    )


def test_equal_counts_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for sha256 in "ab":
        write(tmp_path, 0.8, sha256=sha256 * 64)
    alarms = sections_of([tmp_path], pictures=False)[0].alarms
    assert any(line.startswith("⚠ a and a (2) have equal counts") for line in alarms)


def test_tables_and_figures_of_one_view_state_in_what_their_cells_differ(tmp_path: Path) -> None:
    """So that no two look alike, whichever of them was measured last."""
    write(tmp_path, 0.8, precision="fp32")
    write(tmp_path, 0.8, precision="bf16", images=16, fingerprint="1" * 32)
    write(tmp_path, 0.8, precision="bf16", draw=7)
    write(tmp_path / "alone", 0.8)
    (section,), (alone,) = (sections_of([folder]) for folder in (tmp_path, tmp_path / "alone"))
    files = [table.file for table in section.tables if table.file.startswith("robustness-")]
    assert sorted(files) == [
        "robustness-whole-bf16-12-of-12-images", "robustness-whole-bf16-16-of-16-images", "robustness-whole-fp32",
    ]  # fmt: skip
    assert "mIoU under corruption, view whole (fp32)" in {table.title for table in section.tables}
    assert leading(section).title == "mIoU under corruption, view whole (bf16, 12 of 12 images)"
    assert leading(alone).title == "mIoU under corruption, view whole", "nothing is to be told apart"
    for items in (section.tables, section.pictures):
        assert len({item.title for item in items if item.view}) == len([item for item in items if item.view])
