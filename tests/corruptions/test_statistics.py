"""Many seeded draws against as many draws of imagecorruptions: tests find no difference in distribution.

Two-sample tests of every random corruption except the four noises: the mean and the variance of each value of the
image, the power over rings of spatial frequencies, PSNR and SSIM. All draws are seeded, so results never change
without a change of the code. If draws change and the distributions still agree, a test here fails with probability
`FAMILY_LEVEL` at most, by Bonferroni's inequality.

The last tests apply the same checks to distributions that differ, some of them only slightly.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
import scipy.stats
import skimage.data
import skimage.metrics
from numpy.typing import NDArray

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.pixels import Image

CONDITIONS = (
    ("glass_blur", 4),
    ("motion_blur", 3),
    ("snow", 2),
    ("frost", 3),
    ("fog", 3),
    ("elastic_transform", 4),
    ("spatter", 2),  # water
    ("spatter", 5),  # mud
)
DRAWS = dict.fromkeys((name for name, _ in CONDITIONS), 400) | {
    "frost": 300,
    "glass_blur": 120,
}  # images on either side; fewer where imagecorruptions is slow
FAMILY_LEVEL = 1e-3
PERMUTATIONS = 40_000  # the fewest whose smallest p-value, 1 / 40,001, is below LEVEL
EXTREME = 10
RINGS = 12

Draws = NDArray[np.uint8]  # (n, H, W, 3)


@functools.cache
def clean() -> Image:
    """Part of a photograph, 48 x 64."""
    return np.ascontiguousarray(skimage.data.astronaut()[96:144, 196:260])


@functools.cache
def seeded(name: str, severity: int) -> Draws:
    return np.array([corrupt(clean(), name, severity, seed=1, image_id=str(i)) for i in range(DRAWS[name])])


@functools.cache
def published(name: str, severity: int) -> Draws:
    return np.array([oracle.corrupt(clean(), name, severity, i) for i in range(DRAWS[name])])


def p_of_equal_means(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Permutation test that all columns of (n, D) and (m, D) have equal means.

    The statistic is the largest difference of a column's means, in units of its standard deviation over both
    samples. Columns may depend on each other in any way. Permutations are drawn until `EXTREME` of them are as
    extreme as the samples, which keeps p valid and spares work where it is not small (Besag & Clifford,
    "Sequential Monte Carlo p-values", 1991).
    """
    both = np.concatenate([a, b])
    both = both[:, np.ptp(both, axis=0) > 0]
    both = ((both - both.mean(0)) / both.std(0)).astype(np.float32)
    sides = np.where(np.arange(len(both)) < len(a), 1 / len(a), -1 / len(b)).astype(np.float32)
    observed = np.max(np.abs(sides @ both), initial=0) * (1 - 1e-5)  # sums in another order may round lower
    rng = np.random.default_rng(0)
    extreme = tried = 0
    while extreme < EXTREME and tried < PERMUTATIONS:
        permuted = rng.permuted(np.tile(sides, (100, 1)), axis=1)
        extreme += int(np.sum(np.max(np.abs(permuted @ both), axis=1, initial=0) >= observed))
        tried += len(permuted)
    return (extreme + 1) / (tried + 1)


def p_of_equal_mean_maps(a: Draws, b: Draws) -> float:
    return p_of_equal_means(a.reshape(len(a), -1).astype(float), b.reshape(len(b), -1).astype(float))


def p_of_equal_variance_maps(a: Draws, b: Draws) -> float:
    """Compare the squared deviations from the mean of both samples."""
    middle = np.concatenate([a, b]).mean(0)
    return p_of_equal_means(((a - middle) ** 2).reshape(len(a), -1), ((b - middle) ** 2).reshape(len(b), -1))


def p_of_equal_spectra(a: Draws, b: Draws) -> float:
    return p_of_equal_means(log_power_by_ring(a), log_power_by_ring(b))


def log_power_by_ring(draws: Draws) -> NDArray[np.float64]:
    """Each image's log power, averaged over rings of frequencies: (n, RINGS)."""
    grey = draws.mean(-1)
    power = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2
    vertical, horizontal = np.meshgrid(*(np.fft.fftfreq(side) for side in grey.shape[1:]), indexing="ij")
    ring = np.minimum(np.hypot(vertical, horizontal) / 0.5 * RINGS, RINGS - 1).astype(int)
    return np.stack([np.log(power[:, ring == k].mean(1) + 1e-9) for k in range(RINGS)], axis=1)


def p_of_equal_psnr(a: Draws, b: Draws) -> float:
    def psnr(image: Image) -> float:
        return float(skimage.metrics.peak_signal_noise_ratio(clean(), image))

    return p_of_equal_distributions(a, b, psnr)


def p_of_equal_ssim(a: Draws, b: Draws) -> float:
    def ssim(image: Image) -> float:
        return float(skimage.metrics.structural_similarity(clean(), image, channel_axis=-1))

    return p_of_equal_distributions(a, b, ssim)


def p_of_equal_distributions(a: Draws, b: Draws, quality: Callable[[Image], float]) -> float:
    """Kolmogorov and Smirnov's test of one number per image."""
    return float(scipy.stats.ks_2samp([quality(image) for image in a], [quality(image) for image in b]).pvalue)


CHECKS: dict[str, Callable[[Draws, Draws], float]] = {
    "mean map": p_of_equal_mean_maps,
    "variance map": p_of_equal_variance_maps,
    "spectrum": p_of_equal_spectra,
    "PSNR": p_of_equal_psnr,
    "SSIM": p_of_equal_ssim,
}
LEVEL = FAMILY_LEVEL / (len(CONDITIONS) * len(CHECKS))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("name", "severity"), CONDITIONS)
def test_seeded_draws_have_the_distribution_of_imagecorruptions(name: str, severity: int, check: str) -> None:
    assert CHECKS[check](seeded(name, severity), published(name, severity)) > LEVEL


def every_fourth_pixel(draws: Draws) -> Draws:
    """Enough to tell these apart, at a sixteenth of the cost of all permutations."""
    return draws[:, ::4, ::4]


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_tells_severities_apart(check: str) -> None:
    a, b = seeded("glass_blur", 5), published("glass_blur", 4)
    if check.endswith("map"):
        a, b = every_fourth_pixel(a), every_fourth_pixel(b)
    assert CHECKS[check](a, b) <= LEVEL


@pytest.mark.parametrize(
    ("name", "severity", "other", "check"),
    [
        ("motion_blur", 3, 4, "PSNR"),
        ("snow", 2, 3, "PSNR"),
        ("fog", 3, 4, "spectrum"),
        ("elastic_transform", 4, 5, "PSNR"),
        ("spatter", 2, 3, "SSIM"),
        ("spatter", 5, 4, "SSIM"),
    ],
)
def test_the_next_severity_is_told_apart(name: str, severity: int, other: int, check: str) -> None:
    assert CHECKS[check](seeded(name, other), published(name, severity)) <= LEVEL


def test_frost_from_all_six_textures_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class SixTextures:
        """numpy.random, where the choice among 5 textures is one among 6."""

        pairs = None

        def randint(self, low: int, high: int | None = None) -> int:
            return np.random.randint(6 if (low, high) == (5, None) else low, high)

    monkeypatch.setattr(oracle.imagecorruptions.corruptions.np, "random", SixTextures())
    six = published.__wrapped__("frost", 3)
    for check in ("mean map", "variance map"):
        assert CHECKS[check](every_fourth_pixel(seeded("frost", 3)), every_fourth_pixel(six)) <= LEVEL


def test_a_trail_of_motion_to_the_other_side_is_told_apart() -> None:
    mirrored = np.array([oracle.corrupt(clean()[:, ::-1], "motion_blur", 3, i)[:, ::-1] for i in range(120)])
    assert CHECKS["mean map"](every_fourth_pixel(seeded("motion_blur", 3)), every_fourth_pixel(mirrored)) <= LEVEL
