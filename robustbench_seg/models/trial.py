"""What running a network of others a few times shows: the sides that it takes, and where its logits lie."""

import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from math import lcm

import torch
from torch import Tensor, nn

from ..errors import UsageError, in_one_line
from ..wording import counted
from .output import unpack

__all__ = ["Trial", "run_once", "trial_images", "try_out"]

# Of what the sides of an image must be multiples: the first that works is taken. ViTs have patches of 14 pixels too.
MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 7, 14, 28)
LATER = (3, 6, 12, 24, 48, 96, 5, 10, 20, 40, 80)  # earlier versions did not try them
LEAST_TRIAL = 64  # pixels
MORE = 960  # pixels, a multiple of all usual strides but 7 and 14, of ViTs
LARGEST = 8  # value of noise in trial images: enough of them differ as whole numbers too
INVISIBLE = 1e-5  # of the largest score: less is rounding


@dataclass(frozen=True)
class Trial:
    """What running a network once has shown. pad_to: as of `Foreign`. sides: the one size that it takes, if it takes
    one alone. size: of the images. scores: of them. masks: whether the logarithm of scores are the logits.
    missing: how its logits leave out a part of the image, "" if they don't. whole: whether they leave out
    no row or column at all. later: whether earlier versions of this program did without pad_to.
    """

    pad_to: int
    sides: tuple[int, int] | None
    size: tuple[int, int]
    scores: Tensor
    masks: bool
    missing: str = ""
    whole: bool = True
    later: bool = False


def try_out(
    network: nn.Module,
    where: str,
    *,
    pad_to: int | None,
    sides: tuple[int, int] | None,
    likely: tuple[int, int] | None,
) -> Trial:
    """Run a network on trial images whose sides are multiples of 1, 2, 4, ... and no more, until it takes them.

    A network that takes them, but not their last row or column, would give a map of less than the image: the next
    multiple is tried.

    pad_to, sides: tried alone, where they are stated. likely: sides to try last. Raises UsageError for a network that
    takes none, and for one whose logits leave out a part of the image.
    """
    if sides:
        attempts = [(1, sides)]
    else:
        attempts = [(multiple, sides_of(multiple)) for multiple in ([pad_to] if pad_to else [*MULTIPLES, *LATER])]
    errors: list[Exception] = []
    unfit: list[Trial] = []
    for multiple, size in attempts:
        try:
            scores, masks = run_once(network, trial_images(size), where)
        except UsageError:
            raise
        except Exception as failure:  # whatever a network raises for an image of another size than it takes
            errors.append(failure)
            continue
        if sides:
            return Trial(multiple, sides, size, scores, masks)
        later = multiple in LATER or any(trial.missing and sees_borders(trial.scores) for trial in unfit)
        text, is_whole = missing(network, multiple, size, scores, where)
        trial = Trial(multiple, None, size, scores, masks, text, is_whole, later)
        if sees_borders(scores) and not trial.missing:
            return trial
        unfit.append(trial)
    if errors and likely and not (sides or pad_to):
        with suppress(Exception):  # then the first error stands
            scores, masks = run_once(network, trial_images(likely), where)
            return Trial(1, likely, likely, scores, masks)
    fitting = [trial for trial in unfit if not trial.missing]
    if not (whole := [trial for trial in fitting if trial.whole]):
        whole = [trial for trial in fitting if pad_to or is_flat(trial.scores)]
    if whole:  # no logit needs the last row or column, or all are the same
        return replace(whole[0], later=whole[0].later or whole[0] is not unfit[0])
    if fitting:
        raise UsageError(
            f"{where}: its logits leave out the last rows and columns, whether sides are multiples of 2, 3, 5, 7 or of "
            "their products; state what it takes: ?pad_to=N"
        )
    if unfit:
        raise UsageError(f"{where}: {unfit[0].missing}, and would be scored in the wrong place")
    reason = in_one_line(errors[-1])
    last = "x".join(map(str, attempts[-1][1]))
    others = f", nor of {counted(len(attempts) - 1, 'other size')}" if len(attempts) > 1 else ""
    kinds = {parameter.dtype for parameter in network.parameters() if parameter.is_floating_point()} - {torch.float32}
    cure = "if it takes one size alone, state it: ?size=HEIGHTxWIDTH"
    if kinds:
        kind = str(min(kinds, key=str)).removeprefix("torch.")
        cure = f"its parameters are {kind}: make it `.float()`, and choose half precision by --precision"
    raise UsageError(f"{where}: its network can't be run on images of {last} pixels{others} ({reason:.300}); {cure}")


def run_once(network: nn.Module, images: Tensor, where: str) -> tuple[Tensor, bool]:
    """Run a network on images (B, 3, H, W), where it lies; see `unpack`."""
    place = next(chain(network.parameters(), network.buffers()), torch.empty(0)).device
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes that are only tried
        return unpack(network(images.to(place).clone()), where)  # it may write on them


def trial_images(size: tuple[int, int]) -> Tensor:
    """An image of noise, which is no blank to draws either, one with another last row, one with another last column."""
    images = LARGEST * torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).repeat(3, 1, 1, 1)
    images[1, :, -1] = images[2, :, :, -1] = 2 * LARGEST
    return images


def sees_borders(scores: Tensor) -> bool:
    """Whether the last row and the last column of `trial_images` have changed the scores."""
    first, *others = scores.float()
    return all(float((other - first).abs().max()) > INVISIBLE * float(first.abs().max()) for other in others)


def is_flat(scores: Tensor) -> bool:
    """Whether scores are the same everywhere in an image, as of one class for every pixel."""
    first = scores[:1].float()
    return float((first.amax((2, 3)) - first.amin((2, 3))).max()) <= INVISIBLE * float(first.abs().max())


def missing(network: nn.Module, multiple: int, size: tuple[int, int], scores: Tensor, where: str) -> tuple[str, bool]:
    """Describe logits that, at the network's stride, span less than the image, "" for all others; and state whether
    they span all of it.

    Convolutions without padding leave a stride or more out. The stride is the quotient of the pixels and the logits
    that a wider image has more; a network that doesn't take it, or gives it as many logits, is not judged.
    """
    height, width = size
    for more in (*([] if MORE % multiple else [MORE]), lcm(multiple, LEAST_TRIAL)):
        with suppress(Exception):  # a network of few sizes
            wide, _ = run_once(network, trial_images((height, width + more))[:1], where)
            break
    else:
        return "", True
    columns, added = scores.shape[3], wide.shape[3] - scores.shape[3]
    if added <= 0:
        turned = wide.shape[2] > scores.shape[2]
        return ("its logits have rows where the image has columns" if turned else ""), True
    stride = more / added
    exact = more % added == 0 or added % more == 0
    lacking = width - stride * columns
    if lacking < stride * (1 if exact else 2):  # the stride of a map that is rounded is rounded too
        return "", exact and lacking <= 0 and height <= stride * scores.shape[2]
    text = (
        f"its logits lie over a part of the image: of {width} columns it makes {columns}, of {width + more} it makes "
        f"{wide.shape[3]}; pad the image in the network, or its convolutions"
    )
    return text, False


def sides_of(multiple: int) -> tuple[int, int]:
    """Choose sides that are odd multiples of a number, so that they are multiples of no larger one in the row."""
    factor = -(-LEAST_TRIAL // multiple) | 1
    return multiple * factor, multiple * (factor + 2)
