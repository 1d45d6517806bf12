import io
from pathlib import Path

import numpy as np
import oracle
import PIL.Image
import pytest

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.pixels import Image

SEVERITIES = (1, 2, 3, 4, 5)


def test_contrast_keeps_the_mean_and_shrinks_the_spread(natural: Image) -> None:
    result = corrupt(natural, "contrast", 3)
    # Truncation takes half a level off on average.
    np.testing.assert_allclose(result.mean(axis=(0, 1)), natural.mean(axis=(0, 1)) - 0.5, atol=0.1)
    np.testing.assert_allclose(result.std(axis=(0, 1)), 0.2 * natural.std(axis=(0, 1)), rtol=0.01)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_equals_the_oracle_on_every_grey(severity: int) -> None:
    # The mean's last bit decides where a flat image lands, and it depends on the order of the sum.
    for level in range(256):
        image = np.full((33, 47, 3), level, dtype=np.uint8)
        assert np.array_equal(corrupt(image, "contrast", severity), oracle.corrupt(image, "contrast", severity, 0))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_equals_the_oracle_where_a_level_lands_on_an_integer(severity: int) -> None:
    for dark, bright in ((100, 200), (0, 255), (7, 107), (50, 250)):  # half and half
        image = np.full((64, 62, 3), dark, dtype=np.uint8)
        image[:, 1::2] = bright
        assert np.array_equal(corrupt(image, "contrast", severity), oracle.corrupt(image, "contrast", severity, 0))


def test_pixelate_leaves_blocks(natural: Image) -> None:
    result = corrupt(natural, "pixelate", 5)
    blocks = result.reshape(128, 4, 128, 4, 3)
    assert np.all(blocks == blocks[:, :1, :, :1])


@pytest.mark.parametrize("severity", SEVERITIES)
def test_pixelate_equals_pillows_box_and_nearest_at_any_size(severity: int) -> None:
    # Sides whose share isn't whole: there rounding decides which small pixel is repeated.
    share = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    random = np.random.RandomState(severity)
    for height, width in ((32, 33), (97, 131), (360, 480), (41, 2048), (1001, 64)):
        image = random.randint(0, 256, size=(height, width, 3)).astype(np.uint8)
        small = PIL.Image.fromarray(image).resize((int(width * share), int(height * share)), PIL.Image.Resampling.BOX)
        expected = np.asarray(small.resize((width, height), PIL.Image.Resampling.NEAREST))
        assert np.array_equal(corrupt(image, "pixelate", severity), expected)


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
