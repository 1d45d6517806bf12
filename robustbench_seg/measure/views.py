"""How an image is put through a model: whole or by a sliding window, at a scale or several, padded or resized; a class
for each pixel of the label comes out.

All resizing is bilinear with align_corners=False and without antialiasing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import NotFiniteError, UsageError
from ..models.base import PreparedSegmenter, Segmenter, takes_logarithm
from ..models.output import form_of
from ..store.view import LEAST_SIDE, View
from .aligned import alignment_of, outputs_of
from .rating import Rated, classify, rate

__all__ = [
    "PRECISIONS",
    "in_precision",
    "input_sizes",
    "not_finite",
    "predict",
    "rated_prediction",
    "view_logits",
    "window_starts",
]

WINDOWS_PER_BATCH = 4
Flags = list[Tensor] | None
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}  # by the name of a precision
PRECISIONS = ("fp32", *HALVES)


@contextmanager
def in_precision(device: torch.device, precision: str) -> Iterator[None]:
    """Compute in "fp32", whole, in "bf16" or in "fp16".

    The inputs of fp32 operations may else be rounded: on a GPU inputs of convolutions to TF32's 10 bits by default,
    and inputs of matrix products, and more so on a CPU, where the program or the environment asked for it. Raises
    UsageError for another word.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"precision must be {', '.join(PRECISIONS)}, got {precision!r:.60}")
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
    owners = (backends.cudnn.conv, backends.cuda.matmul, backends.mkldnn.conv, backends.mkldnn.matmul)
    return [(owner, "fp32_precision", "ieee") for owner in owners]


@torch.inference_mode()
def predict(
    model: Segmenter, images: Tensor, view: View, size: tuple[int, int], precision: str, finite: Flags = None
) -> Tensor:
    """Give each pixel of label maps of `size` (height, width) its class.

    images: uint8 RGB (B, H, W, 3), or one (H, W, 3), on any device. precision: "fp32", "bf16" or "fp16" (autocast).
    finite: as of `view_logits`. Returns int64 (B, height, width), or (height, width).
    """
    batch = images.to(model.device).reshape(-1, *images.shape[-3:]).permute(0, 3, 1, 2)
    with in_precision(model.device, precision):
        classes = classify(view_logits(model, batch, view, finite), size, log=takes_logarithm(model))
    alignment = alignment_of(model)
    classes = alignment.predict(classes) if alignment else classes
    return classes.reshape(*images.shape[:-3], *size)


@torch.inference_mode()
def rated_prediction(
    model: Segmenter, images: Tensor, view: View, labels: Tensor, precision: str, finite: Flags = None
) -> Rated:
    """Do as `predict` does, for the size of label maps uint8 (B, height, width), or one, and rate the confidence."""
    batch = images.to(model.device).reshape(-1, *images.shape[-3:]).permute(0, 3, 1, 2)
    label = labels.to(model.device).reshape(-1, *labels.shape[-2:])
    with in_precision(model.device, precision):
        logits = view_logits(model, batch, view, finite)
        rated = rate(logits, label, alignment_of(model), log=takes_logarithm(model))
    return Rated(*(each.reshape(labels.shape) for each in (rated.classes, rated.confidence, rated.log_likelihood)))


def view_logits(model: Segmenter, images: Tensor, view: View, finite: Flags = None) -> list[Tensor]:
    """Turn uint8 (B, 3, H, W) into float32 logits, for each scale and, with flip, each scale mirrored and turned back.

    They are at the model's stride when whole, at the (scaled) size by windows. finite: gets whether the logits of each
    image are finite, booleans (B,), once or several times; this does not wait for the device. Raises UsageError for a
    scaled image smaller than 32 pixels and, without `finite`, NotFiniteError for logits that are not finite.
    """
    several = view.flip or len(view.scales) > 1
    logits: list[Tensor] = []
    flags: list[Tensor] = [] if finite is None else finite
    for scale in view.scales:
        scaled = images
        if scale != 1:
            size = (round(scale * images.shape[2]), round(scale * images.shape[3]))
            scaled = resize(images.float(), size).round().to(torch.uint8)
        # A model may write on its input, and give the same memory for each pass.
        given = put_through(model, scaled.clone() if several else scaled, view, flags)
        logits.append(given.clone() if several else given)
        if view.flip:
            logits.append(put_through(model, scaled.flip(3), view, flags).flip(3))
    if finite is None and not torch.stack(flags).all():
        raise not_finite(model)
    return logits


def not_finite(model: Segmenter) -> NotFiniteError:
    """What to raise for logits that are not finite: they would pass for some class."""
    return NotFiniteError(
        f"{model.name} gave logits that are not finite; its weights are damaged, they overflow, or it masks a class by "
        "-inf, where a large negative number does the same"
    )


def put_through(model: Segmenter, images: Tensor, view: View, finite: list[Tensor]) -> Tensor:
    """Put images through a model as they are, whole or by windows."""
    height, width = images.shape[2:]
    if min(height, width) < LEAST_SIDE:
        raise UsageError(f"an image of {height}x{width} pixels, at its view's scale, has a side below {LEAST_SIDE}")
    if view.mode == "slide":
        assert view.crop is not None and view.stride is not None
        return slide(model, images, view.crop, view.stride, finite)
    if view.mode == "processor":
        images = as_prepared(model, view.mode).process_size(images)
    elif view.size:
        images = resize(images.float(), view.size).round().to(torch.uint8)
    return checked_logits(model, images, finite, view.pad_to)


def checked_logits(model: Segmenter, images: Tensor, finite: list[Tensor], pad_to: int = 1) -> Tensor:
    """Float32 logits at the model's stride. finite: gets whether each image's are finite, (B,)."""
    output = as_prepared(model, f"pad-{pad_to}")(images, pad_to) if pad_to > 1 else model(images)
    logits = expect_logits(model, output, len(images)).float()
    ends = logits.amax(dim=(1, 2, 3)), logits.amin(dim=(1, 2, 3))  # NaN where a logit is; no map of booleans is made
    finite.append(torch.stack(ends).isfinite().all(dim=0))
    return logits


def expect_logits(model: Segmenter, output: Any, images: int) -> Tensor:
    """Take what a model gives for so many images. Raises UsageError unless it is a logit for each of its classes."""
    if not (isinstance(output, Tensor) and output.is_floating_point() and output.numel() and output.ndim == 4) or (
        len(output) != images
    ):
        raise UsageError(
            f"{model.name} gave {form_of(output)}; expected logits, a float tensor ({images}, classes, h, w)"
        )
    if output.shape[1] != outputs_of(model):
        raise UsageError(
            f"{model.name} gave {output.shape[1]} logits for a pixel, but names {outputs_of(model)} classes"
        )
    return output


def input_sizes(view: View, size: tuple[int, int]) -> set[tuple[int, int]]:
    """List which (height, width) a model is fed for an image of a size; none where its own processor decides."""
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


def slide(model: Segmenter, images: Tensor, crop: int, stride: int, finite: list[Tensor]) -> Tensor:
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
        flags: list[Tensor] = []
        logits = resize(checked_logits(model, windows, flags), (rows, columns))
        finite += flags[0].chunk(len(some))
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


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.shape[2:] == size:
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)
