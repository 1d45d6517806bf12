"""Networks of others as models under test: what they give is unpacked, and images are padded where they must be.

A network may give a tensor (B, classes, h, w) at any stride, a mapping or an object with `out`, `logits` or
`sem_logits`, a tuple whose first part is one of these, or the class and mask queries of a mask model (Mask2Former,
MaskFormer, OneFormer, EoMT). Of the latter the scores of a class are the sum over queries of softmax(class) times
sigmoid(mask) (Cheng et al. 2021, "Per-Pixel Classification is Not All You Need"); their logarithm is taken once they
are resized.
"""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .base import NetworkSegmenter, pad_and_crop
from .preprocessing import Preprocessing
from .request import Request
from .steady import depends_on_batch, expect_steady, refuse_probabilities

__all__ = ["Facts", "Foreign", "fit", "form_of", "unpack", "wrap"]

LOGITS = ("out", "logits", "sem_logits")
QUERIES = ("class_queries_logits", "masks_queries_logits")
# Of what the sides of an image must be multiples: the first that works is taken. ViTs have patches of 14 pixels too.
MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 7, 14, 28)
LEAST_TRIAL = 64  # pixels
LARGEST = 8  # value of noise in trial images: enough of them differ as whole numbers too
INVISIBLE = 1e-5  # of the largest score: less is rounding


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What files state about a network. where: for messages. names: of the logits, none if there are none. outputs: the
    number of logits, None where only a trial can show it. identity: of all that decides logits. sides: the one
    (height, width) that the network takes. likely: the one that it takes if it takes one alone.
    """

    where: str
    identity: str
    about: str
    names: tuple[str, ...] = ()
    outputs: int | None = None
    licence: str = ""
    preprocessing: Preprocessing = Preprocessing(origin="no file states it")  # noqa: RUF009  frozen
    sides: tuple[int, int] | None = None
    likely: tuple[int, int] | None = None


class Foreign(nn.Module):
    """Normalised float (B, 3, H, W) ─▶ logits or scores (B, classes, h, w), at any stride.

    pad_to: see `pad_and_crop`. one_by_one: whether it is shown one image at a time.
    """

    def __init__(self, network: nn.Module, pad_to: int = 1, *, one_by_one: bool = False) -> None:
        super().__init__()
        self.network = network
        self.pad_to = pad_to
        self.one_by_one = one_by_one

    def forward(self, images: Tensor) -> Tensor:
        if self.one_by_one and len(images) > 1:
            return torch.cat([self(image) for image in torch.split(images, 1)])
        return pad_and_crop(lambda padded: unpack(self.network(padded))[0], images, self.pad_to)


@dataclass(frozen=True)
class Trial:
    """What running a network once has shown. pad_to: as of `Foreign`. sides: the one size that it takes, if it takes
    one alone. size: of the images. scores: of them. masks: whether the logarithm of scores are the logits.
    """

    pad_to: int
    sides: tuple[int, int] | None
    size: tuple[int, int]
    scores: Tensor
    masks: bool


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A network as a model under test needs it. remark: what its description is to add."""

    network: Foreign
    class_names: tuple[str, ...]
    sides: tuple[int, int] | None
    log_after_resize: bool
    remark: str


def wrap(network: nn.Module, request: Request, facts: Facts) -> NetworkSegmenter:
    """Make a torch network a model under test; see `fit`."""
    made = fit(network, request, facts)
    return NetworkSegmenter(
        name=request.name,
        network=made.network,
        class_names=made.class_names,
        licence=facts.licence or "not stated",
        checkpoint_sha256=facts.identity,
        about=facts.about + made.remark,
        preprocessing=facts.preprocessing,
        sides=made.sides,
        log_after_resize=made.log_after_resize,
    )


def fit(network: nn.Module, request: Request, facts: Facts) -> Fit:
    """Run a network a few times, and find out what it gives and what images must be padded to.

    One whose scores of an image depend on the others of a batch is shown one image at a time. Raises UsageError for a
    network that can't be run on images or gives no logits, for another number of logits than of classes, and as
    `expect_steady` does.
    """
    trial = try_out(network.eval(), request, facts)
    classes = trial.scores.shape[1]
    if facts.outputs not in (None, classes):
        raise UsageError(f"{facts.where}: gives {classes} logits, but its files name {facts.outputs} classes")
    if not trial.masks:
        refuse_probabilities(trial.scores, facts.where)
    image = trial_images(trial.size)[:1]
    alone = expect_steady(network, lambda images: run_once(network, images, facts.where)[0], image, facts.where)
    one_by_one = depends_on_batch(alone, trial.scores[:1])
    how = "as stated" if request.options.pad_to else "found by a trial"
    remark = f", images padded to a multiple of {trial.pad_to} ({how})" if trial.pad_to > 1 else ""
    return Fit(
        network=Foreign(network, trial.pad_to, one_by_one=one_by_one),
        class_names=request.names(facts.names, classes, facts.where),
        sides=trial.sides,
        log_after_resize=trial.masks,
        remark=remark + (", shown one image at a time, since a batch changes its scores" if one_by_one else ""),
    )


def try_out(network: nn.Module, request: Request, facts: Facts) -> Trial:
    """Run a network on trial images whose sides are multiples of 1, 2, 4, ... and no more, until it takes them.

    A network that takes them, but not their last row or column, would give a map of less than the image: the next
    multiple is tried. Raises UsageError for a network that takes none.
    """
    options = request.options
    if one := options.size or facts.sides:
        attempts = [(1, one)]
    else:
        attempts = [(multiple, sides_of(multiple)) for multiple in ([options.pad_to] if options.pad_to else MULTIPLES)]
    errors: list[Exception] = []
    cropping: list[Trial] = []
    for multiple, size in attempts:
        try:
            scores, masks = run_once(network, trial_images(size), facts.where)
        except UsageError:
            raise
        except Exception as failure:  # whatever a network raises for an image of another size than it takes
            errors.append(failure)
            continue
        trial = Trial(multiple, one, size, scores, masks)
        if one or sees_borders(scores):
            return trial
        cropping.append(trial)
    if errors and facts.likely and not (one or options.pad_to):
        with suppress(Exception):  # then the first error stands
            scores, masks = run_once(network, trial_images(facts.likely), facts.where)
            return Trial(1, facts.likely, facts.likely, scores, masks)
    if cropping:  # no multiple changes anything: weights that give the same everywhere
        return cropping[0]
    tried = ", ".join("x".join(map(str, size)) for _, size in attempts)
    reason = " ".join(f"{type(errors[-1]).__name__}: {errors[-1]}".split())
    raise UsageError(
        f"{facts.where}: its network can't be run on images of {tried} pixels ({reason:.300}); if it takes one size "
        "alone, state it: ?size=HEIGHTxWIDTH"
    )


def run_once(network: nn.Module, images: Tensor, where: str) -> tuple[Tensor, bool]:
    place = next(chain(network.parameters(), network.buffers()), torch.empty(0)).device
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes that are only tried
        return unpack(network(images.to(place)), where)


def trial_images(size: tuple[int, int]) -> Tensor:
    """An image of noise, which is no blank to draws either, one with another last row, one with another last column."""
    images = LARGEST * torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).repeat(3, 1, 1, 1)
    images[1, :, -1] = images[2, :, :, -1] = 2 * LARGEST
    return images


def sees_borders(scores: Tensor) -> bool:
    """Whether the last row and the last column of `trial_images` have changed the scores."""
    first, *others = scores.float()
    return all(float((other - first).abs().max()) > INVISIBLE * float(first.abs().max()) for other in others)


def sides_of(multiple: int) -> tuple[int, int]:
    """Choose sides that are odd multiples of a number, so that they are multiples of no larger one in the row."""
    factor = -(-LEAST_TRIAL // multiple) | 1
    return multiple * factor, multiple * (factor + 2)


def unpack(output: Any, where: str = "a network") -> tuple[Tensor, bool]:
    """Take the scores (B, classes, h, w) out of what a network gives, and whether a mask model made them.

    Raises UsageError where there are none.
    """
    if isinstance(output, list | tuple) and output:
        return unpack(output[0], where)
    parts = output if isinstance(output, Mapping) else getattr(output, "__dict__", {})
    classes, masks = map(parts.get, QUERIES)
    if isinstance(classes, Tensor) and isinstance(masks, Tensor):
        return mask_scores(classes, masks), True
    if inner := [parts[name] for name in LOGITS if parts.get(name) is not None]:
        return unpack(inner[0], where)
    if isinstance(output, Tensor) and output.ndim == 4 and output.is_floating_point():
        return output, False
    raise UsageError(
        f"{where}: gives {form_of(output)}; expected logits (B, classes, h, w), alone, first in a tuple, or under "
        f"{', '.join(LOGITS)}"
    )


def form_of(output: object) -> str:
    """What a model gave, in words."""
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)} of {str(output.dtype).removeprefix('torch.')}"
    return type(output).__name__ + (f" with {', '.join(map(str, output))}" if isinstance(output, Mapping) else "")


def mask_scores(classes: Tensor, masks: Tensor) -> Tensor:
    """Turn class queries (B, Q, C + 1), whose last is no class, and mask queries (B, Q, h, w) into scores (B, C, h, w).

    They are computed in float32: in half precision the sums of many small products would be rounded.
    """
    with torch.autocast(classes.device.type, enabled=False):
        shares = classes.float().softmax(dim=-1)[..., :-1]
        return torch.einsum("bqc,bqhw->bchw", shares, masks.float().sigmoid())
