"""Find the weights in a file: in nested dictionaries, under prefixes that wrappers add, or both.

A file may hold two sets of weights for one network, such as the weights of the last step and their running average.
They give different results, so a file with two sets that differ is refused. Two programs are exceptions, because their
own loaders define which set to use.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from .formats import Loaded
from .info import CheckpointError, shorten
from .pickles import StandIn, would_run_code

__all__ = ["UNREAD", "Weights", "choose"]

AVERAGE = re.compile(r"(.*_)?(ema|averaged?|swa)(_.*)?")
# Names of dictionaries, wrappers and attributes that hold a whole network.
NETWORK = re.compile(
    r"(model_?)?state(_dict)?|model|module|network|net|weights|params|_orig_mod|_forward_module|_fsdp_wrapped_module|"
    + AVERAGE.pattern
)
# Names that wrappers add inside a network's keys.
INNER = re.compile(r"(?<=\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
# Training state; it holds tensors under the keys of weights.
TRAINING = re.compile(r"optimi[sz]er|(^|_)optim(_|$)|sched|scaler")
# Keys that no forward pass reads: heads and criteria for training, counters of averages.
UNREAD = re.compile(
    r"(^|\.)(auxiliary_head|aux_heads?|aux_classifier|auxlayers?|criterion|criteria|loss(es)?|loss_\w+|\w+_loss(es)?)\."
    r"|^(n_averaged|steps)$"
)
# MMEngine and Lightning store the average under "state_dict", and under a second name the weights from which training
# resumes. Second name: a key that only this program writes.
AVERAGE_IS_STATE_DICT = {"ema_state_dict": "message_hub", "current_model_state": "averaging_state"}
DEPTH = 6  # of nested dictionaries and of prefixes: a dictionary may contain itself
EXPECTED = "expected a dictionary of tensors of real numbers"


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """A state dict in a file.

    names: of the dictionaries around it. prefix: the start of the file's keys that `tensors` lacks; in the file, a key
    that matches UNREAD may lack it too. expression: Python that loads the state dict under the file's own keys, for
    messages.
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
        """Whether its name is one that networks have."""
        return any(map(AVERAGE.fullmatch, self.places)) or any(map(NETWORK.fullmatch, self.places[-1:]))

    def same_as(self, other: "Weights") -> bool:
        """Whether all values are equal to the bit, counters excepted."""
        mine, others = (
            {key: tensor.contiguous().view(torch.uint8) for key, tensor in one.tensors.items() if tensor.ndim}
            for one in (self, other)
        )
        return mine.keys() == others.keys() and all(torch.equal(tensor, others[key]) for key, tensor in mine.items())


def choose(loaded: Loaded) -> Weights:
    """Choose the network's weights. Raises CheckpointError, with the remedy, for none and for several that differ."""
    candidates = [weights for outer in state_dicts(loaded) for weights in unwrap(outer)]
    if not candidates:
        raise no_weights(loaded)
    preferred = [weights for weights in candidates if weights.is_named] or candidates
    choice = preferred[0]
    rivals = [
        other
        for other in candidates
        if other is not choice
        and (other in preferred or other.tensors.keys() & choice.tensors.keys())
        and not other.same_as(choice)
    ]
    if not rivals:
        return choice
    by_name = {".".join(weights.names): weights for weights in (choice, *rivals)}
    for second, mark in AVERAGE_IS_STATE_DICT.items():
        if by_name.keys() == {"state_dict", second} and isinstance(loaded.value, dict) and mark in loaded.value:
            return by_name["state_dict"]
    places = " and ".join(repr(".".join(weights.places)) for weights in (choice, *rivals))
    raise CheckpointError(
        f"{loaded.path}: holds different weights under {places}; choose, and {loaded.saving(choice.expression)}"
    )


def state_dicts(loaded: Loaded) -> Iterator[Weights]:
    """List the dictionaries of tensors in a file, at any depth. Raises CheckpointError for other values in them."""

    def walk(value: object, names: tuple[str, ...], expression: str) -> Iterator[Weights]:
        is_average = any(map(AVERAGE.fullmatch, names))
        if is_average and isinstance(value, StandIn):
            raise unreadable(loaded, value, f"{expression}.state_dict()")
        if is_average and isinstance(value, list) and any(map(is_large, value)):  # some libraries store a list
            value = {str(i): tensor for i, tensor in enumerate(value)}
        is_network = is_average or not names or NETWORK.fullmatch(names[-1]) is not None
        if isinstance(value, dict) and (holds_weights(value) or (is_network and holds_objects(value))):
            yield Weights(names=names, tensors=plain(loaded, value, expression), expression=expression)
        elif isinstance(value, dict) and len(names) < DEPTH:
            for key, inner in value.items():
                if isinstance(key, str) and not TRAINING.search(key):
                    yield from walk(inner, (*names, key), f"{expression}[{key!r}]")

    return walk(loaded.value, (), loaded.expression)


def holds_weights(value: Mapping[object, object]) -> bool:
    """Whether this is a state dict or looks like one. A tensor without dimensions may be a logged number."""
    large = [key for key, tensor in value.items() if is_large(tensor)]
    dotted = any(isinstance(key, str) and "." in key for key in large)
    return dotted or (bool(large) and all(isinstance(tensor, Tensor) for tensor in value.values()))


def holds_objects(value: Mapping[object, object]) -> bool:
    """Whether this may be a state dict of another library's arrays; only its name tells it from logged numbers."""
    return any("." in str(key) for key in value) and all(isinstance(array, StandIn) for array in value.values())


def is_large(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.ndim > 0


def plain(loaded: Loaded, value: Mapping[object, object], expression: str) -> dict[str, Tensor]:
    """Take the tensors of a state dict, without plain numbers or words. Raises CheckpointError for anything else."""
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
    """Whether a tensor is dense and holds real numbers."""
    ordinary = type(tensor) in (Tensor, nn.Parameter) and tensor.layout == torch.strided
    return ordinary and not (tensor.is_meta or tensor.is_complex() or tensor.is_quantized)


def unwrap(weights: Weights) -> list[Weights]:
    """Remove, one by one, the prefixes of wrappers that all keys share; keys that are never read may lack them.

    If a network and its average have two different prefixes, each becomes a state dict.
    """
    tensors = {INNER.sub("", key): tensor for key, tensor in weights.tensors.items()}
    if len(tensors) < len(weights.tensors):  # two keys differ only in a wrapper's name
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
        parts.extend(unwrap(part))
    networks = {frozenset(key for key in part.tensors if not UNREAD.search(key)) for part in parts}
    return parts if len(networks) == 1 else [whole]


def no_weights(loaded: Loaded) -> CheckpointError:
    """Make the error for a file without a state dict, which may hold whole objects."""
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
    names = f", found {shorten(entries)}" if entries else ""
    return CheckpointError(f"{loaded.path}: {EXPECTED}{names}")


def as_tensors(expression: str) -> str:
    return f"{{k: torch.as_tensor(v) for k, v in {expression}.items()}}"


def unreadable(loaded: Loaded, value: StandIn, expression: str) -> CheckpointError:
    """Make the error for an object in place of weights. expression: loads the weights, if the user trusts the file."""
    error = would_run_code(loaded.path, [f"{type(value).__module__}.{type(value).__qualname__}"])
    return CheckpointError(f"{error}; {loaded.saving(expression)}")
