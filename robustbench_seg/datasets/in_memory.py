"""A data set whose samples stay in memory."""

from .base import Dataset, Sample, loaded
from .wrapper import Wrapper

__all__ = ["InMemory"]


class InMemory(Wrapper):
    """Another data set whose samples are read or made once and then kept, in each process that uses it."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self.samples: dict[str, Sample] = {}

    def load(self, image_id: str) -> Sample:
        if image_id not in self.samples:
            self.samples[image_id] = loaded(self.dataset, image_id)
        return self.samples[image_id]
