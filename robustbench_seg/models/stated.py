"""What a network in memory states of itself: SegFormer in its `info`, others in their configuration of Transformers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from segformer.info import CheckpointInfo

from .preprocessing import IMAGENET, Preprocessing

__all__ = ["Stated", "stated_by"]

UNKNOWN = CheckpointInfo().licence
AROUND = (nn.DataParallel, DistributedDataParallel, AveragedModel)
NO_NAME = re.compile(r"LABEL_\d+")  # Transformers' own, for a class without a name


@dataclass(frozen=True)
class Stated:
    """names: of the logits, () if none. preprocessing: None if none. licence: of the weights, "" if none."""

    names: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    licence: str = ""

    def beyond(self, class_names: Sequence[str]) -> list[Any]:
        """List what decides logits, and earlier versions of this program did not read.

        They took the classes of the data set, and ImageNet's input.
        """
        own = self.preprocessing or IMAGENET
        names = [list(self.names)] if self.names and self.names != tuple(class_names) else []
        return [*names, *([[own.order, own.rescale, *own.mean, *own.std]] if own != IMAGENET else [])]


def stated_by(network: nn.Module, where: str) -> Stated:
    """Read what a network states. where: for messages. Raises UsageError for an input that no model here can have."""
    while isinstance(network, AROUND):
        network = network.module
    info = getattr(network, "info", None)
    if isinstance(info, CheckpointInfo):
        return Stated(
            names=tuple(name.strip() for name in info.class_names),
            preprocessing=Preprocessing.from_json(info.preprocessor, where) if info.preprocessor else None,
            licence="" if info.licence == UNKNOWN else info.licence,
        )
    labels = getattr(getattr(network, "config", None), "id2label", None)
    if not isinstance(labels, Mapping):
        return Stated()
    by_place = {str(place): str(name).strip() for place, name in labels.items()}
    names = tuple(by_place.get(str(k), "") for k in range(len(by_place)))
    return Stated(names=() if any(not name or NO_NAME.fullmatch(name) for name in names) else names)
