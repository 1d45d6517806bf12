"""Networks of others as models under test: images are padded where they must be, and shown as it takes them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .base import NetworkSegmenter, Segmenter, extend_identity, pad_and_crop
from .output import unpack
from .preprocessing import Preprocessing
from .request import Request
from .stated import Stated, are_numbers
from .steady import depends_on_batch, expect_steady, refuse_probabilities
from .trial import run_once, trial_images, try_out

__all__ = ["UNSTATED", "Facts", "Foreign", "fit", "wrap"]

UNSTATED, NOTHING = Preprocessing(origin="no file states it"), Stated()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What files state about a network. where: for messages. names: of the logits, none if there are none. outputs: the
    number of logits, None where only a trial can show it. own: what the network in memory states. identity: of all that
    decides logits. sides: the one (height, width) that the network takes. likely: the one that it takes if it takes one
    alone.
    """

    where: str
    identity: str
    about: str
    names: tuple[str, ...] = ()
    outputs: int | None = None
    licence: str = ""
    preprocessing: Preprocessing = UNSTATED
    own: Stated = NOTHING
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


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A network as a model under test needs it. remark: what its description is to add. later: as of `Trial`."""

    network: Foreign
    class_names: tuple[str, ...]
    sides: tuple[int, int] | None
    log_after_resize: bool
    remark: str
    later: bool

    def identify(self, model: Segmenter) -> None:
        """Make a padding that moves logits part of a model's identity: earlier versions did without."""
        if self.later:
            extend_identity(model, "padded to fit", self.network.pad_to)


def wrap(network: nn.Module, request: Request, facts: Facts) -> NetworkSegmenter:
    """Make a torch network a model under test; see `fit`."""
    made = fit(network, request, facts)
    model = NetworkSegmenter(
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
    made.identify(model)
    return model


def fit(network: nn.Module, request: Request, facts: Facts) -> Fit:
    """Run a network a few times, and find out what it gives and what images must be padded to.

    One whose scores of an image depend on the others of a batch is shown one image at a time. Raises UsageError for a
    network that can't be run on images or gives no logits over all of them, for another number of logits than of
    classes, and as `expect_steady` does.
    """
    options = request.options
    sides = options.size or facts.sides
    trial = try_out(network.eval(), facts.where, pad_to=options.pad_to, sides=sides, likely=facts.likely)
    classes = trial.scores.shape[1]
    if facts.outputs not in (None, classes):
        raise UsageError(f"{facts.where}: gives {classes} logits, but its files name {facts.outputs} classes")
    if not trial.masks:
        refuse_probabilities(trial.scores, facts.where)
    image = trial_images(trial.size)[:1]
    alone = expect_steady(network, lambda images: run_once(network, images, facts.where)[0], image, facts.where)
    one_by_one = depends_on_batch(alone, trial.scores[:1])
    own = facts.own.names(classes, numbered=are_numbers(request.keys))
    how = "as stated" if options.pad_to else "found by a trial"
    remark = f", images padded to a multiple of {trial.pad_to} ({how})" if trial.pad_to > 1 else ""
    remark += ", shown one image at a time, since a batch changes its scores" if one_by_one else ""
    if not (request.options.names or facts.names or own or request.keys):
        remark += ", its logits named as the data set's classes"
    return Fit(
        network=Foreign(network, trial.pad_to, one_by_one=one_by_one),
        class_names=request.names(facts.names or own, classes, facts.where),
        sides=trial.sides,
        log_after_resize=trial.masks,
        remark=remark,
        later=trial.later,
    )
