"""What a report leaves unsaid: the best of one corruption, a table of other networks, parameters of 0.0 million."""

from pathlib import Path

import pytest
from synthetic import write_synthetic
from tables import readable, table_of

from robustbench_seg.leaderboard.board import boards_of
from robustbench_seg.leaderboard.site import write_site
from robustbench_seg.report.content import Section
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.view import View
from robustbench_seg.studies.arms import is_of_table_1c

pytestmark = pytest.mark.usefixtures("few_resamples")
VIEWS = [View(mode="slide", crop=256, stride=192), View()]


def section_of(folder: Path, models: list[str], conditions: dict[str, list[int]], **fields: object) -> Section:
    write_synthetic(folder, lambda *_: 0.6, models=models, conditions=conditions, images=12, **fields)
    return sections_of([folder])[0]


def test_one_corruption_is_neither_the_worst_nor_the_best(tmp_path: Path) -> None:
    one = section_of(tmp_path / "one", ["m"], {"gaussian_noise": [1, 3]})
    two = section_of(tmp_path / "two", ["m"], {"gaussian_noise": [1, 3], "fog": [3]})
    assert not any(line.startswith("Worst is") for line in one.sentences)
    assert any(line.startswith("Worst is") for line in two.sentences)
    assert one.finding is not None
    assert two.finding is not None
    assert one.finding.title.endswith(" % of its clean mIoU under gaussian noise")
    assert "; its mIoU is lowest under " in two.finding.title


@pytest.mark.parametrize(
    ("models", "shown"),
    [
        (["unet-r18", "deeplabv3plus-s0"], False),
        (["deeplabv3plus-s0", "segformer-b0"], True),
        (["b0-learned-s0", "b0-mix-s0"], True),
    ],
)
def test_table_1c_is_shown_next_to_networks_that_it_is_of(tmp_path: Path, models: list[str], *, shown: bool) -> None:
    section = section_of(tmp_path, models, {}, views=VIEWS)
    assert any(table.file == "resolution-published" for table in section.tables) == shown
    (picture,) = (one for one in section.pictures if one.file == "resolution-extent")
    assert ("Table 1c" in picture.caption) == shown
    assert len(picture.chart.panels) == 1 + shown


def test_a_network_is_of_table_1c_by_a_word_of_its_name() -> None:
    ours = ["segformer-b0", "SegFormer_B2", "nvidia/segformer-b0", "arm-mix", "mix"]
    assert all(map(is_of_table_1c, ours))
    assert not any(map(is_of_table_1c, ["unet-mixed", "deeplab", "mixup-net", "unlearned"]))


def test_few_parameters_have_two_significant_digits(tmp_path: Path) -> None:
    numbers = {"small": 34_567, "smaller": 950, "large": 3_714_000}
    section = section_of(tmp_path, list(numbers), {"fog": [3]}, parameters=numbers)
    shown = readable(table_of(section, "robustness-whole")).set_index("model")["params (M)"].to_dict()
    assert shown == {"small": "0.035", "smaller": "0.00095", "large": "3.7"}
    boards = boards_of([tmp_path])
    write_site(boards, tmp_path / "site")
    page = (tmp_path / "site" / f"{boards[0].file}.html").read_text(encoding="utf-8")
    assert ">0.035</td>" in page
    assert ">0.0</td>" not in page
