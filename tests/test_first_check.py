"""The first check of docs/reproduce.md: its numbers are of the committed stores, and near to the published ones."""

import re
from pathlib import Path

import pytest

from robustbench_seg.studies.frame import quality_frame

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reproduce.md").read_text(encoding="utf-8")
ROW = (
    r"^\| {network}, `(?P<file>[^`]+)\.pth` \| (?P<published>[\d.]+) \| .* "
    r"\| (?P<here>[\d.]+) \| ±(?P<within>[\d.]+) \|$"
)


@pytest.mark.parametrize(("network", "void", "published"), [("ESPNet", "counted", 55.64), ("CGNet", "ignored", 65.6)])
def test_the_page_states_the_miou_of_the_committed_store(network: str, void: str, published: float) -> None:
    row = re.search(ROW.format(network=network), PAGE, flags=re.MULTILINE)
    assert row is not None
    store = ROOT / "reports/first-check" / network.lower()
    (cell,) = quality_frame(store).to_dict("records")
    assert (cell["model"], cell["void"], cell["corruption"]) == (row["file"], void, "clean")
    assert (cell["dataset"], cell["split"], cell["images"], cell["of"]) == ("camvid", "test", 233, 233)
    assert row["here"] == f"{100 * cell['miou']:.2f}"
    assert float(row["published"]) == published
    assert abs(100 * cell["miou"] - published) <= float(row["within"])


def test_it_is_the_first_section_of_the_page() -> None:
    assert re.search("^## (.*)$", PAGE, flags=re.MULTILINE)[1] == "First check: two published numbers"  # type: ignore[index]
