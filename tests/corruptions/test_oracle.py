"""What the oracle does to save time changes no byte of imagecorruptions."""

import cv2
import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions.pixels import Image


@pytest.mark.parametrize("name", ["glass_blur", "frost"])
def test_drawn_and_read_many_at_a_time_or_one_by_one_it_is_the_same(
    name: str, noise: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditions = [(severity, 7 * severity + again) for severity in (1, 2, 3, 4, 5) for again in (0, 1)]
    quick = [oracle.corrupt(noise[:50, :60], name, *condition) for condition in conditions]

    class OneByOne:
        pairs = None
        randint = staticmethod(np.random.randint)

    module = oracle.imagecorruptions.corruptions
    monkeypatch.setattr(module.np, "random", OneByOne())
    monkeypatch.setattr(module, "cv2", cv2)
    for condition, image in zip(conditions, quick, strict=True):
        np.testing.assert_array_equal(oracle.corrupt(noise[:50, :60], name, *condition), image)
