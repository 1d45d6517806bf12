"""Kernels that find the rims of masks on a GPU, with a bit for each pixel: see `metrics.boundary` and `kernels`."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..datasets.base import IGNORE
from .launching import on_own_device

__all__ = ["rims"]

PIXELS = 256  # of a row, that a program has
WORDS = 128  # of 32 bits, that a program of `join_rows_kernel` has


@on_own_device
def rims(classes: Tensor, width: int) -> Tensor:
    """Find the pixels of uint8 (B, H, W) at most `width` from another value: bool (B, H, W). Outside there is IGNORE.

    A window holds one value if each 2 x 2 in it does. So all that windows need is a bit for each 2 x 2: is it mixed?
    A word has 32 of a row. The rows of words in a window are joined first, then the bits of the band that results.
    """
    classes = classes.contiguous()
    batch, height, columns = classes.shape
    span = 2 * width  # blocks of 2 x 2 along a side of a window
    rows, words = height + span - 1, triton.cdiv(columns + span - 1, 32)
    blocks = torch.empty((batch, rows, words), dtype=torch.int32, device=classes.device)
    mixed_blocks_kernel[(triton.cdiv(words * 32, PIXELS), rows, batch)](
        classes, blocks, height, columns, words, width, OUTSIDE=IGNORE, PIXELS=PIXELS
    )
    bands = torch.empty((batch, height, words), dtype=torch.int32, device=classes.device)
    join_rows_kernel[(triton.cdiv(words, WORDS), height, batch)](blocks, bands, rows, words, span, WORDS=WORDS)
    result = torch.empty(classes.shape, dtype=torch.uint8, device=classes.device)
    join_bits_kernel[(triton.cdiv(columns, PIXELS), height, batch)](bands, result, columns, words, span, PIXELS=PIXELS)
    return result.view(torch.bool)


@triton.jit
def mixed_blocks_kernel(classes, blocks, height, width, words, reach, OUTSIDE: tl.constexpr, PIXELS: tl.constexpr):
    column = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    row = tl.program_id(1)
    image = tl.program_id(2).to(tl.int64)
    x, y = column - reach, row - reach
    own = classes + image * height * width
    corner = value_at(own, y, x, height, width, OUTSIDE)
    mixed = corner != value_at(own, y, x + 1, height, width, OUTSIDE)
    mixed |= corner != value_at(own, y + 1, x, height, width, OUTSIDE)
    mixed |= corner != value_at(own, y + 1, x + 1, height, width, OUTSIDE)
    bits = tl.reshape(mixed.to(tl.int32) << (column % 32), (PIXELS // 32, 32))
    word = tl.program_id(0) * (PIXELS // 32) + tl.arange(0, PIXELS // 32)
    place = (image * tl.num_programs(1) + row) * words + word
    tl.store(blocks + place, tl.sum(bits, axis=1), mask=word < words)


@triton.jit
def value_at(values, y, x, height, width, OUTSIDE: tl.constexpr):
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return tl.load(values + y.to(tl.int64) * width + x, mask=inside, other=OUTSIDE)


@triton.jit
def join_rows_kernel(blocks, bands, rows, words, span, WORDS: tl.constexpr):
    word = tl.program_id(0) * WORDS + tl.arange(0, WORDS)
    row = tl.program_id(1)
    image = tl.program_id(2).to(tl.int64)
    inside = word < words
    place = blocks + (image * rows + row) * words + word
    total = tl.zeros((WORDS,), tl.int32)
    for number in range(span):
        total |= tl.load(place + number * words, mask=inside, other=0)
    tl.store(bands + (image * tl.num_programs(1) + row) * words + word, total, mask=inside)


@triton.jit
def join_bits_kernel(bands, result, width, words, span, PIXELS: tl.constexpr):
    x = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    line = tl.program_id(2).to(tl.int64) * tl.num_programs(1) + tl.program_id(1)
    first = x // 32
    total = tl.zeros((PIXELS,), tl.int64)
    for number in range((span + 62) // 32):
        word = first + number
        start = tl.maximum(x - word * 32, 0).to(tl.int64)  # the bits start .. stop - 1 of this word are in the window
        stop = tl.minimum(tl.maximum(x + span - word * 32, 0), 32).to(tl.int64)
        bits = tl.load(bands + line * words + word, mask=(x < width) & (start < stop), other=0).to(tl.int64)
        one = tl.full((PIXELS,), 1, tl.int64)
        total |= bits & ((one << stop) - (one << start))
    tl.store(result + line * width + x, (total != 0).to(tl.uint8), mask=x < width)
