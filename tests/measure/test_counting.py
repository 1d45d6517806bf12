"""Counts as operations on a device: the integers of the metrics' own code, from the same maps, bit for bit."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from waiting import nothing_waits

from robustbench_seg.measure import counting
from robustbench_seg.measure.counting import COUNTERS, Maps, columns_of, count_maps
from robustbench_seg.metrics import SHIPPED, Prediction

IGNORE = 255
NAMES = tuple(COUNTERS)
SIZES = [(1, 1), (1, 40), (33, 1), (31, 47), (64, 96), (50, 50), (120, 67), (300, 401)]
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


def blobs(generator: np.random.Generator, size: tuple[int, int], classes: int) -> np.ndarray:
    """A class map of patches with a few single pixels, as predictions are."""
    small = generator.integers(classes, size=(-(-size[0] // 9), -(-size[1] // 9)), dtype=np.uint8)
    large = np.kron(small, np.ones((9, 9), np.uint8))[: size[0], : size[1]]
    single = generator.random(size) < 0.02
    return np.where(single, generator.integers(classes, size=size), large).astype(np.uint8)


def drawn_maps(seed: int, size: tuple[int, int], classes: int, images: int = 3) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = np.stack([blobs(generator, size, classes + 1) for _ in range(images)])
    label[label == classes] = IGNORE
    predicted = np.stack([blobs(generator, size, classes + 1) for _ in range(images)])  # classes: none of them
    agree = generator.random(label.shape) < 0.5
    predicted = np.where(agree & (label != IGNORE), label, predicted).astype(np.uint8)
    confidence = generator.random(label.shape).astype(np.float32)
    bounds = np.array([0, 1, *(k / 15 for k in range(16)), *((k + 0.5) / 2**20 for k in range(8))], np.float32)
    some = generator.random(label.shape) < 0.3
    confidence[some] = generator.choice(np.concatenate([bounds, np.nextafter(bounds[1:17], 0)]), some.sum())
    likelihood = -generator.exponential(3, label.shape).astype(np.float32)
    likelihood[generator.random(label.shape) < 0.1] = np.float32(math.log(torch.finfo(torch.float32).tiny))
    likelihood[label == IGNORE] = np.nan  # undefined
    return {"classes": predicted, "label": label, "confidence": confidence, "log_likelihood": likelihood}


def on_device(maps: dict[str, np.ndarray], device: str, void: str = "ignored") -> Maps:
    return Maps(**{name: torch.from_numpy(values).to(device) for name, values in maps.items()}, void=void)


def expected(
    maps: dict[str, np.ndarray], image: int, names: tuple[str, ...], classes: int, void: str
) -> dict[str, Any]:
    own = {name: values[image] for name, values in maps.items()}
    prediction = Prediction(num_classes=classes, ignore=IGNORE, void=void, **own)
    counts: dict[str, Any] = {}
    for name in names:
        counts |= SHIPPED[name].count_image(prediction)
    return counts


def assert_equal(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(got) == list(wanted)
    for name, value in wanted.items():
        assert np.array_equal(got[name], value), name
        assert np.asarray(got[name]).dtype == np.int64


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("classes", [2, 19, 150, 254])
@pytest.mark.parametrize("size", SIZES)
def test_counts_are_those_of_the_metrics(size: tuple[int, int], classes: int, device: str) -> None:
    maps = drawn_maps(hash((size, classes)) % 2**31, size, classes)
    counts = count_maps(on_device(maps, device), NAMES).cpu().numpy()
    assert counts.dtype == np.int64
    for image in range(3):
        assert_equal(columns_of(counts[image], NAMES, classes), expected(maps, image, NAMES, classes, "ignored"))


@pytest.mark.parametrize("device", DEVICES)
def test_of_some_metrics_and_of_the_rule_for_pixels_without_a_label(device: str) -> None:
    maps = drawn_maps(1, (40, 50), 5)
    for names in (("miou",), ("miou", "likelihood"), ("miou", "boundary", "calibration")):
        counts = count_maps(on_device(maps, device), names).cpu().numpy()
        for image in range(3):
            assert_equal(columns_of(counts[image], names, 5), expected(maps, image, names, 5, "ignored"))
    counts = count_maps(on_device(maps, device, "counted"), ("miou",)).cpu().numpy()
    for image in range(3):
        own = columns_of(counts[image], ("miou",), 5)
        assert_equal(own, expected(maps, image, ("miou",), 5, "counted"))
        assert own["predicted"].sum() > own["labelled"].sum()


@pytest.mark.parametrize("label", [IGNORE, 0])
def test_images_without_labels_or_of_one_class(label: int) -> None:
    maps = drawn_maps(2, (20, 30), 3)
    maps["label"][:] = label
    maps["log_likelihood"][:] = -1
    counts = count_maps(on_device(maps, "cpu"), NAMES).numpy()
    assert_equal(columns_of(counts[0], NAMES, 3), expected(maps, 0, NAMES, 3, "ignored"))


def test_what_a_metric_refuses_is_refused() -> None:
    for field, value in (("label", 5), ("classes", 6), ("confidence", 1.5), ("confidence", np.nan),
                         ("log_likelihood", 0.1), ("log_likelihood", -np.inf)):  # fmt: skip
        maps = drawn_maps(3, (20, 30), 5)
        maps["label"][1, 4, 7] = 1
        maps["log_likelihood"][1, 4, 7] = -1
        maps[field][1, 4, 7] = value
        counts = count_maps(on_device(maps, "cpu"), NAMES).numpy()
        columns_of(counts[0], NAMES, 5)
        with pytest.raises(ValueError) as own:
            expected(maps, 1, NAMES, 5, "ignored")
        with pytest.raises(ValueError) as there:
            columns_of(counts[1], NAMES, 5)
        assert str(there.value).split(", ")[0] == str(own.value).split(", ")[0]


def test_every_metric_that_ships_is_counted_there() -> None:
    assert COUNTERS.keys() == SHIPPED.keys()


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 93])
def test_extremes_of_windows_are_those_of_a_loop(side: int) -> None:
    values = torch.from_numpy(np.random.default_rng(side).integers(255, size=(2, 100, 7), dtype=np.uint8))
    got = counting.sliding(values, side, 1, torch.minimum)
    slow = torch.stack([values[:, k : k + side].amin(dim=1) for k in range(100 - side + 1)], dim=1)
    assert torch.equal(got, slow)


@CUDA
def test_counting_never_waits_for_the_device() -> None:
    maps = on_device(drawn_maps(4, (64, 96), 19), "cuda")
    count_maps(maps, NAMES)
    with nothing_waits():
        count_maps(maps, NAMES)
