import colorsys

import numpy as np
import pytest

from robustbench_seg.datasets import IGNORE
from robustbench_seg.training.augment import augment, distort, random_crop, random_resize


def sample(height: int = 60, width: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 5, (height, width), np.uint8)


@pytest.mark.parametrize("size", [(20, 20), (60, 90), (300, 40)])
def test_a_training_sample_has_the_size_of_the_crop_whatever_the_image(size: tuple[int, int]) -> None:
    for seed in range(10):
        image, label = augment(*sample(*size), 64, np.random.default_rng(seed))
        assert image.shape == (64, 64, 3)
        assert label.shape == (64, 64)
        assert (image.dtype, label.dtype) == (np.uint8, np.uint8)
        assert set(np.unique(label)) <= {0, 1, 2, 3, 4, IGNORE}


def test_the_same_generator_gives_the_same_sample_and_the_inputs_are_left_alone() -> None:
    image, label = sample()
    copies = image.copy(), label.copy()
    state = np.random.get_state()[1].copy()
    first, second, other = (augment(image, label, 48, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])
    assert np.array_equal(image, copies[0])
    assert np.array_equal(label, copies[1])
    assert np.array_equal(state, np.random.get_state()[1])


def test_scales_are_uniform_from_a_half_to_two() -> None:
    image, label = sample(100, 100)
    heights = [random_resize(image, label, np.random.default_rng(seed))[0].shape[0] for seed in range(400)]
    assert min(heights) >= 50
    assert max(heights) <= 200
    # The mean of a uniform variable in 50 .. 200 is 125, its standard error here 43.3 / 20; four of them.
    assert abs(np.mean(heights) - 125) < 4 * 43.3 / 20


def test_image_and_label_are_cut_and_mirrored_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustbench_seg.training.augment.random_resize", lambda image, label, rng: (image, label))
    monkeypatch.setattr("robustbench_seg.training.augment.distort", lambda image, rng: image)
    label = (np.arange(40 * 60).reshape(40, 60) % 200).astype(np.uint8)
    image = np.repeat(label[:, :, None], 3, axis=2)
    mirrored = []
    for seed in range(20):
        cut_image, cut_label = augment(image, label, 32, np.random.default_rng(seed))
        assert np.array_equal(cut_image[:, :, 0], cut_label)
        mirrored.append(int(cut_label[0, 1]) < int(cut_label[0, 0]))
    assert {True, False} == set(mirrored)


def test_image_and_label_are_resized_together() -> None:
    label = np.random.default_rng(0).integers(0, 200, (3, 4)).repeat(20, axis=0).repeat(20, axis=1).astype(np.uint8)
    image = np.repeat(label[:, :, None], 3, axis=2)
    for seed in range(10):
        large, labels = random_resize(image, label, np.random.default_rng(seed))
        assert large.shape[:2] == labels.shape
        # Bilinear mixes at most two pixels on either side of the blocks' edges, of 10 or more pixels a block.
        assert np.mean(large[:, :, 0] == labels) > 0.5


def test_padding_is_ignored_and_has_the_mean_colour() -> None:
    image, label = random_crop(*sample(20, 24), 32, np.random.default_rng(0))
    assert (label[20:] == IGNORE).all()
    assert (label[:, 24:] == IGNORE).all()
    assert (image[20:] == (124, 116, 104)).all()


def test_a_crop_avoids_a_single_class_where_it_can() -> None:
    label = np.zeros((64, 256), np.uint8)
    label[:, 200:] = np.arange(56)[None] % 4
    image = np.zeros((64, 256, 3), np.uint8)
    shares = []
    for seed in range(200):
        _, cut = random_crop(image, label, 64, np.random.default_rng(seed))
        shares.append(np.bincount(cut.ravel()).max() / cut.size)
    # One crop in five shows enough of the other classes; ten attempts miss all of them with 0.8 ** 10 = 11 %.
    assert np.mean(np.array(shares) >= 0.75) < 0.3


def test_distortion_changes_colours_within_its_bounds() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    values = np.array([distort(grey, np.random.default_rng(seed))[0, 0] for seed in range(300)], float)
    assert (np.ptp(values, axis=1) <= 1).all(), "grey stays grey: it has no hue and no saturation"
    assert values.min() >= (100 - 32) * 0.5 - 1
    assert values.max() <= (100 + 32) * 1.5
    assert np.std(values[:, 0]) > 10
    red = np.full((4, 4, 3), (200, 40, 40), np.uint8)
    hues = []
    for seed in range(300):
        r, g, b = distort(red, np.random.default_rng(seed))[0, 0] / 255
        hues.append((360 * colorsys.rgb_to_hsv(r, g, b)[0] + 180) % 360 - 180)
    assert 25 < max(hues) <= 37
    assert -37 <= min(hues) < -25


def test_each_distortion_comes_half_of_the_time_over_its_whole_range() -> None:
    seeds = range(600)

    def of(colour: tuple[int, int, int]) -> np.ndarray:
        flat = np.full((2, 2, 3), colour, np.uint8)
        return np.array([distort(flat, np.random.default_rng(seed))[0, 0] for seed in seeds], float)

    # On black only brightness shows, where it is above 0: in a quarter of the cases, up to 32 x 1.5.
    black = of((0, 0, 0))[:, 0]
    assert abs(np.mean(black >= 1) - 0.25) < 0.06  # four standard errors are 0.07; the first level is lost
    assert 33 < black.max() <= 48
    # Saturation and hue leave HSV's value alone, and brightness moves both channels alike: their distance over their
    # sum, at no change, is the colour's.
    red = of((160, 80, 80)) / 255
    saturations = np.array([colorsys.rgb_to_hsv(*pixel)[1] for pixel in red])
    assert saturations.min() < 0.3
    assert saturations.max() > 0.7
