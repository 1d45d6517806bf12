import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.color

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.colour import adjust_hsv
from robustbench_seg.corruptions.pixels import Image


def test_contrast_keeps_the_mean_and_shrinks_the_spread(natural: Image) -> None:
    result = corrupt(natural, "contrast", 3)
    # Truncation takes half a level off on average.
    np.testing.assert_allclose(result.mean(axis=(0, 1)), natural.mean(axis=(0, 1)) - 0.5, atol=0.1)
    np.testing.assert_allclose(result.std(axis=(0, 1)), 0.2 * natural.std(axis=(0, 1)), rtol=0.01)


def test_adjust_hsv_equals_scikit_images_round_trip_on_random_colours() -> None:
    image = np.random.RandomState(0).randint(0, 256, size=(200, 300, 3)).astype(np.uint8)
    image[:100] = image[:100] // 64 * 85  # few levels: equal channels, black and white
    hsv = skimage.color.rgb2hsv(image / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * 2 + 0.1, 0, 1)
    hsv[..., 2] = np.clip(hsv[..., 2] + 0.2, 0, 1)
    expected = (np.clip(skimage.color.hsv2rgb(hsv), 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(adjust_hsv(image, saturation=(2, 0.1), value=0.2), expected)


def test_pixelate_leaves_blocks(natural: Image) -> None:
    result = corrupt(natural, "pixelate", 5)
    blocks = result.reshape(128, 4, 128, 4, 3)
    assert np.all(blocks == blocks[:, :1, :, :1])


def test_jpeg_compression_is_pillows_jpeg(natural: Image) -> None:
    encoded = io.BytesIO()
    PIL.Image.fromarray(natural).save(encoded, "JPEG", quality=10)
    assert np.array_equal(corrupt(natural, "jpeg_compression", 4), np.asarray(PIL.Image.open(encoded)))


def test_jpeg_compression_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noise: Image) -> None:
    monkeypatch.chdir(tmp_path)
    corrupt(noise, "jpeg_compression", 3)
    assert not list(tmp_path.iterdir())


def test_elastic_transform_invents_no_colour(natural: Image) -> None:
    image = natural[:64, :96]
    result = corrupt(image, "elastic_transform", 5)
    assert int(result.min()) >= int(image.min()) - 1  # truncated
    assert result.max() <= image.max()
