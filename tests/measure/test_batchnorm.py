"""Re-estimated statistics of BatchNorm, against torch's own training mode and against sums in NumPy."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import CASES, CLASSES, Net, strengthened
from torch import Tensor, nn
from torch.nn import functional

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.batchnorm import norms_of, reestimated
from robustbench_seg.measure.views import predict, view_logits
from robustbench_seg.models import load_source
from robustbench_seg.models.base import NetworkSegmenter, Segmenter
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.models.source import Source
from robustbench_seg.store.view import View

CPU = torch.device("cpu")
VIEW = View(batchnorm=5)
SIDES = (64, 96)
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries


def images_of(count: int = 5, size: tuple[int, int] = SIDES, seed: int = 0) -> list[Tensor]:
    """Random uint8 images (H, W, 3) that differ in brightness and contrast, so that batches differ from images."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, *size, 3)) * rng.uniform(10, 60, (count, 1, 1, 3))
    return list(torch.from_numpy((noise + rng.uniform(60, 190, (count, 1, 1, 3))).clip(0, 255).astype(np.uint8)))


def segmenter(network: nn.Module) -> NetworkSegmenter:
    return NetworkSegmenter(
        name="net", network=network, class_names=CLASSES, licence="none", checkpoint_sha256="0", about=""
    )


def state_of(model: Segmenter) -> list[object]:
    assert isinstance(model, NetworkSegmenter)
    tensors = [tensor.numpy().tobytes() for tensor in model.network.state_dict().values()]
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.network.modules()]
    return [tensors, hooks, [module.training for module in model.network.modules()]]


class Deep(nn.Module):
    """Three convolutions with BatchNorm, the last one on the mean of the image, as DeepLab's."""

    def __init__(self, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.first, self.second, self.pooled = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 7, 3), nn.Conv2d(7, 4, 1)
        self.norms = nn.ModuleList(norm(channels) for channels in (6, 7, 4))
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Conv2d(11, len(CLASSES), 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.dropout(self.norms[0](self.first(images)).relu())
        x = self.norms[1](self.second(x)).relu()
        pooled = self.norms[2](self.pooled(x.mean(dim=(2, 3), keepdim=True))).relu()
        logits: Tensor = self.last(torch.cat([x, pooled.expand(-1, -1, *x.shape[2:])], dim=1))
        return logits


class Frozen(nn.Module):
    """BatchNorm of others: buffers that no training mode changes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, variance = (
            getattr(self, name)[:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
        )
        result: Tensor = (x - mean) / (variance + 1e-5).sqrt() * weight + bias
        return result


def drawn(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    return network


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.SyncBatchNorm, Frozen])
def test_statistics_are_those_of_each_layers_input_layer_by_layer(norm: Callable[[int], nn.Module]) -> None:
    model, images = segmenter(drawn(Deep(norm))), images_of()
    network = deepcopy(model.network).double()
    batch = IMAGENET.normalise(torch.stack(images).permute(0, 3, 1, 2)).double()
    expected = []

    def normalise(layer: nn.Module, x: Tensor) -> Tensor:
        """In NumPy, one channel after another, over all images and pixels."""
        values = x.detach().numpy()
        out = np.empty_like(values)
        mean, variance = np.empty(values.shape[1]), np.empty(values.shape[1])
        for channel in range(values.shape[1]):
            pixels = np.concatenate([image[channel].ravel() for image in values])
            mean[channel], variance[channel] = pixels.mean(), pixels.var()
            scaled = (values[:, channel] - mean[channel]) / np.sqrt(variance[channel] + 1e-5)
            out[:, channel] = scaled * layer.weight[channel].item() + layer.bias[channel].item()
        expected.append((mean, variance))
        return torch.from_numpy(out)

    x = normalise(network.norms[0], network.first(batch)).relu()
    x = normalise(network.norms[1], network.second(x)).relu()
    normalise(network.norms[2], network.pooled(x.mean(dim=(2, 3), keepdim=True)))
    with reestimated(model, VIEW, images, "fp32"):
        for layer, (mean, variance) in zip(model.network.norms, expected, strict=True):
            np.testing.assert_allclose(layer.running_mean, mean, rtol=2e-4, atol=2e-5)
            np.testing.assert_allclose(layer.running_var, variance, rtol=2e-4)


NETWORKS = [
    *("smp DeepLabV3Plus", "smp PSPNet", "Transformers mobilenet_v2", "Transformers segformer"),
    *("Transformers upernet", "torchvision lraspp_mobilenet_v3_large", "a function of one's own"),
]


@pytest.mark.parametrize("name", NETWORKS)
def test_one_image_gets_the_logits_that_torch_gives_it_in_a_training_batch_of_all(name: str, tmp_path: Path) -> None:
    """With images of one size, the evaluation of each equals torch's normalisation of all of them together."""
    CASES[name].build(tmp_path)
    source = Source.parse(CASES[name].source.replace("{}", str(tmp_path)))
    model = load_source(source, "model", CLASSES, CPU)
    assert isinstance(model, NetworkSegmenter)
    images = images_of(4, (128, 160))
    batch = torch.stack(images).permute(0, 3, 1, 2)
    training = deepcopy(model)
    for module in training.network.modules():
        module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)
    with torch.no_grad():
        expected = training(batch)
        usual = model(batch)
    with reestimated(model, VIEW, images, "fp32"), torch.inference_mode():
        got = torch.cat([view_logits(model, image[None], VIEW)[0] for image in batch])
    scale = float(expected.abs().max())
    torch.testing.assert_close(got, expected, atol=2e-3 * scale, rtol=0)
    assert float((usual - expected).abs().max()) > 0.05 * scale, "else it would not show"


def test_a_view_of_several_passes_sums_over_all_of_them() -> None:
    model, images = segmenter(strengthened(Net())), images_of()
    view = View(mode="slide", crop=64, stride=32, batchnorm=5)
    windows = torch.cat([torch.stack(images).permute(0, 3, 1, 2)[:, :, :, x : x + 64] for x in (0, 32)])
    values = model.network.first(IMAGENET.normalise(windows)).detach().double().numpy()
    with reestimated(model, view, images, "fp32"):
        np.testing.assert_allclose(model.network.norm.running_mean, values.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.network.norm.running_var, values.var(axis=(0, 2, 3)), rtol=1e-5)


def test_padding_is_part_of_the_input_that_is_summed() -> None:
    model, images = segmenter(strengthened(Net())), images_of(size=(50, 70))
    batch = functional.pad(IMAGENET.normalise(torch.stack(images).permute(0, 3, 1, 2)), (0, 26, 0, 14))
    values = model.network.first(batch).detach().double().numpy()
    with reestimated(model, View(mode="pad-32", batchnorm=5), images, "fp32"):
        np.testing.assert_allclose(model.network.norm.running_mean, values.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)


def test_images_of_several_sizes_are_weighted_by_their_pixels() -> None:
    model = segmenter(strengthened(Net()))
    images = [*images_of(2), *images_of(1, (48, 64), seed=1)]
    each = [model.network.first(IMAGENET.normalise(image.permute(2, 0, 1)[None])).detach()[0] for image in images]
    values = np.concatenate([one.double().numpy().reshape(8, -1) for one in each], axis=1)
    with reestimated(model, VIEW, images, "fp32"):
        np.testing.assert_allclose(model.network.norm.running_var, values.var(axis=1), rtol=1e-5)


class StopError(Exception):
    pass


@pytest.mark.parametrize("where", ["nowhere", "within", "in the network"])
def test_the_model_is_restored_to_the_bit(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = segmenter(drawn(Deep()))
    with torch.no_grad():
        for norm in model.network.norms:
            norm.running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    image, *_ = images_of(seed=3)
    usual = predict(model, image, View(), SIDES, "fp32")
    model.network.norms[1].train()  # whatever the flags are, they come back
    before = state_of(model)

    def stop(*_: object) -> None:
        raise StopError

    try:
        if where == "in the network":
            monkeypatch.setattr(model.network.last, "forward", stop)
        with reestimated(model, VIEW, images_of(), "fp32"):
            assert state_of(model)[1:] == before[1:], "no hook is left, and the block runs in evaluation as before"
            assert state_of(model)[0] != before[0]
            if where == "within":
                stop()
    except StopError:
        assert where != "nowhere"
    monkeypatch.undo()
    assert state_of(model) == before
    model.network.norms[1].eval()
    assert torch.equal(predict(model, image, View(), SIDES, "fp32"), usual)


def test_a_part_that_only_training_uses_keeps_its_statistics() -> None:
    network = strengthened(Net())
    network.auxiliary = nn.BatchNorm2d(3)
    with reestimated(segmenter(network), VIEW, images_of(), "fp32"):
        assert torch.equal(network.auxiliary.running_mean, torch.zeros(3))
        assert torch.equal(network.auxiliary.running_var, torch.ones(3))


class Folding(Net):
    """Reads the statistics, and does not call its BatchNorm."""

    def forward(self, images: Tensor) -> Tensor:
        mean = self.norm.running_mean[:, None, None]
        logits: Tensor = self.last((self.first(images) - mean).relu())
        return logits


def test_a_network_that_reads_statistics_elsewhere_is_refused_and_restored() -> None:
    model = segmenter(Folding())
    before = state_of(model)
    message = "^net: reads the statistics of its BatchNorm norm without calling it, so they can't be re-estimated; "
    with pytest.raises(UsageError, match=message), reestimated(model, VIEW, images_of(), "fp32"):
        pass
    assert state_of(model) == before


def test_a_mean_over_one_image_alone_is_refused() -> None:
    model = segmenter(drawn(Deep()))
    message = "^net: a BatchNorm behind the mean of an image gets one value per channel"
    with pytest.raises(UsageError, match=message), reestimated(model, VIEW, images_of(1), "fp32"):
        pass


REFUSED = {
    "ONNX, free batch and sides": "needs a torch network, and the statistics of this model are out of reach",
    "torch.export, free sides": "is a program whose BatchNorms are out of reach",
    "Transformers eomt": "has no BatchNorm with statistics",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_without_statistics_in_reach_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    CASES[name].build(tmp_path)
    model = load_source(Source.parse(CASES[name].source.replace("{}", str(tmp_path))), "model", CLASSES, CPU)
    with pytest.raises(UsageError, match=f"^model: .*{REFUSED[name]}.*; measure it with batchnorm stored$") as error:
        norms_of(model)
    assert "\n" not in str(error.value)
