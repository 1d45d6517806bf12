"""Against scikit-image's rgb2hsv and hsv2rgb, as imagecorruptions calls them."""

import numpy as np
import pytest
import skimage.color

from robustbench_seg.corruptions.colour import adjust_hsv
from robustbench_seg.corruptions.digital import SATURATE
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.corruptions.weather import BRIGHTNESS

ADJUSTMENTS = [((1.0, 0.0), value) for value in BRIGHTNESS] + [(saturation, 0.0) for saturation in SATURATE]


def reference(image: Image, saturation: tuple[float, float], value: float) -> Image:
    hsv = skimage.color.rgb2hsv(image / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation[0] + saturation[1], 0, 1)
    hsv[..., 2] = np.clip(hsv[..., 2] + value, 0, 1)
    result: Image = (np.clip(skimage.color.hsv2rgb(hsv), 0, 1) * 255).astype(np.uint8)
    return result


@pytest.mark.parametrize(("saturation", "value"), [*ADJUSTMENTS, ((2.0, 0.1), 0.2)])
def test_adjust_hsv_equals_scikit_images_round_trip(saturation: tuple[float, float], value: float) -> None:
    image = np.random.RandomState(0).randint(0, 256, size=(300, 200, 3)).astype(np.uint8)
    image[:100] = image[:100] // 64 * 85  # few levels: equal channels, black and white
    assert np.array_equal(adjust_hsv(image, saturation=saturation, value=value), reference(image, saturation, value))


@pytest.mark.parametrize(("saturation", "value"), ADJUSTMENTS)
def test_adjust_hsv_equals_scikit_images_round_trip_on_every_grey(
    saturation: tuple[float, float], value: float
) -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=-1)
    assert np.array_equal(adjust_hsv(greys, saturation=saturation, value=value), reference(greys, saturation, value))
