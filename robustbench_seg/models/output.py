"""Logits, or scores whose logarithm they are, in what networks of others give.

A network may give a tensor (B, classes, h, w) at any stride, a mapping or an object with `out`, `logits` or
`sem_logits`, a tuple whose first part is one of these, or the class and mask queries of a mask model (Mask2Former,
MaskFormer, OneFormer, EoMT). Of the latter the scores of a class are the sum over queries of softmax(class) times
sigmoid(mask) (Cheng et al. 2021, "Per-Pixel Classification is Not All You Need"); their logarithm is taken once they
are resized.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError

__all__ = ["QUERIES", "form_of", "join", "unpack"]

LOGITS = ("out", "logits", "sem_logits")
QUERIES = ("class_queries_logits", "masks_queries_logits")


def unpack(output: Any, where: str = "a network") -> tuple[Tensor, bool]:
    """Take the scores (B, classes, h, w) out of what a network gives, and whether a mask model made them.

    Raises UsageError where there are none.
    """
    part = find(output, where)
    return (mask_scores(*(part[name] for name in QUERIES)), True) if isinstance(part, dict) else (part, False)


def find(output: Any, where: str = "a network") -> Tensor | dict[str, Tensor]:
    """Find the logits (B, classes, h, w) in what a network gives, or the queries of a mask model, by name.

    Raises UsageError where there are none.
    """
    if isinstance(output, list | tuple) and output:
        return find(output[0], where)
    parts = output if isinstance(output, Mapping) else getattr(output, "__dict__", {})
    queries = {name: parts[name] for name in QUERIES if isinstance(parts.get(name), Tensor)}
    if len(queries) == len(QUERIES):
        return queries
    if inner := [parts[name] for name in LOGITS if parts.get(name) is not None]:
        return find(inner[0], where)
    if isinstance(output, Tensor) and output.ndim == 4 and output.is_floating_point() and output.numel():
        return output
    raise UsageError(
        f"{where}: gives {form_of(output)}; expected logits (B, classes, h, w), alone, first in a tuple, or under "
        f"{', '.join(LOGITS)}"
    )


def join(outputs: Sequence[Any]) -> Tensor | dict[str, Tensor]:
    """Put together what a network gave for some images, one after another, in a form that `unpack` takes."""
    parts = [find(output) for output in outputs]
    queries = [one for one in parts if isinstance(one, dict)]
    if queries:
        return {name: torch.cat([one[name] for one in queries]) for name in QUERIES}
    return torch.cat([one for one in parts if isinstance(one, Tensor)])


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
