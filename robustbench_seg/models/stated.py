"""What a network in memory states of itself: SegFormer in its `info`, others in their configuration of Transformers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from segformer.huggingface import licence_of
from segformer.info import CheckpointInfo
from segformer.sources import UNKNOWN_LICENCE

from ..alignment import WITHOUT_NAMES
from ..errors import UsageError
from .options import ModelOptions
from .preprocessing import Preprocessing

__all__ = ["Stated", "are_numbers", "stated_by"]

UNKNOWN = CheckpointInfo().licence
AROUND = (nn.DataParallel, DistributedDataParallel, AveragedModel)
NO_LOGIT = {-1, 255}  # what pixels without a label are called


@dataclass(frozen=True)
class Stated:
    """labels: names of logits by place. preprocessor: of `CheckpointInfo`. licence: of the weights, "" if none."""

    labels: Mapping[int, str] = field(default_factory=dict)
    preprocessor: str = ""
    licence: str = ""

    def names(self, outputs: int, *, numbered: bool = False) -> tuple[str, ...]:
        """Name so many logits; () where they are not all named, or another number is, as of the network before it had
        this last layer. numbered: whether a number such as LABEL_3 is a name.
        """
        places = range(outputs)
        if not set(places) <= self.labels.keys() <= {*places, *NO_LOGIT}:
            return ()
        names = tuple(self.labels[place] for place in places)
        return () if any(not name or (WITHOUT_NAMES.fullmatch(name) and not numbered) for name in names) else names

    def preprocessing(self, where: str, options: ModelOptions) -> Preprocessing | None:
        """Read the input; None where nothing is stated, or where a user states all of it.

        Raises UsageError for an input that no model here can have.
        """
        if not self.preprocessor or None not in (options.mean, options.std, options.channels, options.rescale):
            return None
        try:
            return Preprocessing.from_json(self.preprocessor, where)
        except UsageError as error:
            raise UsageError(f"{error}; or state mean, std, channels and rescale") from None


def stated_by(network: nn.Module) -> Stated:
    """Read what a network states."""
    inner: Any = network
    while isinstance(inner, AROUND) or "_orig_mod" in inner._modules:  # the latter as torch.compile wraps it
        inner = inner.module if isinstance(inner, AROUND) else inner._modules["_orig_mod"]
    info, config = (attribute(inner, name) for name in ("info", "config"))
    if isinstance(info, CheckpointInfo):
        labels = {place: name.strip() for place, name in enumerate(info.class_names)}
        return Stated(labels, info.preprocessor, "" if info.licence == UNKNOWN else info.licence)
    return Stated(labels_of(attribute(config, "id2label")), licence=licence_by(config))


def licence_by(config: object) -> str:
    """Read the licence of a configuration; NVIDIA's SegFormers are known by where they were loaded from."""
    licence = str(attribute(config, "license") or "")
    if attribute(config, "model_type") != "segformer":
        return licence
    origin = str(attribute(config, "_name_or_path") or "")
    licence = licence_of({"license": licence}, Path(origin), origin)
    return "" if licence == UNKNOWN_LICENCE else licence


def are_numbers(names: Iterable[str]) -> bool:
    """Whether all are numbers such as LABEL_3, and there are some."""
    names = tuple(names)
    return bool(names) and all(map(WITHOUT_NAMES.fullmatch, names))


def labels_of(value: Any) -> dict[int, str]:
    """Take a configuration's names by their places; none where these are no numbers."""
    try:
        return {int(place): "" if name is None else str(name).strip() for place, name in value.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # whatever a property raises
        return None
