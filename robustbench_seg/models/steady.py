"""Whether a network gives an image the same logits each time, alone and among others, as the key of a cell promises."""

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn

from ..errors import UsageError, in_one_line
from .base import Segmenter, takes_logarithm

__all__ = ["depends_on_batch", "expect_repeatable", "expect_steady", "refuse_probabilities"]

# Of the largest score. A batch may go through other arithmetic, on a GPU with inputs rounded to TF32's 10 bits.
ROUNDING, OF_BATCHES = 1e-3, 1e-2
SIDES = 96, 128  # of trial images
ANOTHER_TIME = (
    "gives other scores for the same image a second time; use it in evaluation mode, without dropout, other draws, and "
    "memory of the image before"
)
UNITS = 16  # of the last place, where scores have fewer bits than these shares


def expect_steady(network: nn.Module, run: Callable[[Tensor], Tensor], image: Tensor, where: str) -> Tensor:
    """Run a network on one image (1, 3, H, W) twice, and on another one in between; return the image's scores.

    Raises UsageError where it can't be run on one image, where it gives other scores the second time, as with a memory
    of the image before, and where a parameter or buffer is another then, as with test-time adaptation.
    """
    try:
        first = run(image)
    except Exception as error:
        reason = in_one_line(error)
        raise UsageError(f"{where}: its network can't be run on one image alone ({reason:.300})") from None
    before = {name: tensor.clone() for name, tensor in state_of(network).items()}
    run(image.flip(2, 3))
    second = run(image)
    for name, tensor in state_of(network).items():
        if name in before and not equal(before[name], tensor):
            raise UsageError(
                f"{where}: each image changes its {name}, so scores would depend on the images before; use it in "
                "evaluation mode, without adaptation"
            )
    if differ(first, second, ROUNDING):
        raise UsageError(f"{where}: {ANOTHER_TIME}")
    return first


def expect_repeatable(model: Segmenter, where: str) -> None:
    """Raise UsageError for a Segmenter that gives an image other logits a second time, or among others, and for one
    that gives probabilities.

    One that can't be run on small images of noise is not judged.
    """
    images = torch.randint(256, (3, 3, *SIDES), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[1:] //= 4  # others are darker, or the statistics of the batch would be the same as of the first
    images = images.to(model.device)
    try:
        with torch.inference_mode():
            first, _, second = (model(one.clone()) for one in (images[:1], images[1:2], images[:1]))  # it may write
            together = model(images)[:1]
    except Exception:  # the run reports it, with the image
        return
    outputs = first, second, together
    if not all(isinstance(one, Tensor) and one.is_floating_point() and one.numel() for one in outputs):
        return  # likewise
    if differ(first, second, ROUNDING):
        raise UsageError(f"{where}: {ANOTHER_TIME}")
    if depends_on_batch(first, together):
        raise UsageError(
            f"{where}: gives other scores for an image among others than alone; let it take one image at a time, or "
            "put its BatchNorm into evaluation mode"
        )
    if not takes_logarithm(model):
        refuse_probabilities(first, where)


def depends_on_batch(alone: Tensor, together: Tensor) -> bool:
    """Whether an image has other scores (1, classes, h, w) in a batch, as by BatchNorm without running statistics."""
    return differ(alone, together, OF_BATCHES)


def refuse_probabilities(scores: Tensor, where: str) -> None:
    """Raise UsageError for scores (B, classes, h, w) that are probabilities: of a softmax, or sigmoids."""
    scores = scores.float()
    sure = bool(((scores == 0) | (scores == 1)).all())  # a class that is stated, without probabilities
    if scores.shape[1] > 1 and float(scores.min()) >= 0 and float(scores.max()) <= 1 + ROUNDING and not sure:
        raise UsageError(
            f"{where}: its output is no logits (all of it is between 0 and 1, as probabilities): use the network "
            "without its last step"
        )


def state_of(network: nn.Module) -> dict[str, Tensor]:
    return dict(chain(network.named_parameters(), network.named_buffers()))


def equal(some: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same values, NaN included."""
    return torch.equal(some, other) or (
        some.is_floating_point() and some.shape == other.shape and torch.allclose(some, other, 0, 0, equal_nan=True)
    )


def differ(some: Tensor, other: Tensor, share: float) -> bool:
    """Whether scores differ by more than rounding: a share of the largest. Those that are not finite are not judged."""
    kind = torch.finfo(some.dtype)
    limit = max(share, UNITS * kind.eps) * max(float(some.abs().max()), kind.smallest_normal)
    return some.shape != other.shape or float((some.float() - other.float()).abs().max()) > limit
