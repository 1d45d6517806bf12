"""Models that a program hands over: a torch network, with what its user states of it, or a Segmenter.

What decides the logits of a network is hashed before it runs: its parameters and buffers, the source of its classes,
the plain values among the attributes of its modules (such as a stride), the names of hooks, its input and its classes.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..errors import UsageError
from ..files import digest
from ..models.base import NetworkSegmenter, Segmenter
from ..models.preprocessing import IMAGENET, Preprocessing
from ..own_code import source_hash

__all__ = ["Classes", "Input", "evaluating", "identity_of", "made_of"]

Classes = Sequence[str] | Mapping[str, str | None] | None
Input = Preprocessing | Mapping[str, Any] | Callable[[Tensor], Tensor] | None
RAW = Preprocessing(rescale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
PLAIN = (bool, int, float, str, bytes, type(None), torch.dtype, torch.Size)
LOGITS = ("out", "logits", "sem_logits")
NO_SETTING = ("training", "call_super_init", "dump_patches")  # of each module, and none of them decides logits here


class Handed(nn.Module):
    """Images (B, 3, H, W) ─▶ logits (B, classes, h, w): those of a network, wherever they stand in its output.

    function: makes the network's input of uint8 RGB; None where images are normalised already.
    """

    def __init__(self, network: nn.Module, classes: int, function: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__()
        self.network, self.classes, self.function = network, classes, function

    def forward(self, images: Tensor) -> Tensor:
        output = self.network(images if self.function is None else self.function(images.to(torch.uint8)))
        if isinstance(output, Mapping):
            output = next((output[name] for name in LOGITS if name in output), output)
        if isinstance(output, list | tuple) and output:
            output = output[0]
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            what = f"a tensor {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            raise UsageError(f"{type(self.network).__name__} gives {what}; expected logits (B, classes, h, w)")
        if output.shape[1] != self.classes:
            raise UsageError(
                f"{type(self.network).__name__} gives {output.shape[1]} logits for {self.classes} classes; name its "
                "own, in the order of its logits: classes=[...]"
            )
        return output


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

    preprocess: of a network, the numbers of a `Preprocessing`, by default ImageNet's, or a function from uint8 RGB (B,
    3, H, W) to the network's input. classes: of the logits in their order, by default class_names; as a mapping, each
    with the class of the data set that it stands for. version: in the place of sources that can't be read. Raises
    UsageError for what is neither a network nor a Segmenter.
    """
    if isinstance(model, nn.Module) and not is_segmenter(model):
        made = made_of_network(model, name, tuple(classes or class_names), preprocess, version)
    elif preprocess is None:
        made = made_of_segmenter(cast(Segmenter, model), name, classes)
    else:
        raise UsageError(f"model {name}: a Segmenter makes its own input, so it takes no preprocess")
    return made


def made_of_network(
    network: nn.Module, name: str, class_names: tuple[str, ...], preprocess: Input, version: str
) -> Segmenter:
    identity = ["network", identity_of(network, version)]
    input_of, about, function = IMAGENET, type(network).__qualname__, None
    if preprocess is None or isinstance(preprocess, Preprocessing | Mapping):
        input_of = preprocessing_of(preprocess)
        identity.append([input_of.order, input_of.rescale, *input_of.mean, *input_of.std])
        about += input_of.remark
    else:
        function, input_of = preprocess, RAW
        identity.append(identity_of(preprocess, version))
        about += f", input made by {getattr(preprocess, '__name__', type(preprocess).__name__)}"
    return NetworkSegmenter(
        name=name,
        network=Handed(network, len(class_names), function),
        class_names=class_names,
        licence="not stated",
        checkpoint_sha256=digest([*identity, list(class_names)]),
        about=about,
        preprocessing=input_of,
    )


def made_of_segmenter(segmenter: Segmenter, name: str, classes: Classes) -> Segmenter:
    """Take a Segmenter under a name of its own; the one that was handed over stays as it is."""
    if not is_segmenter(segmenter):
        raise UsageError(f"model {name}: expected a network, a Segmenter or a source, got {type(segmenter).__name__}")
    made = copy(segmenter)
    made.name = name
    if isinstance(made, NetworkSegmenter):
        made.checkpoint_sha256 = digest([made.checkpoint_sha256, hash_of_state(made.network)])
    if classes is not None:
        made.class_names = tuple(classes)
    return made


def is_segmenter(model: object) -> bool:
    return callable(model) and all(hasattr(model, name) for name in ("class_names", "checkpoint_sha256", "device"))


def preprocessing_of(stated: Preprocessing | Mapping[str, Any] | None) -> Preprocessing:
    """Read the numbers of a network's input. Raises UsageError for what can't be applied."""
    if stated is None:
        return IMAGENET
    if isinstance(stated, Preprocessing):
        return stated
    values: dict[str, Any] = dict(stated)
    try:
        values |= {name: tuple(map(float, values[name])) for name in ("mean", "std") if name in values}
        return Preprocessing(**values)
    except (TypeError, ValueError) as error:
        fields = ", ".join(Preprocessing.__dataclass_fields__)
        raise UsageError(f"preprocess takes {fields}, got {dict(stated)!r:.200} ({error})") from None


@contextmanager
def evaluating(networks: Sequence[object]) -> Iterator[None]:
    """Let networks evaluate, and train again what was in training before."""
    modules = [module for network in networks if isinstance(network, nn.Module) for module in network.modules()]
    before = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training


def identity_of(code: object, version: str = "") -> list[Any]:
    """Hash what decides the output of a network or a function.

    Raises UsageError for code without a source file, as in a notebook, unless it has a version.
    """
    if not isinstance(code, nn.Module):
        return [source_hash(code if hasattr(code, "__qualname__") else type(code), version)]
    kinds = dict.fromkeys(type(module) for module in code.modules())
    own = [kind for kind in kinds if kind.__module__.partition(".")[0] != "torch"]  # torch's are in every record
    sources = sorted([kind.__qualname__, source_hash(kind, version)] for kind in own)
    settings = [[name, type(module).__qualname__, settings_of(module)] for name, module in code.named_modules()]
    return [version, sources, settings, hash_of_state(code)]


def hash_of_state(network: nn.Module) -> list[list[str]]:
    """Hash all parameters and buffers, also those that are not saved: [name, type and shape, hash], sorted."""
    rows = []
    for name, tensor in sorted([*network.named_parameters(), *network.named_buffers()], key=lambda pair: pair[0]):
        values = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
        rows.append([name, f"{tensor.dtype} {tuple(tensor.shape)}", hashlib.sha256(values.tobytes()).hexdigest()])
    return rows


def settings_of(module: nn.Module) -> list[list[str]]:
    """Give the attributes of a module that are plain values, or made of some, sorted by name."""
    values = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    found = {name: plain(value) for name, value in values.items() if name not in NO_SETTING}
    hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
    found["forward hooks"] = ", ".join(getattr(hook, "__qualname__", type(hook).__name__) for hook in hooks)
    return sorted([name, text] for name, text in found.items() if text)


def plain(value: object) -> str:
    """Write a plain value, a collection of some, or a configuration that has `to_dict`; "" for others."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, list | tuple | set | frozenset):
        parts = [plain(one) for one in value]
        return f"{type(value).__name__} {sorted(parts) if isinstance(value, set | frozenset) else parts}"
    if isinstance(value, Mapping):
        return str(sorted((repr(key), plain(one)) for key, one in value.items()))
    if callable(to_dict := getattr(value, "to_dict", None)) and not isinstance(value, type):
        with suppress(TypeError):  # of one that takes arguments
            return plain(to_dict())
    return ""
