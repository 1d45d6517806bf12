"""The SegFormer paper's Table 5 next to our numbers: its 16 corruptions, and the categories as a figure."""

from pathlib import Path

import pytest
from synthetic import write_synthetic
from tables import lines, readable, table_of

from robustbench_seg.charts import Rows
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.report.content import Picture, Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.studies.published import read_published

pytestmark = pytest.mark.usefixtures("few_resamples")
MODELS = ["deeplabv3plus-s0", "segformer-b0-mix-s0", "segformer-b0-learned-s0"]
CONDITIONS = {name: list(severities) for name, severities in PROTOCOLS["segformer"].items()}
# Kamann & Rother, CVPR 2020
CATEGORIES = {
    "noise": ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"],
    "blur": ["motion_blur", "defocus_blur", "glass_blur", "gaussian_blur"],
    "weather": ["snow", "spatter", "fog", "frost"],
    "digital": ["brightness", "contrast", "saturate", "jpeg_compression"],
}


def accuracy(model: str, corruption: str, severity: int, view: object) -> float:
    base = 0.8 if model.startswith("segformer") else 0.7
    return base - 0.02 * severity - 0.01 * (len(corruption) % 5)


def section_of(folder: Path, models: list[str], protocol: str = "segformer") -> Section:
    conditions = CONDITIONS if protocol == "segformer" else {"fog": [1, 3]}
    write_synthetic(folder, accuracy, models=models, conditions=conditions, protocol=protocol, images=12)
    return sections_of([folder])[0]


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory, few_resamples: None) -> Section:
    return section_of(tmp_path_factory.mktemp("table-5"), MODELS)


def picture_of(section: Section) -> list[Picture]:
    return [one for one in section.pictures if one.file == "categories-published-whole"]


def test_all_corruptions_of_table_5_are_seen_next_to_ours(section: Section) -> None:
    published = readable(table_of(section, "published-whole")).set_index("published")
    theirs = read_published("table5_cityscapes_c").set_index("method")
    for name in CONDITIONS:
        assert published[name.replace("_", " ")].astype(float).to_dict() == theirs[name].to_dict()
    notes = table_of(section, "published-whole").caption
    for words in ("pretrained on ImageNet", "built otherwise than ours", "another implementation", "sizes in pixels"):
        assert words in notes


def test_the_categories_of_the_paper_and_ours_are_drawn_next_to_each_other(section: Section) -> None:
    (picture,) = picture_of(section)
    theirs = read_published("table5_cityscapes_c").set_index("method")
    ours = lines(table_of(section, "robustness-whole"), "row", "quantity")["value"]
    expected = {
        "Paper, cityscapes val, SegFormer-B5": lambda name: theirs.loc["SegFormer-B5", name],
        "Paper, cityscapes val, DLv3+ MBv2": lambda name: theirs.loc["DLv3+ MBv2", name],
        "Ours, toy test, segformer-b0-mix": lambda name: 100 * ours["segformer-b0-mix-s0", name],
        "Ours, toy test, deeplabv3plus": lambda name: 100 * ours["deeplabv3plus-s0", name],
    }
    assert [panel.title for panel in picture.chart.panels] == ["Paper, cityscapes val", "Ours, toy test"]
    networks = list(expected)
    for panel, own in zip(picture.chart.panels, (networks[:2], networks[2:]), strict=True):
        assert isinstance(panel, Rows)
        assert [row.label for row in panel.rows] == list(CATEGORIES)
        for row in panel.rows:
            (dots,) = row.dots
            assert [dot.arm for dot in dots] == [network.rpartition(", ")[2] for network in own]
            assert [dot.number.estimate for dot in dots] == pytest.approx(
                [sum(map(expected[network], CATEGORIES[row.label])) / 4 for network in own]
            )
    assert [name for name, _ in picture.chart.legend] == [
        "SegFormer-B5; segformer-b0-mix", "DLv3+ MBv2; deeplabv3plus",
    ]  # fmt: skip


@pytest.mark.parametrize(("models", "protocol"), [(MODELS[1:], "segformer"), (MODELS, "own")])
def test_without_both_arms_or_the_papers_conditions_there_is_no_such_figure(
    tmp_path: Path, models: list[str], protocol: str
) -> None:
    assert not picture_of(section_of(tmp_path, models, protocol))
