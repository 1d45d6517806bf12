"""From logits to a class for each pixel of a label, and the model's confidence; see `views` for the logits."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from segformer.resize import resize_rows

from ..alignment import Alignment
from .devices import kernels_on

__all__ = ["Rated", "classify", "rate"]

# Pixels of an image, at most, whose logits at label size are held at a time: whole rows, at least one. More on a GPU,
# which is slow at many small operations.
STRIPE, STRIPE_ON_GPU = 1 << 16, 1 << 20
LEAST_PROBABILITY = torch.finfo(torch.float32).tiny  # of a label: an impossible one would make every mean infinite


@dataclass(frozen=True, eq=False)
class Rated:
    """A prediction for each pixel (B, height, width) and its confidence.

    classes: int64. confidence: probability of that class, float32. log_likelihood: natural logarithm of the labelled
    class's probability, float32 and no less than -87.34, the logarithm of float32's smallest normal number; undefined
    where the label is none of the classes.
    """

    classes: Tensor
    confidence: Tensor
    log_likelihood: Tensor


def classify(logits: Sequence[Tensor], size: tuple[int, int], *, log: bool = False) -> Tensor:
    """Resize logits (B, C, h, w) to a label's size and take the most probable class, int64 (B, height, width).

    Of several logits, each of another size, the softmax probabilities are averaged. log: these are scores, and the
    logarithm of the resized scores are the logits (see `takes_logarithm`).
    """
    if kernels := kernels_for(logits, log):
        (best,) = kernels.scan(logits[0], size)
        return cast(Tensor, best)
    return torch.cat([scores.max(dim=1).indices for _, scores in stripes(logits, size, log)], dim=1)


def stripes(logits: Sequence[Tensor], size: tuple[int, int], log: bool) -> Iterator[tuple[range, Tensor]]:
    """Yield some rows at a time and their scores (B, C, rows, width): logits or, of several, the sum of softmaxes.

    So no map of all classes at the label's size ever exists.
    """
    step = max(1, STRIPE // size[1])
    if logits[0].is_cuda and step < size[0]:  # never the whole map, which is resized by other arithmetic
        step = max(step, min(STRIPE_ON_GPU // size[1], size[0] - 1))
    for top in range(0, size[0], step):
        rows = range(top, min(top + step, size[0]))
        parts = [resize_rows(x, rows, size) for x in logits]
        if log:
            parts = [part.clamp(min=LEAST_PROBABILITY).log() for part in parts]
        yield rows, parts[0] if len(parts) == 1 else torch.stack([part.softmax(dim=1) for part in parts]).sum(dim=0)


def rate(logits: Sequence[Tensor], label: Tensor, alignment: Alignment | None = None, *, log: bool = False) -> Rated:
    """Classify as `classify` does, for labels uint8 (B, height, width), and take probabilities from the same scores.

    alignment: of a model with other classes than the labels; the probability of one of these is the sum over the
    classes that map to it, and 0 where none does.
    """
    if alignment:
        return rate_aligned(logits, label, alignment, log)
    if kernels := kernels_for(logits, log):
        classes, margin, total = kernels.scan(logits[0], (label.shape[1], label.shape[2]), label)
        return bounded(classes, total.reciprocal(), margin - total.log())
    values = []
    targets = label[:, None].long().clamp(max=logits[0].shape[1] - 1)
    for rows, scores in stripes(logits, (label.shape[1], label.shape[2]), log):
        best, classes = scores.max(dim=1, keepdim=True)  # quicker than argmax, which gives the same indices
        labelled = scores.gather(1, targets[:, :, rows.start : rows.stop])
        if len(logits) == 1:
            total = (scores - best).exp_().sum(dim=1, keepdim=True)  # 1 or more: nothing overflows
        else:
            total = torch.full_like(best, len(logits))
        values.append((classes, best, labelled, total))
    # What is left is done for the whole map at once: by stripes, so many small operations take longer than their work.
    classes, best, labelled, total = (torch.cat(parts, dim=2)[:, 0] for parts in zip(*values, strict=True))
    if len(logits) == 1:
        confidence, log_likelihood = 1 / total, labelled - best - total.log()
    else:
        confidence, log_likelihood = best / total, (labelled / total).log()
    return bounded(classes, confidence, log_likelihood)


def kernels_for(logits: Sequence[Tensor], log: bool) -> Any:
    """The kernels, where they do this: for one map of logits on a GPU."""
    return kernels_on(logits[0].device) if len(logits) == 1 and not log else None


def rate_aligned(logits: Sequence[Tensor], label: Tensor, alignment: Alignment, log: bool) -> Rated:
    values, size = [], (label.shape[1], label.shape[2])
    targets = label[:, None].long().clamp(max=alignment.nothing)
    kernels = kernels_for(logits, log)
    scanned = kernels.scan(logits[0], size)[0][:, None] if kernels else None  # the classes of `classify`, to the pixel
    for rows, scores in stripes(logits, size, log):
        best = scores.max(dim=1, keepdim=True).indices if scanned is None else scanned[:, :, rows.start : rows.stop]
        classes = alignment.predict(best)
        grouped = alignment.grouped(scores.softmax(dim=1) if len(logits) == 1 else scores / len(logits))
        values.append((classes, grouped.gather(1, classes), grouped.gather(1, targets[:, :, rows.start : rows.stop])))
    classes, confidence, labelled = (torch.cat(parts, dim=2)[:, 0] for parts in zip(*values, strict=True))
    return bounded(classes, confidence, labelled.log())


def bounded(classes: Tensor, confidence: Tensor, log_likelihood: Tensor) -> Rated:
    return Rated(classes, confidence.clamp(max=1), log_likelihood.clamp(math.log(LEAST_PROBABILITY), 0))
