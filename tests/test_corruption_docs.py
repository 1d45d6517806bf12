"""docs/corruptions.md agrees with the code: its tables are the code's constants, and its pictures exist."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import PIL.Image
import pytest

from robustbench_seg.corruptions import SHIPPED

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "corruptions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_corruptions", DOCS / "make_corruptions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_shipped_corruption_has_its_section_table_and_picture() -> None:
    for pattern in (r"^### (\w+_\w+|\w+)$", r"<!-- parameters: (\w+) -->", r"!\[\w+\]\(img/corruptions/(\w+)\.webp\)"):
        named = re.findall(pattern, PAGE, flags=re.MULTILINE)
        assert set(named) >= SHIPPED.keys()
        assert len(set(named)) == len(named)


def test_the_committed_tables_equal_the_code(maker: ModuleType) -> None:
    assert maker.with_tables(PAGE) == PAGE


def test_a_changed_constant_changes_its_table(maker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(maker.PARAMETERS, "contrast", (("what is left",), (0.4, 0.3, 0.2, 0.1, 0.06)))
    assert maker.with_tables(PAGE) != PAGE
    assert "| what is left | 0.4 | 0.3 | 0.2 | 0.1 | 0.06 |" in maker.with_tables(PAGE)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_picture_is_small_enough_to_load_and_six_panels_large(name: str) -> None:
    path = DOCS / "img" / "corruptions" / f"{name}.webp"
    assert path.stat().st_size <= 300_000
    with PIL.Image.open(path) as picture:
        assert picture.size == (712, 604)


@pytest.mark.parametrize("name", ["pixelate", "brightness"])  # the same on every machine
def test_a_picture_shows_what_the_engine_makes(name: str, maker: ModuleType) -> None:
    with PIL.Image.open(DOCS / "img" / "corruptions" / f"{name}.webp") as picture:
        committed = np.array(picture)
    panels = np.s_[-176:]  # the last row, without its labels: fonts may differ between machines
    assert np.array_equal(committed[panels], np.array(maker.sheet(name))[panels])
