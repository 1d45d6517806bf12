"""A folded network computes what the network does: held against its own layers in float64."""

from copy import deepcopy

import pytest
import torch
from seg_zoo.files import load
from seg_zoo.folding import fold
from torch import nn
from zoo_files import ROWS, needs_weights, path_of

NETWORKS = [name for name in ROWS if name.endswith(".pth")] or ["none"]


@needs_weights
@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_gives_the_logits_of_its_layers_in_float64(name: str) -> None:
    loaded = load(path_of(name))
    recipe = loaded.architecture.recipes[loaded.outputs]
    pixels = torch.rand(1, 3, 128, 256, generator=torch.Generator().manual_seed(0)) * 255
    images = (pixels * recipe.rescale - torch.tensor(recipe.mean)[:, None, None]) / torch.tensor(recipe.std)[
        :, None, None
    ]
    with torch.inference_mode():
        wanted = deepcopy(loaded.network).double()(images.double())
        folded = fold(loaded.network)
        logits = folded(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, wanted.float(), rtol=0, atol=2e-5 * wanted.abs().max().item())
    assert (logits.argmax(1) != wanted.argmax(1)).double().mean() < 1e-3


class Small(nn.Module):
    """Two BatchNorms that read a convolution's output, across modules, and one that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU())
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(5), nn.BatchNorm2d(6)])
        self.up = nn.ConvTranspose2d(4, 5, 2, stride=2)
        self.last = nn.Conv2d(5, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norms[0](self.first(x))
        x = self.norms[1](self.up(x))
        return self.norms[2](self.last(x))


def test_a_norm_is_folded_into_the_convolution_whose_output_it_reads_and_into_no_other() -> None:
    generator = torch.Generator().manual_seed(0)
    network = Small().eval()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    image = torch.rand(1, 3, 20, 30, generator=generator)
    with torch.inference_mode():
        wanted = network(image)
        folded = fold(network)
        torch.testing.assert_close(folded(image), wanted)
    assert [type(norm) for norm in folded.norms] == [nn.BatchNorm2d, nn.Identity, nn.Identity]
    assert folded.first[0].bias is None


class ReadTwice(nn.Module):
    """The convolution's output goes to a BatchNorm and into a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.convolution(x)
        return x + self.norm(x)


def test_a_network_that_folding_would_change_is_refused() -> None:
    network = ReadTwice().eval()
    network.norm.running_var.fill_(4.0)
    with pytest.raises(ValueError, match="use the network as it is"):
        fold(network)
