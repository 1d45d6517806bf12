"""mIoU while a network trains, by the suite's own evaluation."""

import numpy as np
import torch
from torch import nn

from ..datasets.base import Dataset, spaced
from ..datasets.in_memory import InMemory
from ..errors import UsageError
from ..measure.evaluate import Setting, evaluate
from ..measure.workers import Loader
from ..metrics import ClassCounts, miou
from ..models.base import NetworkSegmenter
from .processes import Processes
from .recipe import Recipe

__all__ = ["Validator"]


class Validator:
    """Scores a network on held-out images, in evaluation mode and in the recipe's precision.

    It leaves the network in training mode, all weights and statistics as they were. Of several processes each takes its
    share of the images. Raises whatever the first image raises,
    so that a fault shows at the start and not at the first validation.
    """

    def __init__(
        self, network: nn.Module, dataset: Dataset | None, recipe: Recipe, loader: Loader, processes: Processes
    ) -> None:
        self.network, self.recipe, self.loader, self.processes = network, recipe, loader, processes
        self.wanted = recipe.validation
        if self.wanted is None:
            return
        if dataset is None:
            raise UsageError(f"the recipe asks for validation on {self.wanted.dataset.name}, which was not given")
        keeps = recipe.in_memory and not loader.workers  # a worker would keep the samples of one validation alone
        self.dataset = InMemory(dataset) if keeps else dataset
        self.ids = spaced(dataset.ids, self.wanted.limit)
        self.score(1)

    def due(self, done: int) -> bool:
        """Whether the recipe asks for a score after so many iterations."""
        if self.wanted is None or not done:
            return False
        return done % self.wanted.every == 0 or done == self.recipe.iterations

    def score(self, limit: int | None = None) -> float:
        """mIoU on the chosen images, or on the first `limit` of them, 0-1."""
        assert self.wanted is not None
        self.processes.share_buffers(self.network)
        model = NetworkSegmenter(
            name=self.recipe.model,
            network=self.network,
            class_names=self.dataset.class_names,
            licence="",
            checkpoint_sha256="",
            about="",
        )
        own = self.ids[:limit][self.processes.rank :: self.processes.count]
        setting = Setting(view=self.wanted.view, precision=self.recipe.precision)
        try:
            rows, _ = evaluate(model, self.dataset, own, self.loader, setting)
        except UsageError as error:
            raise UsageError(f"validation: {error}; --set validation=null goes on without") from None
        self.network.train()
        total = np.zeros((3, len(self.dataset.class_names)), np.int64)
        for counts in (row.classes for row in rows):
            total += np.stack([counts.intersection, counts.predicted, counts.labelled])
        summed = self.processes.total(torch.from_numpy(total).to(self.processes.device))
        return miou(ClassCounts(*summed.cpu().numpy()))
