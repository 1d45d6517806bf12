"""A data set that passes on what another one is, and changes how its samples are loaded."""

from collections.abc import Sequence
from pathlib import Path

from .base import Dataset, Survey

__all__ = ["Wrapper"]


class Wrapper(Dataset):
    """Another data set, except `load`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.palette = dataset.class_names, dataset.palette
        self.shows_images, self.synthetic = dataset.shows_images, dataset.synthetic
        self.notes = dataset.notes

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

    def describe(self, image_id: str) -> str:
        return self.dataset.describe(image_id)
