"""docs/reproduce.md quotes the published tables, and its commands name what there is."""

import re
from pathlib import Path

from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.studies.published import read_published
from robustbench_seg.suites import read_suite

PAGE = (Path(__file__).parents[1] / "docs" / "reproduce.md").read_text(encoding="utf-8")


def expected_rows() -> list[str]:
    """The table of the page as the published files have it; a dash where a source has no such corruption."""
    paper = read_published("table5_cityscapes_c").set_index("method").loc["SegFormer-B5"]
    other = read_published("semsegbench_sev3").set_index("model").loc["SegFormer-B5"]
    rows = []
    for name in PROTOCOLS["segformer"]:
        text = name.replace("_", " ")
        if name in other:
            rows.append(f"| {text} | {paper[name]:.1f} | {other[name]:.1f} | {other[name] - paper[name]:+.1f} |")
        else:
            rows.append(f"| {text} | {paper[name]:.1f} | – | – |")
    return rows


def test_the_expected_numbers_equal_the_published_tables() -> None:
    block = PAGE.partition("<!-- expected: ")[2].partition("<!-- end -->")[0]
    assert block.strip().splitlines()[3:] == expected_rows()


def test_the_clean_scores_to_expect_are_the_papers() -> None:
    assert f"| B5 | `slide-1024-768` | {read_published('table5_cityscapes_c')['clean'].iloc[-1]} | ±0.2 |" in PAGE
    table_2 = read_published("table2_main").set_index(["method", "encoder"])
    assert f"| B0 | `slide-1024-768` | {table_2.loc[('SegFormer@1024', 'B0'), 'cityscapes_miou']} | ±0.2 |" in PAGE


def test_the_commands_name_suites_that_ship_with_the_paper_s_windows() -> None:
    for name in re.findall(r"robustbench-seg run (\S+)", PAGE):
        read_suite(name)
    paper, clean, whole = map(read_suite, ("cityscapes-c-paper", "cityscapes-clean", "cityscapes-c"))
    assert [str(view) for view in paper.views] == ["slide-1024-768"]
    assert paper.conditions == whole.conditions
    assert {*paper.views, *whole.views} == {*clean.views}
    assert clean.conditions == {}
