from typing import Any

import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions.plasma import plasma_fractal
from robustbench_seg.corruptions.seeds import seeded


class Single(np.random.RandomState):
    """RandomState's draws, rounded to single precision."""

    def uniform(self, *arguments: Any, **options: Any) -> Any:
        return super().uniform(*arguments, **options).astype(np.float32)


@pytest.mark.parametrize("decay", [1.4, 2.0, 3.0])
@pytest.mark.parametrize("size", [2, 4, 64, 256])
def test_a_plasma_cloud_is_imagecorruptions_own_once_its_range_is_0_to_1(size: int, decay: float) -> None:
    np.random.seed(size)
    theirs = oracle.imagecorruptions.corruptions.plasma_fractal(size, decay)
    ours = plasma_fractal(size, decay, np.random.RandomState(size))
    ours -= ours.min()
    ours /= ours.max()
    assert np.array_equal(ours, theirs)


def test_a_plasma_cloud_has_the_precision_of_its_draws() -> None:
    assert plasma_fractal(64, 2.0, np.random.RandomState(0)).dtype == np.float64
    assert plasma_fractal(64, 2.0, seeded(0, "fog", 3, "a")).dtype == np.float32


def test_single_precision_moves_a_plasma_cloud_by_less_than_a_millionth_of_its_range() -> None:
    exact = plasma_fractal(256, 1.4, np.random.RandomState(0))
    single = plasma_fractal(256, 1.4, Single(0))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-6 * np.ptp(exact))
