"""The specification of an export: images of a data set, conditions, and the path of each file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .. import protocols
from ..corruptions import CORRUPTIONS, ENGINE_VERSION, Corruption
from ..datasets import Dataset
from ..datasets.cityscapes import MADE_BY, relative_paths
from ..errors import UsageError
from ..store.cell import Condition

__all__ = ["Export", "choose_conditions"]

SCHEMA_VERSION = 1  # of the manifest


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is asked for: these images of a data set, under these conditions, in this format, in the folder `out`.

    entries: what the corruptions' names stand for in this process; a worker lacks a script's own corruptions.
    """

    dataset: Dataset
    ids: tuple[str, ...]
    conditions: tuple[Condition, ...]  # with the same seed
    format: Literal["png", "webp"]
    out: Path
    entries: Mapping[str, Corruption] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seeds = sorted({condition.seed for condition in self.conditions})
        if len(seeds) != 1:
            raise UsageError(f"an export needs conditions, all of one seed; got the seeds {seeds}")
        names = {condition.corruption for condition in self.conditions}
        object.__setattr__(self, "entries", {name: CORRUPTIONS[name] for name in names & CORRUPTIONS.keys()})

    @property
    def seed(self) -> int:
        """The seed of every condition."""
        return self.conditions[0].seed

    def tree(self, condition: Condition) -> Path:
        """The folder of a condition, itself a data set's root."""
        return self.out / condition.corruption / str(condition.severity)

    def paths(self, image_id: str) -> tuple[Path, Path]:
        """Return the paths of the image and the label in a tree. In Cityscapes an id begins with its city."""
        name = self.dataset.name
        city = image_id.partition("_")[0] if name == "cityscapes" else name
        return relative_paths(self.dataset.split, city or name, image_id, self.format, "labelTrainIds")

    def manifest(self, fingerprint: str) -> dict[str, Any]:
        """Describe as JSON what decides the files, and the properties of the data set that their reader needs.

        fingerprint: of the images.
        """
        dataset = self.dataset
        return {
            "made_by": MADE_BY,
            "schema_version": SCHEMA_VERSION,
            "dataset": dataset.name,
            "split": dataset.split,
            "images": len(self.ids),
            "of": int(dataset.total),
            "fingerprint": fingerprint,
            "seed": self.seed,
            "engine_version": ENGINE_VERSION,
            "format": self.format,
            "class_names": list(dataset.class_names),
            "palette": [list(colour) for colour in dataset.palette],
            "shows_images": dataset.shows_images,
            "synthetic": dataset.synthetic,
        }


def choose_conditions(
    protocol: str, corruptions: Sequence[str], severities: Sequence[str], seed: int
) -> tuple[Condition, ...]:
    """List a protocol's conditions, or what is chosen in their place: see `protocols.choose_conditions`."""
    conditions = protocols.choose_conditions(protocol, protocols.conditions_of(protocol), corruptions, severities)
    return tuple(Condition(name, severity, seed) for name, some in conditions.items() for severity in some)
