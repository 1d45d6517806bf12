import itertools

import numpy as np

from robustbench_seg.corruptions.seeds import seeded


def test_equal_names_give_equal_streams() -> None:
    first, second = seeded(0, "fog", 3, "a"), seeded(0, "fog", 3, "a")
    assert np.array_equal(first.random_sample(100), second.random_sample(100))


def test_every_part_of_the_name_matters_and_none_runs_into_the_next() -> None:
    seeds, corruptions, severities, image_ids = (
        (0, 1, 11, -1),
        ("fog", "fo", "g"),
        (1, 2, 5),
        ("", "1", "g", '"'),
    )
    names = list(itertools.product(seeds, corruptions, severities, image_ids))
    assert len({seeded(*name).random_sample() for name in names}) == len(names)


def test_neighbouring_names_give_uncorrelated_streams() -> None:
    # The correlation of 10000 independent pairs has standard deviation 0.01.
    first, second = (seeded(0, "fog", 3, f"{i:06}").standard_normal(10_000) for i in range(2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_any_text_names_an_image() -> None:
    seeded(-(10**30), "fog", 1, "straße/\x00\ud800")
