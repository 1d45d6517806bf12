import itertools
from typing import Any

import numpy as np
import pytest
from replay import Calls, Recorder, Replay, widened

from robustbench_seg.corruptions import CATEGORIES, CORRUPTIONS, SHIPPED, corrupt
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.corruptions.seeds import seeded


def test_equal_names_give_equal_draws() -> None:
    first, second = seeded(0, "fog", 3, "a"), seeded(0, "fog", 3, "a")
    assert np.array_equal(first.uniform(size=100), second.uniform(size=100))
    assert np.array_equal(first.normal(size=100), second.normal(size=100))


def test_every_part_of_the_name_matters_and_none_runs_into_the_next() -> None:
    seeds, corruptions, severities, image_ids = (
        (0, 1, 11, -1),
        ("fog", "fo", "g"),
        (1, 2, 5),
        ("", "1", "g", '"'),
    )
    names = list(itertools.product(seeds, corruptions, severities, image_ids))
    assert len({seeded(*name).uniform(size=4).tobytes() for name in names}) == len(names)


def test_neighbouring_names_give_uncorrelated_draws() -> None:
    # The correlation of 10000 independent pairs has standard deviation 0.01.
    first, second = (seeded(0, "fog", 3, f"{i:06}").normal(size=10_000) for i in range(2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_calls_give_uncorrelated_draws() -> None:
    draws = seeded(0, "fog", 3, "a")
    first, second = draws.normal(size=10_000), draws.normal(size=10_000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_a_call_does_not_depend_on_how_much_was_drawn_before() -> None:
    first, second = seeded(0, "fog", 3, "a"), seeded(0, "fog", 3, "a")
    first.uniform(size=5)
    second.normal(size=(70, 80))
    assert first.randint(1000) == second.randint(1000)


def test_a_longer_call_begins_like_a_shorter_one() -> None:
    short, long = (seeded(0, "fog", 3, "a").normal(size=size) for size in (10, 9001))
    assert np.array_equal(short, long[:10])


def test_any_text_names_an_image() -> None:
    seeded(-(10**30), "fog", 1, "straße/\x00\ud800")


@pytest.mark.parametrize(
    ("method", "arguments", "dtype"),
    [
        ("uniform", (), np.float32),
        ("uniform", (-3.0, 5.0), np.float32),
        ("normal", (0.5, 2.0), np.float32),
        ("randint", (4,), np.int8),
        ("randint", (-128, 128), np.int8),
        ("randint", (0, 129), np.int64),
    ],
)
def test_draws_have_the_shape_that_was_asked_for_in_a_small_type(
    method: str, arguments: tuple[Any, ...], dtype: type
) -> None:
    draw = getattr(seeded(0, "fog", 3, "a"), method)
    for size, shape in ((7, (7,)), ((2, 3), (2, 3)), ((0, 3), (0, 3))):
        drawn = draw(*arguments, size=size)
        assert drawn.shape == shape
        assert drawn.dtype == dtype
    assert type(draw(*arguments)) is (int if method == "randint" else float)


def test_draws_lie_in_the_range_that_was_asked_for() -> None:
    draws = seeded(0, "fog", 3, "a")
    uniform, integers = draws.uniform(-3, 5, size=10_000), draws.randint(-4, 4, size=10_000)
    assert -3 <= uniform.min() < -2.9
    assert 4.9 < uniform.max() <= 5
    assert set(np.unique(integers)) == set(range(-4, 4))
    assert set(np.unique(draws.randint(3, size=1000))) == {0, 1, 2}


def test_normal_draws_have_the_mean_and_deviation_that_were_asked_for() -> None:
    drawn = seeded(0, "fog", 3, "a").normal(0.55, 0.3, size=1_000_000).astype(float)
    # Of a million draws the mean strays by 0.3 / 1000, the deviation by 0.3 / sqrt(2e6); 5 of those each.
    assert drawn.mean() == pytest.approx(0.55, abs=0.0015)
    assert drawn.std() == pytest.approx(0.3, abs=0.0011)


@pytest.fixture(scope="module")
def crop(natural: Image) -> Image:
    return np.ascontiguousarray(natural[80:180, 170:290])


def recorded(image: Image, name: str, severity: int) -> tuple[Calls, Image]:
    """The calls of a seeded corruption, and what it made of the image."""
    recorder = Recorder(seeded(0, name, severity, "a").key)
    return recorder.calls, CORRUPTIONS[name].load()(image, severity, recorder)


# The four noises sample their output bytes from seeded draws; `test_noise` compares the distributions.
@pytest.mark.parametrize("severity", [2, 5])
@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in CATEGORIES["noise"]])
def test_both_entry_points_make_the_same_of_the_same_draws(name: str, severity: int, crop: Image) -> None:
    calls, result = recorded(crop, name, severity)
    replay = Replay(calls)
    assert np.array_equal(corrupt(crop, name, severity, rng=replay), result)
    assert not replay.calls
    assert np.array_equal(corrupt(crop, name, severity, seed=0, image_id="a"), result)


@pytest.mark.parametrize("severity", [2, 5])
@pytest.mark.parametrize("name", ["glass_blur", "snow", "fog", "elastic_transform", "spatter"])
def test_single_precision_loses_next_to_nothing(name: str, severity: int, crop: Image) -> None:
    calls, result = recorded(crop, name, severity)
    exact = corrupt(crop, name, severity, rng=Replay(widened(calls)))
    difference = np.abs(result.astype(int) - exact.astype(int))
    assert difference.max() <= 1
    assert np.mean(difference == 0) >= 0.999


@pytest.mark.parametrize("name", SHIPPED)
def test_the_entry_of_a_corruption_states_whether_it_draws(name: str) -> None:
    image = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for severity in range(1, 6):
        one, other = (corrupt(image, name, severity, seed=seed, image_id="a") for seed in (0, 1))
        assert np.array_equal(one, other) is not CORRUPTIONS[name].draws, severity
        with_id = corrupt(image, name, severity, seed=0, image_id="b")
        assert np.array_equal(one, with_id) is not CORRUPTIONS[name].draws, severity
