"""The blurs where they are hardest: flat and nearly flat regions, edges, and images smaller than the kernel."""

import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions import CATEGORIES, corrupt
from robustbench_seg.corruptions.pixels import Image

# These use imagecorruptions' own arithmetic wherever truncation could differ (zoom_blur except for a few values in ten
# million). defocus_blur's oracle uses a Fourier transform; all values agree except for a few in 10,000.
IDENTICAL = ("gaussian_blur", "glass_blur", "motion_blur", "zoom_blur")
SEVERITIES = (1, 2, 3, 4, 5)


def both(image: Image, name: str, severity: int, random_seed: int) -> tuple[Image, Image]:
    ours = corrupt(image, name, severity, rng=np.random.RandomState(random_seed))
    return ours, oracle.corrupt(image, name, severity, random_seed)


@pytest.mark.parametrize("name", CATEGORIES["blur"])
def test_a_blur_removes_detail_and_more_at_severity_5_than_at_1(name: str, natural: Image) -> None:
    def detail(image: Image) -> float:
        return float(np.abs(np.diff(image.astype(float), axis=1)).mean())

    clean, weak, strong = natural, corrupt(natural, name, 1), corrupt(natural, name, 5)
    assert detail(clean) > detail(weak) > detail(strong)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", CATEGORIES["blur"])
def test_every_constant_truncates_as_the_oracles_do(name: str, severity: int) -> None:
    # Three constants an image, one a channel. At 32 px the trails of motion_blur break off now and then.
    for level in range(0, 258, 51 if name == "glass_blur" else 3):  # the oracle's glass_blur is slow
        image = np.empty((32, 33, 3), dtype=np.uint8)
        image[:] = np.minimum((level, level + 1, level + 2), 255)
        ours, theirs = both(image, name, severity, random_seed=level)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"constants from {level}")


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", IDENTICAL)
def test_a_speck_at_the_far_end_of_a_kernel_decides_as_in_the_oracle(name: str, severity: int) -> None:
    # A weight as small as 1e-8 tells 255 from 254, or 14 from 13.
    random = np.random.RandomState(severity)
    height, width = (32, 40) if name == "glass_blur" else (90, 120)
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[:] = (255, 14, 113)
    specks = random.random_sample(image.shape) < 0.002
    image[specks] -= random.choice((1, 13), size=np.count_nonzero(specks)).astype(np.uint8)
    np.testing.assert_array_equal(*both(image, name, severity, random_seed=severity))


@pytest.mark.parametrize("name", [name for name in IDENTICAL if name != "glass_blur"])
def test_a_ramp_and_an_edge_come_out_as_in_the_oracle(name: str) -> None:
    image = np.zeros((64, 256, 3), dtype=np.uint8)
    image[..., 0] = np.arange(256)
    image[..., 1] = np.arange(64)[:, np.newaxis]
    image[20:, 100:, 2] = 255
    for severity in SEVERITIES:
        np.testing.assert_array_equal(*both(image, name, severity, random_seed=severity))


def test_defocus_blur_of_large_flat_patches_and_of_black_and_white_is_within_the_bound() -> None:
    random = np.random.RandomState(0)
    patches = np.kron(np.arange(256).reshape(16, 16), np.ones((30, 30))).astype(np.uint8)
    checks = np.kron(random.randint(0, 2, size=(48, 48)) * 255, np.ones((10, 10))).astype(np.uint8)
    image = np.stack((patches, patches.T, checks), axis=-1)
    for severity in SEVERITIES:
        ours, theirs = both(image, "defocus_blur", severity, random_seed=0)
        difference = np.abs(ours.astype(int) - theirs.astype(int))
        assert difference.max() <= 1
        assert np.mean(difference > 0) < 2e-4


@pytest.mark.parametrize(("severity", "side"), [(3, 36), (4, 36), (4, 78), (5, 36), (5, 71)])
def test_zoom_blur_keeps_scipys_black_edges(severity: int, side: int) -> None:
    # At these sides rounding puts the last row and column of one zoom beyond the image, and SciPy makes them black.
    # The mean then lands on an integer again where the level is a multiple of the number of averaged images.
    for level in range(0, 258, 3):
        image = np.empty((side, side, 3), dtype=np.uint8)
        image[:] = np.minimum((level, level + 1, level + 2), 255)
        ours, theirs = both(image, "zoom_blur", severity, random_seed=0)
        np.testing.assert_array_equal(ours, theirs)
    assert theirs[-1, :, 0].max() < theirs[:-1, :-1, 0].min()
    assert theirs[:, -1, 0].max() < theirs[:-1, :-1, 0].min()
