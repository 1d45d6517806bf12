"""Kernels for what a GPU does with each pixel of a label: from logits to classes, and from maps to counts.

PyTorch's operations do the same in many passes over memory, which take as long as a small network. These are compiled
by Triton when they are first used; PyTorch for CUDA brings it on Linux, and it needs a C compiler: see
`devices.kernels_on`. All sums are of integers, except the sums of exponentials, so no count depends on an order.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..datasets.base import IGNORE
from ..metrics.calibration import QUANTA
from .launching import on_own_device
from .rim_kernels import rims

__all__ = ["histogram", "quanta", "rims", "scan", "try_all"]

PIXELS = 256  # of a row, that a program of `scan` has
CHUNK, CHUNKS = 1024, 16  # values that a program of `histogram` has at a time, and how often


def try_all(device: torch.device) -> None:
    """Call each kernel, which compiles it for sizes that are common. Raises what Triton raises where it can't run."""
    label = torch.zeros((1, 64, 128), dtype=torch.uint8, device=device)
    logits = torch.zeros((1, 3, 16, 32), device=device)
    scan(logits, (64, 128))
    score = scan(logits, (64, 128), label)[1]
    quanta(score, label, label, 15, 0, 1)
    quanta(score, label, label, 1, 0, 1)
    histogram(label, 256)
    rims(label, 2)  # a reach of 1 would be compiled apart, as a constant
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # a fault while they run shows here


@on_own_device
def scan(logits: Tensor, size: tuple[int, int], label: Tensor | None = None) -> list[Tensor]:
    """Resize logits (B, C, h, w) to a label's size, and find the most probable class, int64 (B, height, width).

    With labels uint8 (B, height, width) also, as float32: the labelled class's score less the best one, and the sum of
    exp(score - best score). Bilinear, align_corners=False, as `torch.nn.functional.interpolate`.
    """
    logits, shape = logits.contiguous(), (len(logits), *size)
    classes = torch.empty(shape, dtype=torch.int64, device=logits.device)
    rated = [] if label is None else [torch.empty(shape, dtype=torch.float32, device=logits.device) for _ in range(2)]
    height, width = logits.shape[2:]
    grid = (triton.cdiv(size[1], PIXELS), size[0], len(logits))
    label = label.contiguous() if label is not None else None
    scan_kernel[grid](
        logits, label, classes, *(rated or (None, None)), logits.shape[1], height, width, *size,
        height / size[0], width / size[1], RATED=bool(rated), PIXELS=PIXELS, enable_fp_fusion=False,
    )  # fmt: skip
    return [classes, *rated]


@triton.jit
def scan_kernel(
    logits, label, classes, margins, totals, num_classes, h, w, height, width, y_scale, x_scale,
    RATED: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    x = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    y = tl.program_id(1)
    image = tl.program_id(2).to(tl.int64)
    inside = x < width
    exact_y = tl.maximum((y + 0.5) * y_scale - 0.5, 0.0)
    exact_x = tl.maximum((x + 0.5) * x_scale - 0.5, 0.0)
    top, left = exact_y.to(tl.int32), exact_x.to(tl.int32)
    down, across = exact_y - top, exact_x - left
    bottom, right = tl.minimum(top + 1, h - 1), tl.minimum(left + 1, w - 1)
    first_above = logits + image * num_classes * h * w + top * w
    first_below = logits + image * num_classes * h * w + bottom * w
    above, below = first_above, first_below
    best = tl.full((PIXELS,), float("-inf"), tl.float32)
    winner = tl.zeros((PIXELS,), tl.int64)
    for number in range(num_classes):
        score = between(above, below, left, right, down, across, inside)
        better = score > best
        best, winner = tl.where(better, score, best), tl.where(better, number, winner)
        above += h * w
        below += h * w
    place = (image * height + y) * width + x
    tl.store(classes + place, winner, mask=inside)
    if RATED:
        target = tl.minimum(tl.load(label + place, mask=inside, other=0).to(tl.int32), num_classes - 1)
        labelled, total = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
        above, below = first_above, first_below  # not a step back: it can be longer than an int32
        for number in range(num_classes):
            score = between(above, below, left, right, down, across, inside)
            total += tl.exp(score - best)
            labelled = tl.where(target == number, score, labelled)
            above += h * w
            below += h * w
        tl.store(margins + place, labelled - best, mask=inside)
        tl.store(totals + place, total, mask=inside)


@triton.jit
def between(above, below, left, right, down, across, inside):
    upper_left, upper_right = tl.load(above + left, mask=inside), tl.load(above + right, mask=inside)
    lower_left, lower_right = tl.load(below + left, mask=inside), tl.load(below + right, mask=inside)
    upper = (1 - across) * upper_left + across * upper_right
    lower = (1 - across) * lower_left + across * lower_right
    return (1 - down) * upper + down * lower


@on_own_device
def histogram(values: Tensor, bins: int) -> Tensor:
    """Count how often each of 0 .. bins - 1 occurs in (B, height, width): int64 (B, bins)."""
    power = triton.next_power_of_2(bins)
    counts = torch.zeros((len(values), power), dtype=torch.int64, device=values.device)
    size = values[0].numel()
    histogram_kernel[(triton.cdiv(size, CHUNK * CHUNKS), len(values))](
        values.contiguous(), counts, size, BINS=power, CHUNK=CHUNK, CHUNKS=CHUNKS
    )
    return counts[:, :bins]


@triton.jit
def histogram_kernel(values, counts, size, BINS: tl.constexpr, CHUNK: tl.constexpr, CHUNKS: tl.constexpr):
    image = tl.program_id(1).to(tl.int64)
    bins = tl.arange(0, BINS)
    total = tl.zeros((BINS,), tl.int64)
    for chunk in range(CHUNKS):
        place = (tl.program_id(0) * CHUNKS + chunk) * CHUNK + tl.arange(0, CHUNK)
        inside = place < size
        some = tl.load(values + image * size + place, mask=inside, other=0).to(tl.int32)
        outside = CHUNK - tl.sum(inside.to(tl.int32), axis=0)  # they were counted as 0
        total += (tl.histogram(some, BINS) - tl.where(bins == 0, outside, 0)).to(tl.int64)
    tl.atomic_add(counts + image * BINS + bins, total, mask=total != 0)


@on_own_device
def quanta(values: Tensor, classes: Tensor, label: Tensor, bins: int, least: float, most: float) -> Tensor:
    """Round float32 values (B, height, width) to multiples of 2^-20, and sum them in bins: int64 (B, 3 * bins + 1).

    For pixels with a label: how many are in each bin, how many of these have the right class, and the sums of the
    multiples' absolute values; at the end, how many values are not in least .. most, and so in none of them. Of n bins,
    k has values in (k / n, (k + 1) / n], the first also 0; of one bin all.
    """
    power = triton.next_power_of_2(max(2, bins + 1))  # the last bin has what is in none
    counts = torch.zeros((len(values), 3 * power + 1), dtype=torch.int64, device=values.device)
    size = values[0].numel()
    quanta_kernel[(triton.cdiv(size, CHUNK * CHUNKS), len(values))](
        values.contiguous(), classes.contiguous(), label.contiguous(), counts, size, float(least), float(most),
        IGNORE=IGNORE, QUANTA=QUANTA, BINS=bins, POWER=power, CHUNK=CHUNK // 2, CHUNKS=2 * CHUNKS,
    )  # fmt: skip
    sums, outcomes = counts[:, :power], counts[:, power : 3 * power].view(-1, power, 2)
    parts = outcomes.sum(dim=2)[:, :bins], outcomes[:, :bins, 1], sums[:, :bins], counts[:, -1:]
    return torch.cat(parts, dim=1)


@triton.jit
def quanta_kernel(
    values, classes, label, counts, size, least, most, IGNORE: tl.constexpr, QUANTA: tl.constexpr, BINS: tl.constexpr,
    POWER: tl.constexpr, CHUNK: tl.constexpr, CHUNKS: tl.constexpr,
):  # fmt: skip
    image = tl.program_id(1).to(tl.int64)
    bins, outcomes = tl.arange(0, POWER), tl.arange(0, 2 * POWER)
    sums = tl.zeros((POWER,), tl.int64)
    tally = tl.zeros((2 * POWER,), tl.int64)
    wrong = tl.zeros((CHUNK,), tl.int32)
    whole = 8388608.0  # from here on each float32 is a whole number, so that adding it rounds, half to even
    for chunk in range(CHUNKS):
        place = (tl.program_id(0) * CHUNKS + chunk) * CHUNK + tl.arange(0, CHUNK)
        inside = place < size
        value = tl.load(values + image * size + place, mask=inside, other=0.0)
        labelled = tl.load(label + image * size + place, mask=inside, other=IGNORE)
        predicted = tl.load(classes + image * size + place, mask=inside, other=IGNORE)
        within = (least <= value) & (value <= most)  # false for NaN
        use = (labelled != IGNORE) & within
        wrong += ((labelled != IGNORE) & (within == 0)).to(tl.int32)
        scaled = tl.where(use, tl.abs(value) * QUANTA, 0.0)
        number = tl.where(scaled < whole, (scaled + whole) - whole, scaled)
        if BINS > 1:  # values are in 0 .. 1, and the sum of a chunk below 2^31
            each = tl.where(use, tl.maximum((BINS * number.to(tl.int32) - 1) // QUANTA, 0), BINS)
            some = tl.where(each[None, :] == bins[:, None], number.to(tl.int32)[None, :], 0)
            sums += tl.sum(some, axis=1).to(tl.int64)
        else:
            each = tl.where(use, 0, BINS)
            sums += tl.where(bins == 0, tl.sum(number.to(tl.int64), axis=0), 0)
        tally += tl.histogram(2 * each + (predicted == labelled).to(tl.int32), 2 * POWER).to(tl.int64)
    own = counts + image * (3 * POWER + 1)
    tl.atomic_add(own + bins, sums)
    tl.atomic_add(own + POWER + outcomes, tally)
    tl.atomic_add(own + 3 * POWER, tl.sum(wrong, axis=0).to(tl.int64))
