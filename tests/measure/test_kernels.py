"""Triton's kernels: the classes and scores of PyTorch's own resizing, and the integers of the metrics' own code.

Without a GPU an interpreter runs them; it is Triton's own.
"""

from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from robustbench_seg.alignment import align
from robustbench_seg.datasets.base import IGNORE
from robustbench_seg.environment import describe_process
from robustbench_seg.measure import counting, devices, rating
from robustbench_seg.measure.counting import COUNTERS, Maps, columns_of, count_maps
from robustbench_seg.metrics import SHIPPED, Prediction

triton = pytest.importorskip("triton")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The kernels, in use on this device."""
    from robustbench_seg.measure import kernels

    for user in (counting, rating):
        monkeypatch.setattr(user, "kernels_on", lambda device: kernels)
    return kernels


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def labels(*shape: int, classes: int, seed: int = 1) -> torch.Tensor:
    values = np.random.default_rng(seed).integers(classes + 1, size=shape)
    return torch.from_numpy(np.where(values == classes, IGNORE, values).astype(np.uint8)).to(DEVICE)


SIZES = [((1, 1), (3, 5)), ((9, 7), (18, 28)), ((8, 24), (13, 300)), ((10, 30), (10, 30)), ((20, 50), (11, 33))]


@pytest.mark.parametrize(("small", "size"), SIZES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_scan_resizes_as_interpolate_does(
    small: tuple[int, int], size: tuple[int, int], memory_format: torch.memory_format, kernels: ModuleType
) -> None:
    logits, label = drawn(2, 6, *small).to(memory_format=memory_format), labels(2, *size, classes=6)
    scores = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
    best, expected = scores.max(dim=1)
    classes, margin, total = kernels.scan(logits, size, label)
    assert classes.dtype == torch.int64
    two = scores.topk(2, dim=1).values
    assert torch.equal(classes[two[:, 0] - two[:, 1] > 1e-5], expected[two[:, 0] - two[:, 1] > 1e-5])
    labelled = scores.gather(1, label[:, None].long().clamp(max=5))[:, 0]
    torch.testing.assert_close(margin, labelled - best, atol=1e-5, rtol=0)
    torch.testing.assert_close(total, (scores - best[:, None]).exp().sum(dim=1), atol=0, rtol=1e-4)
    (alone,) = kernels.scan(logits, size)
    assert torch.equal(alone, classes), "a metric more changes no class"


def test_a_rating_is_that_of_whole_rows(kernels: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, label = [drawn(2, 5, 8, 12)], labels(2, 31, 45, classes=5)
    got = rating.rate(logits, label)
    assert torch.equal(got.classes, rating.classify(logits, (31, 45)))
    monkeypatch.setattr(rating, "kernels_on", lambda device: None)
    expected, valid = rating.rate(logits, label), label != IGNORE
    assert (got.classes != expected.classes).sum() <= 1
    torch.testing.assert_close(got.confidence, expected.confidence, atol=1e-5, rtol=0)
    torch.testing.assert_close(got.log_likelihood[valid], expected.log_likelihood[valid], atol=1e-4, rtol=0)


def test_a_metric_more_changes_no_class_of_a_model_with_other_classes(kernels: ModuleType) -> None:
    alignment = align([f"kind {k}" for k in range(19)], ["a", "b", "c"], {f"kind {k}": "abc"[k % 3] for k in range(19)})
    coarse, size = torch.round(drawn(2, 19, 6, 9)) / 4 - 20, (23, 34)  # with ties, where one bit decides
    alone = alignment.predict(rating.classify([coarse], size))
    rated = rating.rate([coarse], labels(2, *size, classes=3), alignment)
    assert torch.equal(rated.classes, alone)


def test_sums_of_weights_are_no_counts(kernels: ModuleType) -> None:
    ones, sevens = torch.ones((1, 2, 3), dtype=torch.uint8), torch.full((1, 2, 3), 7)
    assert counting.histogram(ones, 2, sevens).tolist() == [[0, 42]]


@pytest.mark.parametrize("bins", [2, 31, 256])
@pytest.mark.parametrize("size", [(1, 1), (32, 32), (20, 1701)])
def test_a_histogram_counts_each_value(size: tuple[int, int], bins: int, kernels: ModuleType) -> None:
    generator = np.random.default_rng(bins)
    values = generator.integers(bins, size=(3, *size))
    for dtype in (np.uint8, np.int32, np.int64):
        got = kernels.histogram(torch.from_numpy(values.astype(dtype)).to(DEVICE), bins).cpu().numpy()
        assert np.array_equal(got, [np.bincount(one.ravel(), minlength=bins) for one in values])


def test_quanta_are_rounded_half_to_even_and_summed_by_bin(kernels: ModuleType) -> None:
    generator = np.random.default_rng(5)
    values = generator.random((2, 30, 50)).astype(np.float32)
    values[0, :4] = ((generator.integers(2**20, size=(4, 50)) + 0.5) / 2**20).astype(np.float32)
    values[0, 4, :17] = [0, 1, *(k / 15 for k in range(15))]
    label, classes = (labels(2, 30, 50, classes=3, seed=seed) for seed in (1, 2))
    values[1, 0, :3], label[1, 0, :3] = (1.1, -0.1, np.nan), 0
    got = kernels.quanta(torch.from_numpy(values).to(DEVICE), classes, label, 15, 0, 1).cpu().numpy()
    for image, wrong in ((0, 0), (1, 3)):
        own, there = values[image], label[image].cpu().numpy()
        use = (there != IGNORE) & (own >= 0) & (own <= 1)
        whole = np.rint(own[use].astype(np.float64) * 2**20).astype(np.int64)
        bins = np.ceil(whole * 15 / 2**20).astype(np.int64).clip(1) - 1
        right = (classes[image].cpu().numpy() == there)[use]
        expected = [np.bincount(bins, some, 15) for some in (None, right, whole)]
        assert np.array_equal(got[image], [*np.concatenate(expected), wrong])


@pytest.mark.parametrize(
    ("size", "width"),
    [((1, 1), 1), ((1, 64), 3), ((40, 33), 3), ((35, 300), 15), ((30, 300), 16), ((20, 70), 17), ((12, 150), 46)],
)
def test_rims_are_the_pixels_whose_window_holds_two_values(
    size: tuple[int, int], width: int, kernels: ModuleType
) -> None:
    generator, cell = np.random.default_rng(width), 2 * width + 5
    coarse = generator.choice([0, 1, IGNORE], size=(2, size[0] // cell + 1, size[1] // cell + 1)).astype(np.uint8)
    values = coarse.repeat(cell, axis=1).repeat(cell, axis=2)[:, : size[0], : size[1]].copy()
    values[1] = IGNORE
    values[1, size[0] // 2, size[1] // 2] = 7  # alone: its square has corners, one for each way to miss it
    got = kernels.rims(torch.from_numpy(values).to(DEVICE), width)
    assert got.dtype == torch.bool
    filters = ndimage.minimum_filter, ndimage.maximum_filter
    for one, rim in zip(values, got.cpu().numpy(), strict=True):
        low, high = (each(one, 2 * width + 1, mode="constant", cval=IGNORE) for each in filters)
        assert np.array_equal(rim, low != high)


@pytest.mark.parametrize("void", ["ignored", "counted"])
def test_counts_are_those_of_the_metrics(void: str, kernels: ModuleType) -> None:
    label = labels(2, 40, 60, classes=4)
    rated = rating.rate([drawn(2, 4, 10, 15) * 3], label)
    names = ("miou",) if void == "counted" else tuple(COUNTERS)
    maps = Maps(rated.classes.to(torch.uint8), label, rated.confidence, rated.log_likelihood, void)
    counts = count_maps(maps, names).cpu().numpy()
    for image in range(2):
        fields = ("classes", "label", "confidence", "log_likelihood")
        own = {name: getattr(maps, name)[image].cpu().numpy() for name in fields}
        got = columns_of(counts[image], names, 4)
        for name in names:
            for column, value in (
                SHIPPED[name].count_image(Prediction(num_classes=4, ignore=IGNORE, void=void, **own)).items()
            ):
                assert np.array_equal(got[column], value), column


def test_there_are_none_on_a_cpu_and_none_where_triton_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from robustbench_seg.measure import kernels

    assert devices.kernels_on(torch.device("cpu")) is None

    def fail(device: torch.device) -> None:
        raise faults.pop()

    faults = [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("Failed to find C compiler")]
    monkeypatch.setattr(kernels, "try_all", fail)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    devices.kernels_of.cache_clear()
    assert devices.accelerator_of(torch.device("cuda")) == ("a GPU", False)
    assert devices.kernels_on(torch.device("cuda:3")) is None, "the same GPU is tried once"
    with pytest.raises(torch.OutOfMemoryError):
        devices.kernels_on(torch.device("cuda:1"))
    devices.kernels_of.cache_clear()


def test_each_is_tried_before_one_is_used(kernels: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.try_all(DEVICE)
    for name in ("scan", "histogram", "quanta", "rims"):

        def fail(*arguments: object, name: str = name) -> None:
            raise RuntimeError(name)

        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match=name):
            patch.setattr(kernels, name, fail)
            kernels.try_all(DEVICE)


def test_a_record_names_what_counts_on_a_gpu() -> None:
    assert "triton" not in describe_process("cpu")["packages"]
    assert describe_process("a GPU", kernels=False)["packages"]["triton"] == "not used"
    assert describe_process("a GPU", kernels=True)["packages"]["triton"] == triton.__version__
