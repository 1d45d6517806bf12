"""Training and evaluation as modules were in: one network may have both, such as a frozen BatchNorm in training."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn

__all__ = ["restored_modes"]


@contextmanager
def restored_modes(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Hold a block that changes the modes of modules; each is afterwards in its own again, also after an error."""
    before = [(module, module.training) for module in modules]
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
