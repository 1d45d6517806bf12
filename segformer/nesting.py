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

AVERAGE = re.compile(r"(.*_)?(ema|averaged?|swa)(_.*)?")
# What dictionaries, wrappers and attributes that hold a whole network are called.
NETWORK = re.compile(
    r"(model_?)?state(_dict)?|model|module|network|net|weights|params|_orig_mod|_forward_module|_fsdp_wrapped_module|"
    + AVERAGE.pattern
)
# Wrappers inside a network, whose names are no part of it.
INNER = re.compile(r"(?<=\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
# The state of a training has tensors under the names of weights.
TRAINING = re.compile(r"optimi[sz]er|(^|_)optim(_|$)|sched|scaler")
# Keys that no forward pass reads: heads and criteria of the training, counters of averages.
UNREAD = re.compile(
    r"(^|\.)(auxiliary_head|aux_heads?|aux_classifier|auxlayers?|criterion|criteria|loss(es)?|loss_\w+|\w+_loss(es)?)\."
    r"|^(n_averaged|steps)$"
)
# Programs that keep the average under "state_dict", and under a second name what a training resumes from: MMEngine and
# Lightning; each with a word that only it writes.
AVERAGE_IS_STATE_DICT = {"ema_state_dict": "message_hub", "current_model_state": "averaging_state"}
DEPTH = 6  # of dictionaries in dictionaries, and of prefixes: a file may hold itself
EXPECTED = "expected a dictionary of tensors of real numbers"


@dataclass(frozen=True, kw_only=True, eq=False)
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
    def places(self) -> tuple[str, ...]:
        return (*self.names, *filter(None, self.prefix.split(".")))

    @property
    def is_named(self) -> bool:
        """Whether it is called as a network is."""
        return any(map(AVERAGE.fullmatch, self.places)) or any(map(NETWORK.fullmatch, self.places[-1:]))

    def same_as(self, other: "Weights") -> bool:
        """Whether all values are equal to the bit, but for counters."""
        mine, others = (
            {key: tensor.contiguous().view(torch.uint8) for key, tensor in one.tensors.items() if tensor.ndim}
            for one in (self, other)
        )
        return mine.keys() == others.keys() and all(torch.equal(tensor, others[key]) for key, tensor in mine.items())


def choose(loaded: Loaded) -> Weights:
    """Find the network's weights. Raises CheckpointError, with the cure, if there are none, or several that differ."""
    found = [weights for outer in state_dicts(loaded) for weights in unwrapped(outer)]
    if not found:
        raise no_weights(loaded)
    named = [weights for weights in found if weights.is_named] or found
    chosen = named[0]
    rivals = [
        other
        for other in found
        if other is not chosen
        and (other in named or other.tensors.keys() & chosen.tensors.keys())
        and not other.same_as(chosen)
    ]
    if not rivals:
        return chosen
    by_name = {".".join(weights.names): weights for weights in (chosen, *rivals)}
    for second, mark in AVERAGE_IS_STATE_DICT.items():
        if by_name.keys() == {"state_dict", second} and isinstance(loaded.value, dict) and mark in loaded.value:
            return by_name["state_dict"]
    places = " and ".join(repr(".".join(weights.places)) for weights in (chosen, *rivals))
    raise CheckpointError(
        f"{loaded.path}: holds different weights under {places}; choose, and {loaded.saving(chosen.expression)}"
    )


def state_dicts(loaded: Loaded) -> Iterator[Weights]:
    """List the dictionaries of tensors in a file, at any depth. Raises CheckpointError for other things in one."""

    def walk(value: object, names: tuple[str, ...], expression: str) -> Iterator[Weights]:
        averaged = any(map(AVERAGE.fullmatch, names))
        if averaged and isinstance(value, StandIn):
            raise unreadable(loaded, value, f"{expression}.state_dict()")
        if averaged and isinstance(value, list) and any(map(is_large, value)):  # as some libraries keep an average
            value = {str(i): tensor for i, tensor in enumerate(value)}
        named = averaged or not names or NETWORK.fullmatch(names[-1]) is not None
        if isinstance(value, dict) and (holds_weights(value) or (named and holds_objects(value))):
            yield Weights(names=names, tensors=plain(loaded, value, expression), expression=expression)
        elif isinstance(value, dict) and len(names) < DEPTH:
            for key, inner in value.items():
                if isinstance(key, str) and not TRAINING.search(key):
                    yield from walk(inner, (*names, key), f"{expression}[{key!r}]")

    return walk(loaded.value, (), loaded.expression)


def holds_weights(value: Mapping[object, object]) -> bool:
    """Whether this is a state dict, or meant as one; numbers that are logged are tensors without a dimension."""
    large = [key for key, tensor in value.items() if is_large(tensor)]
    dotted = any(isinstance(key, str) and "." in key for key in large)
    return dotted or (bool(large) and all(isinstance(tensor, Tensor) for tensor in value.values()))


def holds_objects(value: Mapping[object, object]) -> bool:
    """Whether this may be a state dict of another library's arrays; logged numbers differ from one only in its name."""
    return any("." in str(key) for key in value) and all(isinstance(array, StandIn) for array in value.values())


def is_large(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.ndim > 0


def plain(loaded: Loaded, value: Mapping[object, object], expression: str) -> dict[str, Tensor]:
    """Take the tensors of a state dict. Raises CheckpointError for what is none, but for a number or word about it."""
    tensors = {}
    for key, tensor in value.items():
        if isinstance(tensor, StandIn):
            raise unreadable(loaded, tensor, as_tensors(expression))
        if isinstance(key, str) and isinstance(tensor, Tensor) and is_plain(tensor):
            tensors[key] = tensor
        elif isinstance(tensor, Tensor) or "." in str(key):
            raise CheckpointError(f"{loaded.path}: {EXPECTED}, but {key!r} is not ({type(tensor).__name__})")
    return tensors


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds real numbers, all of them."""
    ordinary = type(tensor) in (Tensor, nn.Parameter) and tensor.layout == torch.strided
    return ordinary and not (tensor.is_meta or tensor.is_complex() or tensor.is_quantized)


def unwrapped(weights: Weights) -> list[Weights]:
    """Take off, one after another, the prefixes of wrappers that all keys carry, but for those that are never read.

    Where a network and its average are under two prefixes, each is a state dict of its own.
    """
    tensors = {INNER.sub("", key): tensor for key, tensor in weights.tensors.items()}
    if len(tensors) < len(weights.tensors):  # two keys differ in that alone
        tensors = dict(weights.tensors)
    groups: dict[str, dict[str, Tensor]] = {}
    outside = {}
    for key, tensor in tensors.items():
        first, dot, rest = key.partition(".")
        if dot and NETWORK.fullmatch(first):
            groups.setdefault(first, {})[rest] = tensor
        else:
            outside[key] = tensor
    whole = replace(weights, tensors=tensors)
    if not all(map(UNREAD.search, outside)) or weights.prefix.count(".") == DEPTH:
        return [whole]
    parts: list[Weights] = []
    for first, group in groups.items():
        prefix = f"{weights.prefix}{first}."
        expression = weights.expression
        if len(groups) > 1:
            expression = f"{{k: v for k, v in {expression}.items() if k.startswith({prefix!r})}}"
        part = Weights(names=weights.names, prefix=prefix, tensors=outside | group, expression=expression)
        parts.extend(unwrapped(part))
    networks = {frozenset(key for key in part.tensors if not UNREAD.search(key)) for part in parts}
    return parts if len(networks) == 1 else [whole]


def no_weights(loaded: Loaded) -> CheckpointError:
    """Make the error for a file without a state dict: it may hold whole objects."""
    if isinstance(loaded.value, StandIn):
        return unreadable(loaded, loaded.value, f"{loaded.expression}.state_dict()")
    entries = loaded.value if isinstance(loaded.value, dict) else {}
    for key, value in entries.items():
        if isinstance(value, StandIn) and isinstance(key, str) and NETWORK.fullmatch(key):
            return unreadable(loaded, value, f"{loaded.expression}[{key!r}].state_dict()")
        if isinstance(value, dict) and not TRAINING.search(str(key)) and holds_objects(value):
            return unreadable(loaded, next(iter(value.values())), as_tensors(f"{loaded.expression}[{key!r}]"))
    if loaded.foreign:
        return would_run_code(loaded.path, list(loaded.foreign))
    found = f", found {shortened(entries)}" if entries else ""
    return CheckpointError(f"{loaded.path}: {EXPECTED}{found}")


def as_tensors(expression: str) -> str:
    return f"{{k: torch.as_tensor(v) for k, v in {expression}.items()}}"


def unreadable(loaded: Loaded, value: StandIn, expression: str) -> CheckpointError:
    """Make the error for an object where weights should be; the expression gives them to whoever trusts the file."""
    error = would_run_code(loaded.path, [f"{type(value).__module__}.{type(value).__qualname__}"])
    return CheckpointError(f"{error}; {loaded.saving(expression)}")
