"""The hierarchical Transformer encoder of SegFormer, Mix Transformer (Xie et al. 2021, Section 3.1).

Letters: B batch, C channels, H and W height and width of a map in tokens, N = H * W, D channels of one head.

Maps have the layout (B, H, W, C). Linear layers and LayerNorm read it as tokens; a convolution reads the same memory as
a channels-last image (B, C, H, W). So no block copies between its linear and its convolutional half.
"""

from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import SegFormerConfig
from .info import CheckpointInfo
from .order import by_cpu

__all__ = [
    "Block",
    "EfficientSelfAttention",
    "MixFFN",
    "MixTransformer",
    "OverlapPatchMerging",
    "PositionalEncoding",
]

KERNELS, STRIDES = (7, 3, 3, 3), (4, 2, 2, 2)  # Section 3.1: K, S, P = 7, 4, 3, then 3, 2, 1
FEW = 32  # channels of the narrowest published network, MiT-B0
STRIPE_VALUES = 2**21  # of the hidden map per stripe in evaluation on a CPU: 8 MiB of float32 fit into the cache


def convolve(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply a convolution to a map (B, H, W, C) and return the same layout. Neither permutation copies."""
    image: Tensor = convolution(x.permute(0, 3, 1, 2))
    return image.permute(0, 2, 3, 1)  # (B, H', W', C')


def reduce_patches(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Do as `convolve` where the kernel is as large as the stride: then it is a linear map of patches.

    In bf16 on a CPU with AMX, oneDNN's convolution gives numbers without meaning for 8 or 16 channels (seen in torch
    2.11); its linear map is right. From FEW channels on the convolution is right, and stays, with the roundings of
    stored results.
    """
    half = x.dtype in (torch.bfloat16, torch.float16) or torch.is_autocast_enabled("cpu")
    if x.device.type != "cpu" or not half or x.shape[3] >= FEW:
        return convolve(convolution, x)
    batch, height, width, channels = x.shape
    side = convolution.stride[0]
    rows, columns = height // side, width // side
    whole = x[:, : rows * side, : columns * side].reshape(batch, rows, side, columns, side, channels)
    patches = whole.transpose(2, 3).flatten(3)
    return functional.linear(patches, convolution.weight.permute(0, 2, 3, 1).flatten(1), convolution.bias)


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear map to (B, H, W, C)."""
    if by_cpu(layer, x):  # oneDNN's 1x1 convolution takes 80 % of the time of BLAS
        image = functional.conv2d(x.permute(0, 3, 1, 2), layer.weight[:, :, None, None], layer.bias)
        return image.permute(0, 2, 3, 1)
    y: Tensor = layer(x)
    return y


class OverlapPatchMerging(nn.Module):
    """Overlapped patch merging: a strided convolution with overlapping windows, then LayerNorm.

    (B, H, W, C) ─▶ (B, ceil(H / stride), ceil(W / stride), C').
    """

    def __init__(self, channels: int, width: int, *, kernel: int, stride: int, eps: float) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(convolve(self.project, x))
        return x


class PositionalEncoding(nn.Module):
    """A learned map that is added to the tokens. Mix-FFN replaces it (Section 3.1, Table 1c).

    The map has one grid of tokens, and is resized bilinearly for any other grid: the usual treatment where the test
    resolution differs from the training resolution. The paper did not release its variant; this is our construction.
    Zero padding in the patch embeddings leaks some position with or without this map.
    """

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.zeros(1, width, *grid))

    def forward(self, x: Tensor) -> Tensor:
        encoding: Tensor = self.map
        if encoding.shape[2:] != x.shape[1:3]:
            size = (x.shape[1], x.shape[2])
            encoding = functional.interpolate(encoding, size, mode="bilinear", align_corners=False)
        return x + encoding.permute(0, 2, 3, 1)


class EfficientSelfAttention(nn.Module):
    """Self-attention; keys and values come from a map that is shortened by R = reduction^2 (Eq. 1 and 2)."""

    def __init__(self, width: int, *, heads: int, reduction: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)
        self.reduce: nn.Conv2d | None = None
        if reduction > 1:
            self.reduce = nn.Conv2d(width, width, reduction, stride=reduction)
            self.reduce_norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        source = x if self.reduce is None else self.reduce_norm(reduce_patches(self.reduce, x))
        query = linear(self.query, x).reshape(batch, height * width, self.heads, -1).transpose(1, 2)  # (B, heads, N, D)
        pair = linear(self.key_value, source).reshape(batch, -1, 2, self.heads, channels // self.heads)
        key, value = pair.permute(2, 0, 3, 1, 4)  # each (B, heads, N / R, D)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = linear(self.project, mixed.transpose(1, 2).reshape(batch, height, width, channels))
        return x


class MixFFN(nn.Module):
    """The feed-forward network: linear, 3x3 depth-wise convolution, GELU, linear (Eq. 3).

    The convolution's zero padding gives the network its positions. `mix=False` omits the convolution. `Block` adds the
    residual of Eq. 3, because the input here is already normalised.
    """

    def __init__(self, width: int, *, expansion: int, mix: bool) -> None:
        super().__init__()
        hidden = expansion * width
        self.expand = nn.Linear(width, hidden)
        self.mix = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden) if mix else None
        self.contract = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, _ = x.shape
        step = max(1, STRIPE_VALUES // (batch * width * self.expand.out_features)) if by_cpu(self, x) else height
        stripes = [self.rows(x, top, min(top + step, height)) for top in range(0, height, step)]
        return stripes[0] if len(stripes) == 1 else torch.cat(stripes, dim=1)

    def rows(self, x: Tensor, top: int, bottom: int) -> Tensor:
        """Compute the rows from top to bottom. The convolution needs one more row on each side, dropped after it."""
        above = min(top, 1)
        hidden = linear(self.expand, x[:, top - above : bottom + 1])
        if self.mix is not None:
            hidden = convolve(self.mix, hidden)
        hidden = hidden[:, above : above + bottom - top]
        return linear(self.contract, functional.gelu(hidden))


class DropPath(nn.Module):
    """Stochastic depth: in training, a residual branch is dropped for a whole sample with the given rate."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = torch.empty((x.shape[0], 1, 1, 1), dtype=x.dtype, device=x.device).bernoulli_(1 - self.rate)
        return x * (keep / (1 - self.rate))


class Block(nn.Module):
    """Pre-norm Transformer block: x + attention(norm(x)), then x + ffn(norm(x))."""

    def __init__(self, config: SegFormerConfig, stage: int, drop_path: float) -> None:
        super().__init__()
        width = config.widths[stage]
        self.norm1 = nn.LayerNorm(width, eps=config.norm_eps)
        self.attention = EfficientSelfAttention(
            width,
            heads=config.heads[stage],
            reduction=config.reductions[stage],
            eps=config.embedding_norm_eps,
        )
        self.norm2 = nn.LayerNorm(width, eps=config.norm_eps)
        self.ffn = MixFFN(width, expansion=config.expansions[stage], mix=config.ffn == "mix")
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attention(self.norm1(x)))
        x = x + self.drop_path(self.ffn(self.norm2(x)))
        return x


class Stage(nn.Module):
    """Patch merging, an optional positional encoding, blocks, LayerNorm."""

    def __init__(self, config: SegFormerConfig, stage: int, drop_paths: list[float]) -> None:
        super().__init__()
        channels = 3 if stage == 0 else config.widths[stage - 1]
        width = config.widths[stage]
        self.embed = OverlapPatchMerging(
            channels, width, kernel=KERNELS[stage], stride=STRIDES[stage], eps=config.embedding_norm_eps
        )
        self.position: PositionalEncoding | None = None
        if config.train_size is not None:
            stride = 4 * 2**stage
            self.position = PositionalEncoding(
                width, (-(-config.train_size[0] // stride), -(-config.train_size[1] // stride))
            )
        self.blocks = nn.ModuleList(Block(config, stage, rate) for rate in drop_paths)
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        if self.position is not None:
            x = self.position(x)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return x


class MixTransformer(nn.Module):
    """MiT: four stages; the resolution is 1/4 of the image after the first, and halves to 1/32 (Section 3.1)."""

    def __init__(self, config: SegFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.info = CheckpointInfo()
        blocks = sum(config.depths)
        rates = (config.drop_path * block / max(1, blocks - 1) for block in range(blocks))
        self.stages = nn.ModuleList(Stage(config, i, list(islice(rates, config.depths[i]))) for i in range(4))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Turn images (B, 3, H, W), normalised float, H and W >= 32, into four maps.

        Returns (B, C_i, ceil(H / s), ceil(W / s)) for s = 4, 8, 16, 32, in channels-last memory. Raises ValueError for
        any other number of dimensions or channels, and for a smaller image.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < 32:
            raise ValueError(f"images must be (B, 3, H, W) with H and W >= 32, got {tuple(images.shape)}")
        x = images.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x.permute(0, 3, 1, 2))
        return features
