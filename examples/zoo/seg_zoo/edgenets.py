"""The decoder that ESPNetv2 and DiCENet share: efficient pyramid pooling at four sizes, added to the encoder's maps.

Source: Mehta et al., "DiCENet: Dimension-wise Convolutions for Efficient Networks", IEEE TPAMI 2020, arXiv 1906.03516:
section 5.3 (semantic segmentation).
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, batch_norm, conv2d, interpolate, prelu

from .blocks import convolution, enlarged

__all__ = ["BR", "CBR", "Decoder", "JointBR", "JointCBR", "decoder_keys", "resized"]

SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
LEAST_SIDE = 5
INNER = 10  # channels in the pyramids
OUTPUTS = (64, 48, 32)  # channels of the maps at 1/16, 1/8 and 1/4, before the classes


class CBR(nn.Module):
    """A convolution, BatchNorm, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            convolution(inputs, outputs, kernel, stride, groups=groups), nn.BatchNorm2d(outputs), nn.PReLU(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.cbr(x)


class BR(nn.Module):
    """BatchNorm, PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.br = nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.br(x)


class JointBR(nn.Module):
    """BatchNorm, PReLU of maps (B, C, H, W) as of their concatenation, which is not made. channels: of all maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.br = BR(channels).br

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        norm, act = self.br
        tensors = [norm.get_buffer(name) for name in ("running_mean", "running_var")]
        tensors += [norm.get_parameter("weight"), norm.get_parameter("bias"), act.get_parameter("weight")]
        parts = zip(*(tensor.chunk(len(maps)) for tensor in tensors), strict=True)
        return [prelu(batch_norm(x, *of_norm), slope) for x, (*of_norm, slope) in zip(maps, parts, strict=True)]


class JointConv(nn.Conv2d):
    """A convolution in C groups of maps (B, C, H, W), concatenated and shuffled: group c sees channel c of each map.

    It is computed as what it also is, the sum of a depthwise convolution of each map, which takes less time.
    """

    def __init__(self, maps: int, channels: int, kernel: int) -> None:
        super().__init__(maps * channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:  # type: ignore[override]
        joint, *others = (self.depthwise(x, weight) for x, weight in zip(maps, self.weight.unbind(1), strict=True))
        for other in others:
            joint.add_(other)
        return joint if self.bias is None else joint.add_(self.bias[:, None, None])

    def depthwise(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):  # torch is slow at depthwise convolutions of one pixel
            return x * weight
        return conv2d(x, weight[:, None], padding=self.padding, groups=self.groups)


class JointCBR(CBR):
    """A joint convolution, BatchNorm, PReLU."""

    def __init__(self, maps: int, channels: int, kernel: int = 1) -> None:
        super().__init__(maps * channels, channels, kernel, groups=channels)
        self.cbr[0] = JointConv(maps, channels, kernel)


class Pyramid(nn.Module):
    """Efficient pyramid pooling: depthwise convolutions at five sizes of the map. The last pyramid gives the logits."""

    def __init__(self, inputs: int, outputs: int, *, last: bool = False) -> None:
        super().__init__()
        self.projection_layer = CBR(inputs, INNER)
        self.stages = nn.ModuleList(convolution(INNER, INNER, 3, groups=INNER) for _ in SCALES)
        self.merge_layer = nn.Sequential(
            JointBR(INNER * len(SCALES)),
            nn.Identity(),  # the files' keys count a shuffling
            JointCBR(len(SCALES), INNER, 3),
            nn.Conv2d(INNER, outputs, 1, bias=last),
        )
        self.br = nn.Identity() if last else BR(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.projection_layer(x)
        height, width = x.shape[2:]
        branches = []
        for stage, scale in zip(self.stages, SCALES, strict=True):
            size = (max(math.ceil(height * scale), LEAST_SIDE), max(math.ceil(width * scale), LEAST_SIDE))
            branches.append(resized(stage(resized(x, size, grow=scale > 1)), (height, width), grow=scale < 1))
        return self.br(self.merge_layer(branches))


class Lateral(nn.Module):
    """A map of the encoder, weighed per channel by its own mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), convolution(inputs, outputs), nn.Sigmoid())
        self.expansion_layer = CBR(inputs, outputs, 3, groups=math.gcd(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.expansion_layer(x) * self.wt_layer(x)


class Decoder(nn.Module):
    """Maps at 1/2, 1/4, 1/8 and 1/16 of H and W in, logits (B, K, H / 2, W / 2) out. channels: of these maps."""

    def __init__(self, channels: tuple[int, int, int, int], num_classes: int) -> None:
        super().__init__()
        inputs = (channels[-1], *OUTPUTS)
        self.pyramids = nn.ModuleList(Pyramid(*pair) for pair in zip(inputs[:-1], OUTPUTS, strict=True))
        self.pyramids.append(Pyramid(inputs[-1], num_classes, last=True))
        self.laterals = nn.ModuleList(Lateral(*pair) for pair in zip(channels[2::-1], OUTPUTS, strict=True))
        self.joins = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width)) for width in OUTPUTS)

    def forward(self, half: Tensor, quarter: Tensor, eighth: Tensor, sixteenth: Tensor) -> Tensor:
        x = self.pyramids[0](sixteenth)
        maps = (eighth, quarter, half)
        for lateral, join, pyramid, finer in zip(self.laterals, self.joins, self.pyramids[1:], maps, strict=True):
            x = pyramid(join(enlarged(x) + lateral(finer)))
        return x


def resized(x: Tensor, size: tuple[int, int], *, grow: bool) -> Tensor:
    """Bring H and W to a size: bilinearly to grow, by adaptive average pooling to shrink."""
    if x.shape[2:] == size:
        return x
    if grow:
        return interpolate(x, size, mode="bilinear", align_corners=True)
    return adaptive_avg_pool2d(x, size)


def decoder_keys(pyramids: tuple[str, ...], laterals: tuple[str, ...], joins: tuple[str, ...]) -> dict[str, str]:
    """Map the names in a network's files to those of `Decoder`, each from the coarsest to the finest map."""
    names = {"pyramids": pyramids, "laterals": laterals, "joins": joins}
    return {f"{name}.": f"decoder.{kind}.{index}." for kind, of in names.items() for index, name in enumerate(of)}
