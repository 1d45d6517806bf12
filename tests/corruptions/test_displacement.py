"""Against SciPy's map_coordinates, as imagecorruptions calls it."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from robustbench_seg.corruptions.displacement import displace
from robustbench_seg.corruptions.pixels import Image


def reference(image: Image, dy: Any, dx: Any) -> Image:
    values = image.astype(np.float32) / np.float32(255)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    channels = [map_coordinates(values[..., c], [y + dy, x + dx], order=1, mode="reflect") for c in range(3)]
    result: Image = (np.clip(np.stack(channels, axis=-1), 0, 1) * 255).astype(np.uint8)
    return result


def field(shape: tuple[int, int], reach_px: float, random_seed: int) -> Any:
    return np.random.RandomState(random_seed).uniform(-reach_px, reach_px, size=shape).astype(np.float32)


@pytest.mark.parametrize("reach_px", [0.01, 3, 30, 300])
@pytest.mark.parametrize("levels", [2, 256])
def test_displace_equals_scipys_mirrored_bilinear_reading_except_for_rounding(reach_px: float, levels: int) -> None:
    random = np.random.RandomState(levels)
    image = (random.randint(0, levels, size=(301, 403, 3)) * (255 // (levels - 1))).astype(np.uint8)
    dy, dx = field((301, 403), reach_px, 1), field((301, 403), reach_px, 2)
    difference = np.abs(displace(image, dy, dx).astype(int) - reference(image, dy, dx))
    assert difference.max() <= 1
    # A level within 1e-4 of an integer may fall to its other side: at most 2 of 10000, were levels uniform.
    assert np.mean(difference > 0) <= 2e-4


def test_displace_equals_scipys_where_the_result_is_an_integer() -> None:
    # Ramps, read at whole, half and quarter pixels: here rounding alone decides what truncation makes of it.
    y, x = np.mgrid[:60, :80]
    image = np.stack([4 * y, 3 * x, 2 * y + x], axis=-1).astype(np.uint8)
    for share in (0, 0.25, 0.5, 0.75):
        dy, dx = np.full((60, 80), share, np.float32), np.full((60, 80), -share, np.float32)
        assert np.array_equal(displace(image, dy, dx), reference(image, dy, dx))


def test_displace_equals_scipys_on_every_flat_grey() -> None:
    image = np.repeat(np.repeat(np.arange(256, dtype=np.uint8), 8).reshape(32, 64), 8, axis=0)
    image = np.repeat(image[..., np.newaxis], 3, axis=-1)
    dy, dx = field((256, 64), 2, 3), field((256, 64), 2, 4)
    assert np.array_equal(displace(image, dy, dx), reference(image, dy, dx))
