"""Models that a program hands over: a torch network, with what its user states of it, or a Segmenter.

What decides the logits of either is hashed before it runs, see `identity_of`; of a network also its input and classes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence, Set
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from segformer.modes import restored_modes
from segformer.sources import NVIDIA_LICENCE

from ..errors import UsageError
from ..files import digest
from ..models import ModelOptions, Request
from ..models.base import Segmenter, expect_segmenter, extend_identity
from ..models.foreign import Facts, wrap
from ..models.network_identity import identity_of, without_notes
from ..models.options import NOTHING_STATED, STATED
from ..models.preprocessing import Preprocessing
from ..models.stated import are_numbers, stated_by
from ..models.steady import expect_repeatable

__all__ = ["Classes", "Input", "evaluating", "made_of"]

Classes = Iterable[str] | Mapping[str, str | None] | None
Input = Preprocessing | Mapping[str, Any] | Callable[[Tensor], Tensor] | None
RAW = Preprocessing(rescale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
IMAGENET_UNSTATED = Preprocessing(origin="nothing is stated of it")
OF_INPUT = ("mean", "std", "channels", "rescale", "pad_to", "size", "licence")  # of `ModelOptions`
IDENTITY = re.compile(r"(?:[0-9a-f]{32}){1,2}")  # of files, or of more than files


class WithInput(nn.Module):
    """Images with values 0 .. 255 (B, 3, H, W) ─▶ what a network gives for what a function makes of them as uint8."""

    def __init__(self, network: nn.Module, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.function = network, function

    def forward(self, images: Tensor) -> Any:
        return self.network(self.function(images.to(torch.uint8)))


def made_of(
    model: nn.Module | Segmenter,
    name: str,
    class_names: tuple[str, ...],
    *,
    preprocess: Input = None,
    classes: Classes = None,
    version: str = "",
) -> Segmenter:
    """Make a network or a Segmenter a model under test, where it lies.

    preprocess: of a network, what a source states of its input ({"mean": ..., "channels": "bgr", "pad_to": 32}), by
    default what it states itself, else ImageNet's; or a function from uint8 RGB (B, 3, H, W) to the network's input.
    classes: of the logits in their order, by default as it states, else class_names. Or a mapping of its classes to the
    data set's: by the names that it states, else in the order of the logits. version: in the place of what
    can't be hashed. Raises UsageError for what is neither a network nor a Segmenter.
    """
    names = listed_names(classes)
    mapped = isinstance(classes, Mapping)
    if isinstance(model, nn.Module) and not is_segmenter(model):
        request = Request(name=name, class_names=class_names, keys=by_number(names) if mapped else ())
        made = made_of_network(model, request, preprocess, () if mapped else names, version)
    elif preprocess is None:
        made = made_of_segmenter(cast(Segmenter, model), name, () if mapped else names, version)
    else:
        raise UsageError(f"model {name}: a Segmenter makes its own input, so it takes no preprocess")
    return made


def made_of_network(
    network: nn.Module, request: Request, preprocess: Input, names: tuple[str, ...], version: str
) -> Segmenter:
    name = request.name
    stated = ModelOptions.parse(with_lists(preprocess)) if isinstance(preprocess, Mapping) else NOTHING_STATED
    if stated.names or stated.table or stated.version or not stated.native:
        raise UsageError(f"model {name}: preprocess takes {', '.join(OF_INPUT)}")
    own, input_of = stated_by(network), IMAGENET_UNSTATED
    identity: list[Any] = ["network", identity_of(network, version)]
    about = type(network).__qualname__
    if isinstance(preprocess, Preprocessing):
        input_of = replace(preprocess, origin=STATED)
    elif preprocess is None or isinstance(preprocess, Mapping):
        input_of = stated.apply(own.preprocessing(f"input of model {name}", stated) or input_of)
    else:
        network, input_of = WithInput(network, preprocess), RAW
        identity.append(identity_of(preprocess, version))
        about += f", input made by {getattr(preprocess, '__name__', type(preprocess).__name__)}"
    identity.append([*input_of.numbers, stated.pad_to, stated.size])
    facts = Facts(
        where=f"model {name}",
        identity=digest([*identity, list(names or request.keys or request.class_names)]),
        about=about + (input_of.remark if input_of != RAW else ""),
        own=own,
        licence=own.licence if own.licence == NVIDIA_LICENCE else stated.licence or own.licence,
        preprocessing=input_of,
    )
    return wrap(network, replace(request, options=replace(stated, names=names)), facts)


def with_lists(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Turn arrays and tensors into lists, as options have them."""
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in stated.items()}


def made_of_segmenter(segmenter: Segmenter, name: str, names: tuple[str, ...], version: str) -> Segmenter:
    """Take a Segmenter under another name; the one that was handed over stays as it is."""
    if not is_segmenter(segmenter):
        raise UsageError(f"model {name}: expected a network, a Segmenter or a source, got {type(segmenter).__name__}")
    expect_segmenter(segmenter, f"model {name}")
    made = copy(segmenter)
    made.name = ""  # a name decides no logits
    stated = made.checkpoint_sha256 if IDENTITY.fullmatch(made.checkpoint_sha256) else ""
    extend_identity(made, identity_of(without_notes(made), version or stated))
    expect_repeatable(made, f"model {name}")
    made.name = name
    if names:
        made.class_names = names
    return made


def listed_names(classes: Classes) -> tuple[str, ...]:
    """Take names of classes in their order, () for None. Raises UsageError for what has no order, and for no names."""
    if classes is None:
        return ()
    unordered = isinstance(classes, str | bytes | Iterator) or (
        isinstance(classes, Set) and not isinstance(classes, KeysView)
    )
    names = list(classes) if isinstance(classes, Iterable) and not unordered else []
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"classes must be a list of names in the order of the logits, or a mapping of them, got {classes!r:.60}"
        )
    return tuple(map(str, names))


def by_number(names: tuple[str, ...]) -> tuple[str, ...]:
    """Put names such as LABEL_3 into the order of their numbers; others stay as they are."""
    return tuple(sorted(names, key=lambda name: int(re.sub(r"\D", "", name)))) if are_numbers(names) else names


def is_segmenter(model: object) -> bool:
    return callable(model) and all(hasattr(model, name) for name in ("class_names", "checkpoint_sha256", "device"))


@contextmanager
def evaluating(networks: Sequence[object]) -> Iterator[None]:
    """Let networks evaluate, and train again what was in training before."""
    modules = [module for network in networks if isinstance(network, nn.Module) for module in network.modules()]
    with restored_modes(modules):
        for module in modules:
            module.training = False
        yield
