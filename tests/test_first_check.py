"""The first check of docs/reproduce.md: its numbers are of the committed stores, and near to the published ones."""

import csv
import re
from pathlib import Path

import pytest

from robustbench_seg.studies.findings import released_finding
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.published.released import RELEASED

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


@pytest.mark.parametrize(
    ("network", "title"),
    [
        ("espnet", "the README of sacmehta/ESPNet states: 55.65 against 55.64 %, +0.01 points (allowed ±0.05)"),
        ("cgnet", "its paper (arXiv 1811.08201) states: 65.54 against 65.6 %, -0.06 points (allowed ±0.3)"),
    ],
)
def test_the_finding_of_a_store_is_whether_the_published_number_is_met(network: str, title: str) -> None:
    cells = quality_frame(ROOT / "reports/first-check" / network)
    found = released_finding(cells)
    assert found is not None
    assert found.title == f"{cells['model'].iloc[0]} meets the mIoU that {title}"
    lower = released_finding(cells.assign(miou=cells["miou"] - 0.01))
    assert lower is not None
    assert " misses the mIoU that " in lower.title
    assert f": {100 * cells['miou'].iloc[0] - 1:.2f} against " in lower.title
    for other in ({"void": "other"}, {"dataset": "streets"}, {"images": 100}, {"view": "pad-32"}):
        assert released_finding(cells.assign(**other)) is None, "of another setting"
    for other in ({"parameters": 1}, {"about": "a network of mine, under the name of another's"}):
        assert released_finding(cells.assign(**other)) is None, "of another network"


def test_weights_trained_further_under_the_released_name_have_no_published_number() -> None:
    cells = quality_frame(ROOT / "reports/zoo-camvid-c-own")
    assert released_finding(cells) is not None, "the description has the hash of the authors' file"
    sha256 = RELEASED["cgnet_m3n21_camvid_trainval"].sha256
    other = [text.replace(sha256, "0" * 64) for text in cells["about"]]
    assert released_finding(cells.assign(about=other, checkpoint_sha256="1" * 32)) is None
    assert released_finding(cells.assign(about=other, checkpoint_sha256=sha256)) is not None, "the file's hash alone"


def test_the_hashes_of_released_weights_are_those_of_the_zoo() -> None:
    with (ROOT / "examples/zoo/weights.csv").open(encoding="utf-8", newline="") as file:
        hashes = {row["file"]: row["sha256"] for row in csv.DictReader(file)}
    assert {name: hashes[f"{name}.pth"] for name in RELEASED} == {name: one.sha256 for name, one in RELEASED.items()}


def test_the_pages_table_and_the_released_numbers_agree() -> None:
    for name, released in RELEASED.items():
        row = re.search(rf"^\| \w+, `{name}\.pth` \| (\S+) \| .* \| ±(\S+) \|$", PAGE, flags=re.MULTILINE)
        assert row is not None
        assert (released.miou, str(released.within)) == row.groups()


def test_it_is_the_first_section_of_the_page() -> None:
    assert re.search("^## (.*)$", PAGE, flags=re.MULTILINE)[1] == "First check: two published numbers"  # type: ignore[index]
