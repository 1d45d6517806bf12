"""A data set of another package or of a script is one value of the family."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robustbench_seg import family
from robustbench_seg.cli.program import app
from robustbench_seg.datasets import DATASETS, DatasetEntry, blocks_of, open_dataset
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.errors import DataError, UsageError

PACKAGE = """
from collections.abc import Sequence
from pathlib import Path

from robustbench_seg.datasets import DatasetEntry
from robustbench_seg.datasets.camvid import CamVid


class Rails(CamVid):
    name = "rails"
    splits = ("test",)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(image_id[:-1] for image_id in ids)


rails = DatasetEntry(name="rails", description="from the cab", module=__name__, class_name="Rails")
"""


@pytest.fixture
def rails_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that offers the data set rails."""
    (tmp_path / "rails_data.py").write_text(PACKAGE)
    metadata = tmp_path / "rails_data-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rails-data\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[robustbench_seg.datasets]\nrails = rails_data:rails\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    family.offers_to.cache_clear()
    yield
    DATASETS.pop("rails", None)  # a look-up, which finds the package's offers again
    sys.modules.pop("rails_data", None)
    monkeypatch.undo()
    family.offers_to.cache_clear()


@pytest.mark.usefixtures("rails_package")
def test_a_data_set_of_another_package_is_listed_opened_and_has_its_blocks(camvid_folder: Path) -> None:
    assert open_dataset("rails", camvid_folder).ids == ("frame_0", "frame_1", "frame_2")
    assert blocks_of("rails", ["frame_0", "frame_1"]) == ("frame_", "frame_")
    listing = CliRunner().invoke(app, ["list", "datasets"], catch_exceptions=False).stdout
    assert "rails" in listing
    assert "from the cab" in listing
    with pytest.raises(DataError, match=r"^rails has no split 'train'; known: test$"):
        open_dataset("rails", camvid_folder, split="train")


def test_a_class_of_a_script_is_a_data_set(camvid_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(CamVid):
        name, version = "half", "1"

        def __init__(self, root: Path, split: str = "test", first: int = 1) -> None:
            super().__init__(root, split)
            self.pairs = dict(list(self.pairs.items())[:first])

    monkeypatch.setitem(DATASETS, "half", DatasetEntry(name="half", description="a part", kind=Half))
    assert open_dataset("half", camvid_folder, first=2).ids == ("frame_0", "frame_1")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "needs either a kind, or a module and a class_name"),
        ({"module": "rails"}, "needs either a kind, or a module and a class_name"),
        ({"kind": CamVid, "module": "rails", "class_name": "Rails"}, "needs either a kind"),
        ({"kind": CamVid}, "its class CamVid is called 'camvid'"),
    ],
)
def test_an_entry_that_names_no_class_of_its_name_is_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(UsageError, match=f"^dataset 'rails'.*{reason}"):
        DatasetEntry(name="rails", description="", **fields)
