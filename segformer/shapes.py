"""Shapes of results, worked out once per operation and shapes of its arguments.

On the meta device torch derives many results in Python, which takes milliseconds for a LayerNorm. A network repeats its
blocks, so nearly all of its operations have been met before.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["KnownShapes"]


class KnownShapes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within this mode, an operation on the meta device runs once for arguments of the same kind.

    Another call of it returns new tensors of the first results' shape, strides and dtype. Operations that write into an
    argument or return a view of it, and all that have a result or an argument outside the meta device, run every time.
    """

    supports_higher_order_operators = True
    results: ClassVar[dict[Any, Callable[[], Any]]] = {}  # a few hundred for each network and size of its input

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not makes_new_tensors(function):
            return function(*args, **kwargs)
        try:
            key = function, kind_of(args), kind_of(tuple(kwargs.items()))
            repeat = self.results.get(key)
        except TypeError:  # a tensor with values, or an argument that is not hashable
            return function(*args, **kwargs)
        if repeat is not None:
            return repeat()
        result = function(*args, **kwargs)
        outputs = result if isinstance(result, tuple) else (result,)
        if all(map(is_shape, outputs)):
            self.results[key] = repeater(result)
        return result


def makes_new_tensors(function: Any) -> bool:
    """Whether an operation neither writes into an argument nor returns a view of it."""
    if not isinstance(function, torch._ops.OpOverload):
        return False
    schema = function._schema
    return not schema.is_mutable and all(each.alias_info is None for each in schema.returns)


def is_shape(value: object) -> bool:
    """Whether a value is a dense tensor without values."""
    return isinstance(value, Tensor) and value.device.type == "meta" and value.layout == torch.strided


def kind_of(value: Any) -> Any:
    """Everything of an argument that decides the shapes of results. Raises TypeError for a tensor with values."""
    if isinstance(value, Tensor):
        if not is_shape(value):
            raise TypeError("a tensor with values")
        return value.shape, value.stride(), value.dtype
    if isinstance(value, (list, tuple)):
        return type(value), *map(kind_of, value)
    return type(value), value  # 2, 2.0 and True differ


def repeater(result: Any) -> Callable[[], Any]:
    """What makes tensors like a result's, a tensor or a tuple of tensors."""
    if isinstance(result, tuple):
        each = [repeater(output) for output in result]
        return lambda: tuple(repeat() for repeat in each)
    shape, strides, dtype = result.shape, result.stride(), result.dtype
    return lambda: torch.empty_strided(shape, strides, dtype=dtype, device="meta")
