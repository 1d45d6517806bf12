"""Published tables: as their source has them, and under one heading with ours only where they may be."""

from pathlib import Path

import pandas as pd
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.studies import published
from robustbench_seg.studies.published import TABLES, OwnRun, published_rows, read_published

PAPER = Path(__file__).parents[3] / "shared" / "paper"
FOLDER = Path(published.__file__).parent
OURS = {"protocol": "segformer", "view": "slide-1024-768", "dataset": "cityscapes", "split": "val"}


def test_every_table_is_described_and_every_description_has_a_table() -> None:
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(TABLES)
    for name, about in TABLES.items():
        table = read_published(name)
        assert not table.duplicated(list(about.key)).any(), name
        assert about.protocol in {"", *PROTOCOLS}, name
        assert set(about.views) <= set(table.iloc[:, 0]) | set(table.get("inference_mode", [])), name
    with pytest.raises(UsageError, match="unknown published table 'table9'; known: table1a_variants"):
        read_published("table9")


@pytest.mark.parametrize("name", TABLES)
def test_the_numbers_are_those_read_off_the_papers(name: str) -> None:
    if not PAPER.is_dir():
        pytest.skip(f"the published tables are not at {PAPER}")
    pd.testing.assert_frame_equal(read_published(name), pd.read_csv(PAPER / f"{name}.csv"))


def test_a_row_of_the_same_protocol_view_and_data_may_stand_with_ours() -> None:
    table = published_rows("table5_cityscapes_c", OwnRun(**OURS, images=500, of=500)).set_index("method")
    assert table.loc["SegFormer-B5", "differs"] == ""
    assert table.loc["ICNet", "differs"] == "view not stated (ours slide-1024-768)"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"protocol": "fan"}, "protocol segformer (ours fan)"),
        ({"view": "whole"}, "view slide-1024 (ours whole)"),
        ({"view": "slide-1024-768-flip"}, "view slide-1024 (ours slide-1024-768-flip)"),
        ({"view": "slide-1024-768-x0.5"}, "view slide-1024 (ours slide-1024-768-x0.5)"),
        ({"view": "slide-102-768"}, "view slide-1024 (ours slide-102-768)"),
        ({"dataset": "camvid", "split": "test"}, "dataset cityscapes val (ours camvid test)"),
        ({"images": 100}, "all images (ours 100 of 500)"),
        ({"protocol": "fan", "view": "whole"}, "protocol segformer (ours fan); view slide-1024 (ours whole)"),
    ],
)
def test_every_difference_of_a_row_is_named(change: dict[str, object], text: str) -> None:
    ours = OwnRun(**{**OURS, "images": 500, "of": 500, **change})
    table = published_rows("table5_cityscapes_c", ours).set_index("method")
    assert table.loc["SegFormer-B5", "differs"] == text


def test_table_1c_has_a_view_per_row() -> None:
    ours = OwnRun(**{**OURS, "protocol": "clean", "view": "whole"}, images=500, of=500)
    table = published_rows("table1c_positional", ours)
    assert (table["differs"] == "").tolist() == (table["inference_mode"] == "whole").tolist()
    assert table["differs"].iloc[0] == "view slide-768 (ours whole)"


def test_the_notes_of_table_5_have_the_sizes_that_table_2_states() -> None:
    params = read_published("table2_main").set_index(["method", "encoder"])["params_m"]
    notes = " ".join(TABLES["table5_cityscapes_c"].notes)
    assert f"SegFormer-B5 has {params['SegFormer', 'B5']} million parameters" in notes
    assert f"has {params['DeepLabV3+', 'MobileNetV2']} million parameters with MobileNetV2" in notes
