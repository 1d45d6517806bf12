"""Models for tests of clusters, in a module that the processes of nodes can import."""

import os
import signal
from pathlib import Path

import torch
from drawn_models import Drawn
from torch import nn

from robustbench_seg.models.steady import SIDES


class Numbered(Drawn):
    """A drawn model that writes its process's number into a folder."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed)
        self.folder = folder

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        own = self.folder / str(os.getpid())
        own.write_text(own.name)
        own.replace(self.folder / "process")
        return super().__call__(images)


class Deadly(Drawn):
    """A drawn model that ends its process, but not while it is tried."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2:] != SIDES:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(images)


class Net(nn.Module):
    """One convolution."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layer = nn.Conv2d(3, 19, 3, stride=4, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images)
