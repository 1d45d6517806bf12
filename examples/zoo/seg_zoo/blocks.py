"""Blocks that several networks share. Attribute names are the published files' keys.

B batch, C channels, H and W rows and columns. Unless stated, convolutions have no bias and keep H and W.
"""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

__all__ = [
    "BNAct",
    "Conv",
    "ConvBN",
    "ConvBNAct",
    "convolution",
    "cumulated",
    "doubling",
    "enlarged",
    "shrunk_image",
]

Kernel = int | tuple[int, int]


def convolution(
    inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Make a convolution without bias. An odd kernel gives H / stride rows, rounded up."""
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (dilation * (rows - 1) // 2, dilation * (columns - 1) // 2)
    return nn.Conv2d(
        inputs, outputs, (rows, columns), stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False
    )


def doubling(channels: int) -> nn.ConvTranspose2d:
    """Make a transposed convolution without bias that doubles H and W."""
    return nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)


class Conv(nn.Module):
    """A convolution alone, for files whose keys have one more level."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, kernel, stride, dilation, groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ConvBN(nn.Module):
    """A convolution, then BatchNorm."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, groups: int = 1, *, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, kernel, stride, groups=groups)
        self.bn = nn.BatchNorm2d(outputs, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ConvBNAct(ConvBN):
    """A convolution, BatchNorm, then a PReLU with a slope per channel."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, groups: int = 1, *, eps: float = 1e-5
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups, eps=eps)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(super().forward(x))


class BNAct(nn.Module):
    """BatchNorm, then a PReLU with a slope per channel."""

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=eps)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(x))


def cumulated(branches: Iterable[Tensor]) -> list[Tensor]:
    """Replace each map by the sum of it and those before it."""
    sums: list[Tensor] = []
    for branch in branches:
        sums.append(sums[-1] + branch if sums else branch)
    return sums


def shrunk_image(image: Tensor, times: int) -> Tensor:
    """Halve H and W that many times: the mean of the 3x3 pixels around every second pixel, with zeros outside."""
    for _ in range(times):
        image = avg_pool2d(image, 3, stride=2, padding=1)
    return image


def enlarged(x: Tensor, *, align_corners: bool = True) -> Tensor:
    """Double H and W, bilinearly."""
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=align_corners)
