from pathlib import Path

import pytest

from robustbench_seg.datasets import open_dataset
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import UsageError
from robustbench_seg.training.data import Data, open_data
from robustbench_seg.training.recipe import read_recipe


def test_unused_data_are_refused_and_data_of_the_validation_are_used(camvid_folder: Path) -> None:
    places = {"validation.dataset.name": "camvid", "validation.dataset.split": "test", "validation.every": 100}
    data = open_data(read_recipe("camvid", places), {"camvid": camvid_folder})
    assert (data.training.split, data.validation.split) == ("train", "test")
    with pytest.raises(UsageError, match="--data x: the recipe does not use this dataset"):
        open_data(read_recipe("camvid", places), {"x": camvid_folder})


def test_validation_on_other_classes_is_refused(camvid_folder: Path) -> None:
    with pytest.raises(UsageError, match="validation needs the 19 classes of streets, got the 11 of camvid"):
        Data(Streets("train", count=1), open_dataset("camvid", camvid_folder))
