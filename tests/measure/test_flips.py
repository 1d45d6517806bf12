"""Batches and devices change the class of almost no pixel: at most one of a million on one device."""

import pytest
import torch

from robustbench_seg.datasets.streets import Streets
from robustbench_seg.measure.views import predict
from robustbench_seg.models import load_source
from robustbench_seg.models.registry import BUILTIN_WEIGHTS
from robustbench_seg.models.source import Source
from robustbench_seg.store.view import View

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
SIZE, COUNT = (256, 512), 8  # a million pixels
SHIPPED = sorted(BUILTIN_WEIGHTS)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    scenes = Streets("val", size=SIZE, count=COUNT)
    return torch.stack([torch.from_numpy(scenes.load(each).image) for each in scenes.ids])


def classes(name: str, images: torch.Tensor, batch: int, device: str) -> torch.Tensor:
    model = load_source(Source.parse(name), "m", Streets.class_names, torch.device(device))
    parts = [predict(model, part, View(), SIZE, "fp32") for part in images.split(batch)]
    return torch.cat(parts).cpu()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
@pytest.mark.parametrize("name", SHIPPED)
def test_a_batch_changes_the_class_of_one_pixel_in_a_million_at_most(
    name: str, device: str, images: torch.Tensor
) -> None:
    one, four = (classes(name, images, batch, device) for batch in (1, 4))
    assert one.numel() >= 1e6
    assert len(one.unique()) > 5, "the networks tell classes apart"
    assert (one != four).sum() <= one.numel() / 1e6


@CUDA
@pytest.mark.parametrize("name", SHIPPED)
def test_a_gpu_gives_almost_every_pixel_the_class_of_the_cpu(name: str, images: torch.Tensor) -> None:
    here, there = (classes(name, images, 1, device) for device in ("cpu", "cuda"))
    assert (here != there).sum() <= here.numel() / 1e4
