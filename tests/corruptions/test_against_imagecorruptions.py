"""Pixel by pixel against imagecorruptions 1.1.2, from the same RandomState."""

from pathlib import Path

import cv2
import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions import CATEGORIES, CORRUPTIONS, SHIPPED, corrupt
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.protocols import PROTOCOLS

CAMVID = Path(__file__).parents[2].parent / "shared" / "camvid"
SEVERITIES = (1, 2, 3, 4, 5)

# impulse_noise draws from scikit-image's own generator in the oracle; test_noise compares its distribution.
SAME_DRAWS = tuple(name for name in SHIPPED if name != "impulse_noise")


def assert_faithful(image: Image, name: str, severity: int, random_seed: int) -> None:
    """At least 99.9 % of the values are the oracle's, and the rest are off by 1."""
    ours = corrupt(image, name, severity, rng=np.random.RandomState(random_seed))
    theirs = oracle.corrupt(image, name, severity, random_seed)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.uint8
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.max() <= 1
    assert np.mean(difference == 0) >= 0.999


def test_the_registry_holds_the_names_of_imagecorruptions_in_their_order() -> None:
    names, common = oracle.get_corruption_names("all"), oracle.get_corruption_names("common")
    assert [name for name in CORRUPTIONS if name in names] == names
    assert list(PROTOCOLS["michaelis"]) == list(PROTOCOLS["semsegbench"]) == common
    assert list(PROTOCOLS["fan"]) == names
    for category in ("noise", "blur", "weather", "digital"):
        members = [name for name in CATEGORIES[category] if name in common]
        assert members == oracle.get_corruption_names(category)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_noise(name: str, severity: int, noise: Image) -> None:
    assert_faithful(noise, name, severity, random_seed=severity)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_a_photograph(name: str, severity: int, natural: Image) -> None:
    assert_faithful(natural[100:231, 150:247], name, severity, random_seed=10 + severity)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_flat_colours(name: str, severity: int) -> None:
    # Truncation makes flat regions the hardest: a last bit off moves every pixel of them by a whole level.
    image = np.zeros((64, 96, 3), dtype=np.uint8)
    image[:, :24] = (13, 201, 77)
    image[:, 24:48] = 200
    image[:, 48:72] = 255
    assert_faithful(image, name, severity, random_seed=20 + severity)


@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_one_grey(name: str) -> None:
    for level in (0, 128, 255):
        assert_faithful(np.full((64, 96, 3), level, dtype=np.uint8), name, 3, random_seed=level)


@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_the_smallest_image(name: str, noise: Image) -> None:
    # Here the motion of severity 5 is longer than the image.
    assert_faithful(noise[:32, :33], name, 5, random_seed=4)


@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_grayscale_and_returns_three_channels(name: str, natural: Image) -> None:
    grey = natural[:33, :40, 1]
    assert_faithful(grey, name, 2, random_seed=5)
    assert_faithful(grey[..., np.newaxis], name, 2, random_seed=5)
    assert corrupt(grey, name, 2).shape == (33, 40, 3)


@pytest.mark.parametrize("name", SAME_DRAWS)
def test_equals_the_oracle_on_a_street(name: str) -> None:
    frames = sorted(CAMVID.glob("test/*.png"))
    if not frames:
        pytest.skip(f"CamVid is not at {CAMVID}")
    frame = np.ascontiguousarray(cv2.imread(str(frames[0]))[..., ::-1])
    assert frame.shape == (360, 480, 3)
    for severity in (2,) if name == "glass_blur" else SEVERITIES:  # the oracle's glass_blur takes seconds
        assert_faithful(frame, name, severity, random_seed=30 + severity)


# Those whose oracle takes less than a second at this size.
QUICK_WHEN_LARGE = (
    "gaussian_noise", "shot_noise", "defocus_blur", "motion_blur", "snow", "frost", "fog", "contrast",
    "elastic_transform", "pixelate", "jpeg_compression", "speckle_noise", "gaussian_blur", "spatter",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK_WHEN_LARGE)
def test_equals_the_oracle_on_an_image_of_cityscapes_size(name: str, natural: Image) -> None:
    image = np.tile(natural, (2, 4, 1))
    assert image.shape == (1024, 2048, 3)
    assert_faithful(image, name, 4, random_seed=6)
