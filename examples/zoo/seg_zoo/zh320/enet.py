"""ENet: bottlenecks whose maxima remember where they were.

Source: Paszke et al., "ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation", 2016, arXiv
1606.02147: section 4, figure 2, table 1; without dropout, and with other activations. H and W must be multiples of 8.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, max_unpool2d

from ..blocks import Kernel, convolution, enlarged
from .blocks import Activation, DownBlock, cba

__all__ = ["ENet", "build"]


class Bottleneck(nn.Module):
    """Reduce, a main convolution, expand, plus the input. Kernel 5 is a column and a row."""

    def __init__(self, channels: int, kernel: int = 3, dilation: int = 1) -> None:
        super().__init__()
        hidden = channels // 4
        kernels: tuple[Kernel, ...] = (3,) if kernel == 3 else ((kernel, 1), (1, kernel))
        main = (cba(hidden, hidden, each, dilation=dilation, act=nn.ReLU) for each in kernels)
        self.right_init_conv = nn.Sequential(cba(channels, hidden, act=nn.ReLU), *main)
        self.right_last_conv = nn.Sequential(convolution(hidden, channels))
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.right_last_conv(self.right_init_conv(x)))


class DownBottleneck(nn.Module):
    """Half of H and W; also gives the indices of the maxima."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = inputs // 4
        self.left_conv = cba(inputs, outputs, act=nn.ReLU)
        self.right_init_conv = nn.Sequential(
            cba(inputs, hidden, 3, 2, act=nn.ReLU), cba(hidden, hidden, 3, act=nn.ReLU)
        )
        self.right_last_conv = nn.Sequential(convolution(hidden, outputs))
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        left, indices = max_pool2d(x, 2, return_indices=True)
        return self.act(self.left_conv(left) + self.right_last_conv(self.right_init_conv(x))), indices


class Doubling(nn.Module):
    """A transposed convolution with twice H and W; the files' keys have one more level."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up_conv = nn.ConvTranspose2d(channels, channels, 3, 2, padding=1, output_padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.up_conv(x)


class UpBottleneck(nn.Module):
    """Twice H and W; values return to where the maxima were."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = inputs // 4
        self.left_conv = cba(inputs, outputs, act=nn.ReLU)
        self.right_init_conv = nn.Sequential(cba(inputs, hidden, act=nn.ReLU), Doubling(hidden))
        self.right_last_conv = nn.Sequential(convolution(hidden, outputs))
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        left = max_unpool2d(self.left_conv(x), indices, [2, 2])
        return self.act(left + self.right_last_conv(self.right_init_conv(x)))


def varied(channels: int) -> nn.Sequential:
    """Make the eight bottlenecks of stages 2 and 3."""
    configs = ((3, 1), (3, 2), (5, 1), (3, 4), (3, 1), (3, 8), (5, 1), (3, 16))  # kernel, dilation
    return nn.Sequential(*(Bottleneck(channels, *config) for config in configs))


class ENet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.initial = DownBlock(3, 16, nn.PReLU)
        self.bottleneck1 = nn.ModuleDict({
            "conv_pool": DownBottleneck(16, 64), "conv_regular": nn.Sequential(*(Bottleneck(64) for _ in range(4)))
        })  # fmt: skip
        self.bottleneck2 = nn.ModuleDict({"conv_pool": DownBottleneck(64, 128), "conv_regular": varied(128)})
        self.bottleneck3 = nn.ModuleDict({"conv_regular": varied(128)})
        self.bottleneck4 = nn.ModuleDict({
            "conv_unpool": UpBottleneck(128, 64), "conv_regular": Bottleneck(64), "conv_extra": Bottleneck(64)
        })  # fmt: skip
        self.bottleneck5 = nn.ModuleDict({"conv_unpool": UpBottleneck(64, 16), "conv_regular": Bottleneck(16)})
        self.fullconv = nn.ModuleDict({"up_conv": nn.Sequential(cba(16, num_classes, act=nn.PReLU))})

    def forward(self, image: Tensor) -> Tensor:
        x, of_half = self.bottleneck1["conv_pool"](self.initial(image))
        x, of_quarter = self.bottleneck2["conv_pool"](self.bottleneck1["conv_regular"](x))
        x = self.bottleneck3["conv_regular"](self.bottleneck2["conv_regular"](x))
        x = self.bottleneck4["conv_unpool"](x, of_quarter)
        x = self.bottleneck4["conv_extra"](self.bottleneck4["conv_regular"](x))
        x = self.bottleneck5["conv_regular"](self.bottleneck5["conv_unpool"](x, of_half))
        return enlarged(self.fullconv["up_conv"](x), align_corners=False)


def build(tensors: Mapping[str, Tensor]) -> ENet:
    """Make the network that a file was written for. K is read from the shapes."""
    return ENet(tensors["fullconv.up_conv.0.0.weight"].shape[0])
