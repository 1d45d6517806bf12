"""A data set that passes on what another one is, and changes how its samples are loaded."""

from collections.abc import Iterator, Sequence
from inspect import get_annotations
from pathlib import Path

from ..errors import DataError
from .base import Dataset, Inspection, Survey

__all__ = ["Wrapper"]


class Wrapper(Dataset):
    """Another data set, except `load`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        for name in (*get_annotations(Dataset), "blocks", "groups"):  # the last two are static methods
            setattr(self, name, getattr(dataset, name))

    def choose(self, split: str) -> None:
        self.dataset.choose(split)
        self.split = self.dataset.split

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids

    @property
    def total(self) -> int:
        return self.dataset.total

    def files(self, image_id: str) -> tuple[Path, ...] | None:
        return self.dataset.files(image_id)

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.dataset.fingerprint(ids)

    def survey(self, ids: Sequence[str]) -> Survey:
        return self.dataset.survey(ids)

    def inspect(self, image_id: str) -> Inspection:
        return self.dataset.inspect(image_id)

    def inspections(self, ids: Sequence[str]) -> Iterator[Inspection | DataError]:
        return self.dataset.inspections(ids)

    def describe(self, image_id: str) -> str:
        return self.dataset.describe(image_id)
