"""Running statistics of BatchNorm, re-estimated on images of the condition that is about to be evaluated.

The stored statistics are replaced entirely, none of them is mixed in. Sources: Nado et al. 2020, "Evaluating
Prediction-Time Batch Normalization for Robustness under Covariate Shift"; Schneider et al. 2020, "Improving robustness
against common corruptions by covariate shift adaptation" (there N = 0, with n images).

The images go through the view in one pass, all images of one size together. Each BatchNorm normalises a pass with the
statistics of its input. Over all passes and all N values of a channel, x, it then gets

    mean = sum(x) / N        variance = sum(x^2) / N - mean^2        (sums in float64; the variance is the biased one)

With images of one size in a view of one pass (whole, pad-N, resize-HxW), the statistics are therefore exact: in the
evaluation of the same images, the input of each BatchNorm has the mean and variance that it normalises with.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segformer.modes import restored_modes

from ..errors import NotFiniteError, UsageError
from ..models.base import NetworkSegmenter, Segmenter
from ..store.view import View
from .views import in_precision, view_logits

__all__ = ["norms_of", "reestimated"]

STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the values of each channel. count: values of a channel. total, squares: float64 (channels,)."""

    count: int
    total: Tensor
    squares: Tensor

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @torch.inference_mode()
    def write(self, norm: Any) -> None:
        """Make the mean and the variance the running statistics of a BatchNorm."""
        mean = self.total / self.count
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((self.squares / self.count - mean.square()).clamp(min=0))


def norms_of(model: Segmenter) -> Mapping[str, nn.Module]:
    """Find the BatchNorms of a model by name: modules with running statistics, of torch's classes or others.

    Raises UsageError for a model without any, or whose statistics are out of reach.
    """
    if not isinstance(model, NetworkSegmenter):
        raise UsageError(
            f"{model.name}: batchnorm reestimated needs a torch network, and the statistics of this model are out of "
            "reach; measure it with batchnorm stored"
        )
    norms = {name: module for name, module in model.network.named_modules() if has_statistics(module)}
    if not norms:
        exported = any(isinstance(module, torch.fx.GraphModule) for module in model.network.modules())
        why = "is a program whose BatchNorms are out of reach" if exported else "has no BatchNorm with statistics"
        raise UsageError(
            f"{model.name}: {why}, so batchnorm reestimated is not for it; measure it with batchnorm stored"
        )
    return norms


def has_statistics(module: nn.Module) -> bool:
    """Whether a module can be called and has running statistics. An exported program keeps them in bare modules."""
    tensors = [getattr(module, name, None) for name in STATISTICS]
    return (
        type(module) is not nn.Module
        and all(isinstance(tensor, Tensor) and tensor.ndim == 1 for tensor in tensors)
        and not isinstance(module, nn.modules.instancenorm._InstanceNorm)
    )


@contextmanager
def reestimated(model: Segmenter, view: View, images: Iterable[Tensor], precision: str) -> Iterator[None]:
    """Hold a block to statistics that are re-estimated on images; afterwards the model is as it was, to the bit.

    images: uint8 RGB (H, W, 3) of a condition. Raises UsageError as `norms_of`, for a BatchNorm that gets one value per
    channel in a pass, and for a network that reads statistics without calling the BatchNorm.
    """
    norms = norms_of(model)
    stored = {norm: [getattr(norm, name).clone() for name in STATISTICS] for norm in norms.values()}

    @torch.inference_mode()
    def put_back(some: Iterable[nn.Module]) -> None:
        for norm in some:
            for name, value in zip(STATISTICS, stored[norm], strict=True):
                getattr(norm, name).copy_(value)

    try:
        with restored_modes(norms.values()):
            sums = collect(model, view, images, precision, norms)
        for norm, own in sums.items():
            own.write(norm)
        put_back(norm for norm in stored if norm not in sums)  # of parts that only training uses
        yield
    finally:
        put_back(stored)


@torch.inference_mode()
def collect(
    model: Segmenter, view: View, images: Iterable[Tensor], precision: str, norms: Mapping[str, nn.Module]
) -> dict[nn.Module, Sums]:
    """Sum the inputs of BatchNorms over images. It leaves them in training, and without statistics of any use."""
    sums: dict[nn.Module, Sums] = {}

    def before(norm: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        own = sums_of(next(iter((*inputs, *keywords.values()))), norm, model.name)
        own.write(norm)
        norm.training = False  # it normalises with what was written, also where torch would refuse to train
        sums[norm] = sums[norm] + own if norm in sums else own

    def after(norm: nn.Module, *_: object) -> None:
        norm.training = True

    handles: list[Any] = []
    try:
        for norm in norms.values():
            handles.append(norm.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(norm.register_forward_hook(after))
            norm.training = True  # SegFormer's decoder calls its BatchNorm in training alone, and folds it otherwise
            for name in STATISTICS:
                getattr(norm, name).fill_(float("nan"))  # reading them without a call gives no number
        with in_precision(model.device, precision):
            for together in by_size(images):
                view_logits(model, torch.stack(together).to(model.device).permute(0, 3, 1, 2), view)
    except NotFiniteError:
        if read := [name for name, norm in norms.items() if norm not in sums]:
            raise UsageError(
                f"{model.name}: reads the statistics of its BatchNorm {read[0]} without calling it, so they can't be "
                "re-estimated; measure it with batchnorm stored"
            ) from None
        raise
    finally:
        for handle in handles:
            handle.remove()
    return sums


def sums_of(values: Tensor, norm: Any, model: str) -> Sums:
    """Sum the input (B, channels, ...) of a BatchNorm, image by image, so that float64 needs the memory of one."""
    channels = norm.running_mean.numel()
    if values.ndim < 2 or values.shape[1] != channels:
        raise UsageError(f"{model}: a BatchNorm of {channels} channels gets {tuple(values.shape)}, not (B, C, ...)")
    count = values.numel() // channels
    if count < 2:
        raise UsageError(
            f"{model}: a BatchNorm behind the mean of an image gets one value per channel, so there is no variance: it "
            "needs two images of one size or more (see the views resize-HEIGHTxWIDTH)"
        )
    total, squares = values.new_zeros((2, channels), dtype=torch.float64)
    for image in values:
        own = image.reshape(channels, -1).double()
        total += own.sum(dim=1)
        squares += own.square().sum(dim=1)
    return Sums(count, total, squares)


def by_size(images: Iterable[Tensor]) -> list[list[Tensor]]:
    """Group images by their size, in the order in which sizes come."""
    groups: dict[torch.Size, list[Tensor]] = {}
    for image in images:
        groups.setdefault(image.shape, []).append(image)
    return list(groups.values())
