import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.noise import IMPULSE_AMOUNT
from robustbench_seg.corruptions.pixels import Image

SEVERITIES = (1, 2, 3, 4, 5)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_has_the_oracles_salt_and_pepper_rates(severity: int) -> None:
    # Each value turns salt, and pepper, with probability p = amount / 2. Of n = 196608 values, the share has
    # the binomial standard deviation sqrt(p (1 - p) / n); both sides must lie within 5 of them.
    image = np.full((256, 256, 3), 128, dtype=np.uint8)
    p = IMPULSE_AMOUNT[severity - 1] / 2
    bound = 5 * np.sqrt(p * (1 - p) / image.size)
    ours, theirs = (
        corrupt(image, "impulse_noise", severity),
        oracle.corrupt(image, "impulse_noise", severity, 0),
    )
    for result in (ours, theirs):
        assert abs(np.mean(result == 255) - p) < bound
        assert abs(np.mean(result == 0) - p) < bound
        assert set(np.unique(result)) == {0, 128, 255}


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_leaves_the_other_values_as_the_oracle_does(severity: int) -> None:
    image = np.repeat(np.arange(256, dtype=np.uint8), 48).reshape(64, 64, 3)
    ours, theirs = (
        corrupt(image, "impulse_noise", severity),
        oracle.corrupt(image, "impulse_noise", severity, 0),
    )
    kept = np.isin(ours, (0, 255), invert=True) & np.isin(theirs, (0, 255), invert=True)
    assert np.array_equal(ours[kept], theirs[kept])


def test_impulse_noise_draws_as_scikit_image_did_at_the_time(noise: Image) -> None:
    # random_noise's own lines then: two arrays of numpy.random.choice over True and False.
    rng = np.random.RandomState(3)
    flipped = rng.choice([True, False], size=noise.shape, p=[0.09, 1 - 0.09])
    salted = rng.choice([True, False], size=noise.shape, p=[0.5, 1 - 0.5])
    ours = corrupt(noise, "impulse_noise", 3, rng=np.random.RandomState(3))
    assert np.all(ours[flipped & salted] == 255)
    assert np.all(ours[flipped & ~salted] == 0)
    assert np.all(np.abs(ours[~flipped].astype(int) - noise[~flipped]) <= 1)


def test_channels_and_pixels_draw_their_own_noise() -> None:
    grey = np.full((64, 64, 3), 128, dtype=np.uint8)
    for name in ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"):
        values = corrupt(grey, name, 3).reshape(-1, 3).astype(float)
        # The correlation of 4096 independent pairs has standard deviation 1 / 64.
        assert np.all(np.abs(np.corrcoef(values.T)[np.triu_indices(3, 1)]) < 5 / 64)


def test_noise_of_the_value_leaves_black_black() -> None:
    black = np.zeros((64, 64, 3), dtype=np.uint8)
    assert not corrupt(black, "speckle_noise", 5).any()
    assert not corrupt(black, "shot_noise", 5).any()
