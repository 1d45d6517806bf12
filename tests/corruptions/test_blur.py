import numpy as np
import pytest

from robustbench_seg.corruptions import CATEGORIES, corrupt
from robustbench_seg.corruptions.pixels import Image


@pytest.mark.parametrize("name", CATEGORIES["blur"])
def test_a_blur_removes_detail_and_more_at_severity_5_than_at_1(name: str, natural: Image) -> None:
    def detail(image: Image) -> float:
        return float(np.abs(np.diff(image.astype(float), axis=1)).mean())

    clean, weak, strong = natural, corrupt(natural, name, 1), corrupt(natural, name, 5)
    assert detail(clean) > detail(weak) > detail(strong)
