"""FSSNet: factorised and dilated bottlenecks, with sums of the encoder's and the decoder's maps.

Source: Zhang et al., "Fast Semantic Segmentation for Scene Perception", IEEE Transactions on Industrial Informatics,
2018. H and W must be multiples of 8.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from ..blocks import enlarged
from .blocks import Activation, DownBlock, Up, cb, cba

__all__ = ["FSSNet", "build"]


class Bottleneck(nn.Module):
    """Reduce, a factorised or dilated convolution, expand, plus the input."""

    def __init__(self, channels: int, dilation: int | None = None) -> None:
        super().__init__()
        hidden = channels // 4
        if dilation is None:
            main = [cb(hidden, hidden, (1, 3)), cba(hidden, hidden, (3, 1), act=nn.PReLU)]
        else:
            main = [cba(hidden, hidden, 3, dilation=dilation, act=nn.PReLU)]
        self.conv = nn.Sequential(cba(channels, hidden, act=nn.PReLU), *main, cb(hidden, channels))
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.conv(x))


class Down(nn.Module):
    """Half of H and W: the sum of a bottleneck and of a maximum."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = outputs // 4
        self.conv = nn.Sequential(
            cba(inputs, hidden, 2, 2, act=nn.PReLU), cba(hidden, hidden, 3, act=nn.PReLU), cb(hidden, outputs)
        )
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), cb(inputs, outputs))
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x) + self.pool(x))


class UpBlock(nn.Module):
    """Twice H and W: the sum of a bottleneck, and of the input and the encoder's map, enlarged."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = inputs // 4
        self.deconv = nn.Sequential(
            cba(inputs, hidden, act=nn.PReLU), Up(hidden, hidden, nn.PReLU), cb(hidden, outputs)
        )
        self.conv = cb(inputs, outputs)
        self.act = Activation(nn.PReLU)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.act(self.deconv(x) + enlarged(self.conv(x + skip)))


class FSSNet(nn.Module):
    """Normalised images (B, 3, H, W) in, logits (B, K, H, W) out."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.init_block = DownBlock(3, 16, nn.PReLU)
        self.down1 = Down(16, 64)
        self.factorized = nn.Sequential(*(Bottleneck(64) for _ in range(4)))
        self.down2 = Down(64, 128)
        self.dilated = nn.Sequential(*(Bottleneck(128, dilation) for dilation in (2, 5, 9, 2, 5, 9)))
        self.up2 = UpBlock(128, 64)
        self.bottleneck2 = nn.Sequential(Bottleneck(64, 1), Bottleneck(64, 1))
        self.up1 = UpBlock(64, 16)
        self.bottleneck1 = nn.Sequential(Bottleneck(16, 1), Bottleneck(16, 1))
        self.full_conv = Up(16, num_classes, nn.PReLU)

    def forward(self, image: Tensor) -> Tensor:
        quarter = self.down1(self.init_block(image))
        eighth = self.down2(self.factorized(quarter))
        x = self.bottleneck2(self.up2(self.dilated(eighth), eighth))
        x = self.bottleneck1(self.up1(x, quarter))
        return self.full_conv(x)


def build(tensors: Mapping[str, Tensor]) -> FSSNet:
    """Make the network that a file was written for. K is read from the shapes."""
    return FSSNet(tensors["full_conv.up_conv.0.weight"].shape[1])
