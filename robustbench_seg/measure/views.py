"""How an image is put through a model: whole or by a sliding window, at a scale or several; a class for each pixel of
the label comes out.

All resizing is bilinear with align_corners=False and without antialiasing.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from segformer.resize import resize_rows

from ..alignment import Alignment
from ..errors import UsageError
from ..models.base import PreparedSegmenter, Segmenter, takes_logarithm
from ..store.cell import LEAST_SIDE, View
from .aligned import alignment_of, outputs_of

__all__ = [
    "LEAST_SIDE",
    "Rated",
    "classify",
    "in_precision",
    "input_sizes",
    "predict",
    "rate",
    "rated_prediction",
    "view_logits",
    "window_starts",
]

WINDOWS_PER_BATCH = 4
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}  # by the name of a precision
STRIPE = 1 << 16  # pixels, at most, whose logits at label size are held at a time: whole rows, at least one
LEAST_PROBABILITY = torch.finfo(torch.float32).tiny  # of a label: an impossible one would make every mean infinite


@dataclass(frozen=True, eq=False)
class Rated:
    """A prediction for each pixel (B, height, width) and how sure it is.

    classes: int64. confidence: probability of that class, float32. log_likelihood: natural logarithm of the labelled
    class's probability, float32 and no less than that of float32's smallest normal number, -87.34; undefined where the
    label is none of the classes.
    """

    classes: Tensor
    confidence: Tensor
    log_likelihood: Tensor


@contextmanager
def in_precision(device: torch.device, precision: str) -> Iterator[None]:
    """Compute in "fp32", whole, in "bf16" or in "fp16".

    The inputs of fp32 operations may else be rounded: on a GPU those of convolutions to TF32's 10 bits by default, and
    those of matrix products, and more so on a CPU, where the program or the environment asked for it.
    """
    switches = rounding_switches() if precision == "fp32" else []
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, whole in switches:
            setattr(owner, name, whole)
        with torch.autocast(device.type, HALVES.get(precision), enabled=precision in HALVES):
            yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)


def rounding_switches() -> list[tuple[Any, str, Any]]:
    """List torch's switches of how fp32 operations round their inputs: where, its name, the value for not at all."""
    backends: Any = torch.backends
    if hasattr(backends.cudnn, "conv"):  # since torch 2.9, which forbids to mix these with the older ones
        owners = (backends.cudnn.conv, backends.cuda.matmul, backends.mkldnn.conv, backends.mkldnn.matmul)
        return [(owner, "fp32_precision", "ieee") for owner in owners]
    return [(owner, "allow_tf32", False) for owner in (backends.cudnn, backends.cuda.matmul)]


@torch.inference_mode()
def predict(model: Segmenter, image: Tensor, view: View, size: tuple[int, int], precision: str) -> Tensor:
    """Give each pixel of a label map of `size` (height, width) its class.

    image: uint8 RGB (H, W, 3) on any device. precision: "fp32", "bf16" or "fp16" (autocast). Returns int64 (height,
    width).
    """
    batch = image.to(model.device).permute(2, 0, 1)[None]
    with in_precision(model.device, precision):
        classes = classify(view_logits(model, batch, view), size, log=takes_logarithm(model))[0]
    alignment = alignment_of(model)
    return alignment.predict(classes) if alignment else classes


@torch.inference_mode()
def rated_prediction(model: Segmenter, image: Tensor, view: View, label: Tensor, precision: str) -> Rated:
    """Do as `predict` does, for the size of a label map (height, width), uint8, and tell how sure the model is."""
    batch = image.to(model.device).permute(2, 0, 1)[None]
    with in_precision(model.device, precision):
        logits = view_logits(model, batch, view)
        rated = rate(logits, label.to(model.device)[None], alignment_of(model), log=takes_logarithm(model))
    return Rated(rated.classes[0], rated.confidence[0], rated.log_likelihood[0])


def view_logits(model: Segmenter, images: Tensor, view: View) -> list[Tensor]:
    """Turn uint8 (B, 3, H, W) into float32 logits, for each scale and, with flip, each scale mirrored and turned back.

    They are at the model's stride when whole, at the (scaled) size by windows. Raises UsageError for a scaled image
    smaller than 32 pixels, and for logits that are not finite.
    """
    logits = []
    for scale in view.scales:
        scaled = images
        if scale != 1:
            size = (round(scale * images.shape[2]), round(scale * images.shape[3]))
            scaled = resize(images.float(), size).round().to(torch.uint8)
        logits.append(through(model, scaled, view))
        if view.flip:
            logits.append(through(model, scaled.flip(3), view).flip(3))
    return logits


def through(model: Segmenter, images: Tensor, view: View) -> Tensor:
    """Put images through a model as they are, whole or by windows."""
    height, width = images.shape[2:]
    if min(height, width) < LEAST_SIDE:
        raise UsageError(f"an image of {height}x{width} pixels, at its view's scale, has a side below {LEAST_SIDE}")
    if view.mode == "slide":
        assert view.crop is not None and view.stride is not None
        return slide(model, images, view.crop, view.stride)
    if view.mode == "processor":
        images = as_prepared(model, view.mode).resized(images)
    elif view.size:
        images = resize(images.float(), view.size).round().to(torch.uint8)
    return finite_logits(model, images, view.pad_to)


def finite_logits(model: Segmenter, images: Tensor, pad_to: int = 1) -> Tensor:
    """Float32 logits at the model's stride. Raises UsageError where one is not finite: it would pass for some class."""
    logits = (as_prepared(model, f"pad-{pad_to}")(images, pad_to) if pad_to > 1 else model(images)).float()
    if not logits.isfinite().all():
        raise UsageError(f"{model.name} gave logits that are not finite; its weights are damaged, or overflow")
    return logits


def input_sizes(view: View, size: tuple[int, int]) -> set[tuple[int, int]]:
    """Tell which (height, width) a model is fed for an image of a size; none where its own processor decides."""
    if view.mode == "processor":
        return set()
    if view.size:
        return {view.size}
    scaled = {(round(scale * size[0]), round(scale * size[1])) for scale in view.scales}
    crop = view.crop or max(map(max, scaled))
    sizes = {(min(crop, height), min(crop, width)) for height, width in scaled}
    return {
        (-(-height // view.pad_to) * view.pad_to, -(-width // view.pad_to) * view.pad_to) for height, width in sizes
    }


def as_prepared(model: Segmenter, mode: str) -> PreparedSegmenter:
    """Take a model as one whose input is made here. Raises UsageError where a view needs that, and it is not."""
    if not isinstance(model, PreparedSegmenter):
        raise UsageError(f"the view {mode} is not for {model.name}, which makes its input itself")
    return model


def slide(model: Segmenter, images: Tensor, crop: int, stride: int) -> Tensor:
    """Average the logits of all windows that cover a pixel; each window's are resized to the window first.

    On a side where the image is smaller than the window, the window is the image's.
    """
    batch, _, height, width = images.shape
    rows, columns = min(crop, height), min(crop, width)
    places = [(y, x) for y in window_starts(height, crop, stride) for x in window_starts(width, crop, stride)]
    total = images.new_zeros((batch, outputs_of(model), height, width), dtype=torch.float32)
    cover = images.new_zeros((height, width), dtype=torch.float32)
    for first in range(0, len(places), WINDOWS_PER_BATCH):
        some = places[first : first + WINDOWS_PER_BATCH]
        windows = torch.cat([images[:, :, y : y + rows, x : x + columns] for y, x in some])
        logits = resize(finite_logits(model, windows), (rows, columns))
        for (y, x), of_window in zip(some, logits.chunk(len(some)), strict=True):
            total[:, :, y : y + rows, x : x + columns] += of_window
            cover[y : y + rows, x : x + columns] += 1
    return total / cover


def window_starts(length: int, crop: int, stride: int) -> list[int]:
    """Where windows start along one side: every `stride` pixels, the last one flush with the border.

    A side no longer than the window has one.
    """
    last = max(0, length - crop)
    return [*range(0, last, stride), last]


def classify(logits: Sequence[Tensor], size: tuple[int, int], *, log: bool = False) -> Tensor:
    """Resize logits (B, C, h, w) to a label's size and take the most probable class, int64 (B, height, width).

    Of several logits, each of a size of its own, the softmax probabilities are averaged. log: what is given are scores
    of which, resized, the logarithm are the logits (see `takes_logarithm`).
    """
    return torch.cat([scores.argmax(dim=1) for _, scores in stripes(logits, size, log)], dim=1)


def stripes(logits: Sequence[Tensor], size: tuple[int, int], log: bool) -> Iterator[tuple[range, Tensor]]:
    """Yield some rows at a time and their scores (B, C, rows, width): logits or, of several, the sum of softmaxes.

    So no map of all classes at the label's size ever exists.
    """
    step = max(1, STRIPE // size[1])
    for top in range(0, size[0], step):
        rows = range(top, min(top + step, size[0]))
        parts = [resize_rows(x, rows, size) for x in logits]
        if log:
            parts = [part.clamp(min=LEAST_PROBABILITY).log() for part in parts]
        yield rows, parts[0] if len(parts) == 1 else torch.stack([part.softmax(dim=1) for part in parts]).sum(dim=0)


def rate(logits: Sequence[Tensor], label: Tensor, alignment: Alignment | None = None, *, log: bool = False) -> Rated:
    """Classify as `classify` does, for labels uint8 (B, height, width), and take probabilities from the same scores.

    alignment: of a model whose classes are not those of the labels; the probability of one of these is the sum over the
    classes that map to it, and 0 where none does.
    """
    if alignment:
        return rate_aligned(logits, label, alignment, log)
    found = []
    known = label[:, None].long().clamp(max=logits[0].shape[1] - 1)
    for rows, scores in stripes(logits, (label.shape[1], label.shape[2]), log):
        classes = scores.argmax(dim=1, keepdim=True)
        best, labelled = scores.gather(1, classes), scores.gather(1, known[:, :, rows.start : rows.stop])
        if len(logits) == 1:
            total = (scores - best).exp_().sum(dim=1, keepdim=True)  # 1 or more: nothing overflows
        else:
            total = torch.full_like(best, len(logits))
        found.append((classes, best, labelled, total))
    # What is left is done for the whole map at once: by stripes, so many small operations take longer than their work.
    classes, best, labelled, total = (torch.cat(parts, dim=2)[:, 0] for parts in zip(*found, strict=True))
    if len(logits) == 1:
        confidence, log_likelihood = 1 / total, labelled - best - total.log()
    else:
        confidence, log_likelihood = best / total, (labelled / total).log()
    return bounded(classes, confidence, log_likelihood)


def rate_aligned(logits: Sequence[Tensor], label: Tensor, alignment: Alignment, log: bool) -> Rated:
    found = []
    known = label[:, None].long().clamp(max=alignment.nothing)
    for rows, scores in stripes(logits, (label.shape[1], label.shape[2]), log):
        classes = alignment.predict(scores.argmax(dim=1, keepdim=True))
        grouped = alignment.grouped(scores.softmax(dim=1) if len(logits) == 1 else scores / len(logits))
        found.append((classes, grouped.gather(1, classes), grouped.gather(1, known[:, :, rows.start : rows.stop])))
    classes, confidence, labelled = (torch.cat(parts, dim=2)[:, 0] for parts in zip(*found, strict=True))
    return bounded(classes, confidence, labelled.log())


def bounded(classes: Tensor, confidence: Tensor, log_likelihood: Tensor) -> Rated:
    return Rated(classes, confidence.clamp(max=1), log_likelihood.clamp(math.log(LEAST_PROBABILITY), 0))


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.shape[2:] == size:
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)
