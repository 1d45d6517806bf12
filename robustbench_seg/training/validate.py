"""Measure the mIoU of a network during training, with the evaluation of the suites."""

import numpy as np
import torch
from torch import nn

from ..datasets.base import Dataset, spaced
from ..datasets.in_memory import InMemory
from ..errors import UsageError
from ..measure.evaluate import evaluate
from ..measure.workers import Loader
from ..metrics import MIOU, miou
from ..models.base import NetworkSegmenter
from ..store.cell import Setting
from .processes import Processes
from .recipe import Recipe

__all__ = ["Validator"]


class Validator:
    """Scores a network on held-out images, in evaluation mode and in the recipe's precision.

    Afterwards the network is in training mode, with unchanged weights and statistics. Each process takes a share of the
    images. The constructor evaluates one image, so that an error occurs at the start and not at the first validation.
    """

    def __init__(
        self, network: nn.Module, dataset: Dataset | None, recipe: Recipe, loader: Loader, processes: Processes
    ) -> None:
        self.network, self.recipe, self.loader, self.processes = network, recipe, loader, processes
        self.spec = recipe.validation
        if self.spec is None:
            return
        if dataset is None:
            raise UsageError(f"the recipe validates on {self.spec.dataset.name}, which was not given")
        in_memory = recipe.in_memory and not loader.workers  # a worker would keep them for one validation only
        self.dataset = InMemory(dataset) if in_memory else dataset
        self.ids = spaced(dataset.ids, self.spec.limit)
        self.score(1)

    def due(self, done: int) -> bool:
        """Whether the recipe has a validation after this number of iterations."""
        if self.spec is None or not done:
            return False
        return done % self.spec.every == 0 or done == self.recipe.iterations

    def score(self, limit: int | None = None) -> float:
        """Compute the mIoU (0-1) on the chosen images, or on the first `limit` of them."""
        assert self.spec is not None
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
        setting = Setting(view=self.spec.view, precision=self.recipe.precision)
        try:
            rows, _ = evaluate(model, self.dataset, own, self.loader, setting)
        except UsageError as error:
            raise UsageError(f"validation: {error}; --set validation=null trains without it") from None
        self.network.train()
        total = np.zeros((len(MIOU.columns), len(self.dataset.class_names)), np.int64)
        for row in rows:
            total += np.stack([row.counts[name] for name in MIOU.columns])
        summed = self.processes.total(torch.from_numpy(total).to(self.processes.device)).cpu().numpy()
        return miou(dict(zip(MIOU.columns, summed, strict=True)))
