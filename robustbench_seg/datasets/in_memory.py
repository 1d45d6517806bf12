"""A data set whose samples stay in memory."""

from collections.abc import Sequence

from .base import Dataset, Sample, Survey

__all__ = ["InMemory"]


class InMemory(Dataset):
    """Another data set whose samples are read or made once and then kept, in each process that uses it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.samples: dict[str, Sample] = {}
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

    def load(self, image_id: str) -> Sample:
        if image_id not in self.samples:
            self.samples[image_id] = self.dataset.load(image_id)
        return self.samples[image_id]

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.dataset.fingerprint(ids)

    def survey(self, ids: Sequence[str]) -> Survey:
        return self.dataset.survey(ids)

    def describe(self, image_id: str) -> str:
        return self.dataset.describe(image_id)
