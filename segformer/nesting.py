"""Where the weights are in a file: under the name of a dictionary, under prefixes that wrappers add, or both.

A file may hold two sets of weights of one network, such as those of the last step and their running average. They give
different numbers, so two that differ are refused, but for two programs whose own loaders leave no doubt.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from .formats import Loaded
from .info import CheckpointError, shortened
from .pickles import StandIn, would_run_code

__all__ = ["UNREAD", "Weights", "choose"]

# What dictionaries, wrappers and attributes that hold a whole network are called.
NETWORK = re.compile(
    r"(model_?)?state(_dict)?|model|module|network|net|weights|params|_orig_mod|_forward_module|_fsdp_wrapped_module"
    r"|(.*_)?(ema|averaged?|swa)(_.*)?"
)
# Wrappers inside a network, whose names are no part of it.
INNER = re.compile(r"(?<=\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
# The state of a training has tensors under the names of weights.
TRAINING = re.compile(r"optim|sched|scaler")
# Keys that no forward pass reads: heads and criteria of the training, counters of averages.
UNREAD = re.compile(
    r"(^|\.)(auxiliary_head|aux_heads?|aux_classifier|auxlayers?|criterion|criteria|loss(es)?|loss_\w+|\w+_loss(es)?)\."
    r"|^(n_averaged|steps)$"
)
# Programs that keep the average under "state_dict", and under a second name what the training resumes from; and a word
# that only they write.
AVERAGE_IS_STATE_DICT = {
    "ema_state_dict": "message_hub",
    "current_model_state": "averaging_state",
}  # MMEngine, Lightning
EXPECTED = "expected a dictionary of tensors of real numbers"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A state dict of a file.

    names: of the dictionaries around it. prefix: what its keys begin with in the file, and here no longer; a key that
    matches UNREAD may have been without. expression: Python that gives it to a user, under the file's own keys.
    """

    names: tuple[str, ...]
    prefix: str = ""
    tensors: Mapping[str, Tensor]
    expression: str

    @property
    def place(self) -> str:
        return ".".join([*self.names, *([self.prefix.rstrip(".")] if self.prefix else [])])

    def same_as(self, other: "Weights") -> bool:
        """Whether all values are equal, but for counters."""
        mine, others = ({key: t for key, t in one.tensors.items() if t.ndim} for one in (self, other))
        return mine.keys() == others.keys() and all(torch.equal(tensor, others[key]) for key, tensor in mine.items())


def choose(loaded: Loaded) -> Weights:
    """Find the network's weights. Raises CheckpointError, with the cure, if there are none, or several that differ."""
    found = [weights for outer in state_dicts(loaded) for weights in unwrapped(outer)]
    if not found and loaded.foreign:
        raise would_run_code(loaded.path, list(loaded.foreign))
    if not found:
        keys = loaded.value if isinstance(loaded.value, dict) else ()
        raise CheckpointError(f"{loaded.path}: {EXPECTED}, found {shortened(keys)}")
    named = [weights for weights in found if NETWORK.fullmatch(weights.place.rpartition(".")[2])] or found
    chosen = named[0]
    rivals = [
        other
        for other in found
        if (other in named or other.tensors.keys() & chosen.tensors.keys()) and not other.same_as(chosen)
    ]
    if not rivals:
        return chosen
    by_place = {weights.place: weights for weights in (chosen, *rivals)}
    for second, mark in AVERAGE_IS_STATE_DICT.items():
        if by_place.keys() == {"state_dict", second} and isinstance(loaded.value, dict) and mark in loaded.value:
            return by_place["state_dict"]
    raise CheckpointError(
        f"{loaded.path}: holds different weights under {' and '.join(map(repr, by_place))}; choose one and "
        f"{loaded.saving(rivals[-1].expression)}"
    )


def state_dicts(loaded: Loaded) -> Iterator[Weights]:
    """List the dictionaries of tensors in a file, at any depth. Raises CheckpointError for other things in one."""

    def walk(value: object, names: tuple[str, ...], expression: str) -> Iterator[Weights]:
        if isinstance(value, StandIn) and (not names or (len(names) == 1 and NETWORK.fullmatch(names[0]))):
            error = would_run_code(loaded.path, [name_of(value)])
            raise CheckpointError(f"{error}; {loaded.saving(f'{expression}.state_dict()')}")
        if not isinstance(value, dict):
            return
        if holds_weights(value):
            refuse_other_things(loaded, value, expression)
            yield Weights(names=names, tensors=value, expression=expression)
            return
        for key, inner in value.items():
            if isinstance(key, str) and not TRAINING.search(key):
                yield from walk(inner, (*names, key), f"{expression}[{key!r}]")

    return walk(loaded.value, (), loaded.expression)


def holds_weights(value: Mapping[object, object]) -> bool:
    """Whether this is a state dict, or meant as one; numbers that are logged are tensors without a dimension."""
    tensors = {key: tensor for key, tensor in value.items() if isinstance(tensor, Tensor)}
    large = [key for key, tensor in tensors.items() if tensor.ndim]
    return any(isinstance(key, str) and "." in key for key in large) or (bool(large) and len(tensors) == len(value))


def refuse_other_things(loaded: Loaded, value: Mapping[object, object], expression: str) -> None:
    for key, tensor in value.items():
        if isinstance(tensor, StandIn):
            error = would_run_code(loaded.path, [name_of(tensor)])
            line = f"{{k: torch.as_tensor(v) for k, v in {expression}.items()}}"
            raise CheckpointError(f"{error}; {loaded.saving(line)}")
        if not isinstance(key, str) or not is_plain(tensor):
            kind = type(tensor).__name__
            raise CheckpointError(f"{loaded.path}: {EXPECTED}, but {key!r} is not ({kind})")


def is_plain(tensor: object) -> bool:
    """Whether this is a tensor that holds real numbers, all of them."""
    return (
        isinstance(tensor, Tensor)
        and type(tensor) in (Tensor, nn.Parameter)
        and tensor.layout == torch.strided
        and not (tensor.is_meta or tensor.is_complex() or tensor.is_quantized)
    )


def name_of(stand_in: StandIn) -> str:
    return f"{type(stand_in).__module__}.{type(stand_in).__qualname__}"


def unwrapped(weights: Weights) -> Iterator[Weights]:
    """Take off, one after another, the prefixes of wrappers that all keys carry, but for those that are never read.

    Where a network and its average are under two prefixes, each is a state dict of its own.
    """
    tensors = {INNER.sub("", key): tensor for key, tensor in weights.tensors.items()}
    unread = {key: tensor for key, tensor in tensors.items() if UNREAD.search(key)}
    groups: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        first, dot, rest = key.partition(".")
        if dot and NETWORK.fullmatch(first):
            groups.setdefault(first, {})[rest] = tensor
        elif key not in unread:
            groups = {}
            break
    keys = [group.keys() - {key for key in group if UNREAD.search(key)} for group in groups.values()]
    if not groups or any(other != keys[0] for other in keys):
        yield replace(weights, tensors=tensors)
        return
    for first, group in groups.items():
        outside = {key: tensor for key, tensor in unread.items() if key.partition(".")[0] not in groups}
        expression = weights.expression
        if len(groups) > 1:
            own = f"{weights.prefix}{first}."
            expression = f"{{k: v for k, v in {expression}.items() if k.startswith({own!r})}}"
        yield from unwrapped(
            Weights(
                names=weights.names,
                prefix=f"{weights.prefix}{first}.",
                tensors=group | outside,
                expression=expression,
            )
        )
