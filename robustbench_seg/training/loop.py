"""The training loop (Xie et al. 2021, Section 4.1): cross-entropy with an ignore label, one step per batch of crops.

Every random choice is a function of (seed, iteration): the images, their augmentation, and dropout. So a run that was
killed and resumed from its last checkpoint ends with the same weights as an uninterrupted run: bit for bit on a CPU
with the same number of threads, but not on CUDA, because some CUDA kernels add in no fixed order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..datasets.base import IGNORE, Dataset
from ..datasets.in_memory import InMemory
from ..errors import UsageError
from ..files import writing
from ..locks import locked
from ..measure.workers import Loader
from ..models import look_up
from ..models.preprocessing import IMAGENET
from .checkpoints import DIVERGED, Checkpoints, restore
from .data import Data, read_once
from .log import Log
from .network import make_network, save_weights
from .optimizer import make_optimizer, set_rate
from .processes import Processes
from .recipe import Recipe
from .sampling import make_sample
from .validate import Validator

__all__ = ["Progress", "train"]


@dataclass(frozen=True)
class Progress:
    """The state after an iteration.

    done: number of finished iterations. loss: mean per labelled pixel. miou: at the last validation, 0-1, None before
    the first.
    """

    done: int
    loss: float
    learning_rate: float
    miou: float | None = None


def train(
    recipe: Recipe,
    data: Data,
    out: Path,
    *,
    processes: Processes = Processes(torch.device("cpu")),  # noqa: B008, immutable
    workers: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
    note: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train, or resume training, in the folder `out`. Returns the path of the weights after the last iteration.

    `out` gets checkpoints/ (the last ones), log.csv (a row per iteration) and weights.safetensors. workers: number of
    processes that load images, per training process. note: as in `first_pass`. Raises StoreError if `out` is in use or
    holds checkpoints of another recipe or other data, UsageError if the loss is no longer finite, and MachineError if
    the disk is full; the last checkpoint is kept.
    """
    if recipe.batch_size % processes.count:
        raise UsageError(f"batch_size {recipe.batch_size} can't be shared equally by {processes.count} processes")
    synchronised = processes.count > 1 and processes.device.type == "cuda"  # BatchNorm then sees the whole batch
    if recipe.batch_size == processes.count and look_up(recipe.model).pools_images and not synchronised:
        raise UsageError(
            f"batch_size {recipe.batch_size}: {recipe.model} needs two images per process for its BatchNorm"
        )
    if processes.rank > 0:
        return resume(recipe, data, out, processes, workers, report, note)
    with locked(out):
        return resume(recipe, data, out, processes, workers, report, note)


def resume(
    recipe: Recipe,
    data: Data,
    out: Path,
    processes: Processes,
    workers: int,
    report: Callable[[Progress], None],
    note: Callable[[str], None],
) -> Path:
    """Train from the newest checkpoint on. The caller has locked `out`; only the process of rank 0 writes there."""
    class_names, leads, device = data.training.class_names, processes.rank == 0, processes.device
    network, origin = make_network(recipe, class_names, device)
    optimizer = make_optimizer(network, recipe)
    identity = origin.identity(read_once(data, recipe, note)) if leads else ""
    checkpoints = Checkpoints(out / "checkpoints", identity, recipe.keep)
    first = restore(network, optimizer, processes.from_first(checkpoints.newest() if leads else None))
    log = Log(out / "log.csv" if leads else None, first)
    wrapper = processes.wrap(network)
    if recipe.compile:
        wrapper = cast(nn.Module, torch.compile(wrapper))
    with (
        Loader(workers) as loader,
        Loader(workers) as held_loader,  # separate, because a worker caches one data set
        torch.random.fork_rng([device] if device.type == "cuda" else []),
    ):
        validator = Validator(network, data.validation, recipe, held_loader, processes)
        if processes.from_first(
            validator.due(first) and not log.is_scored(first)
        ):  # the last run stopped during validation
            log.score(first, validator.score())
        for step, (images, labels) in enumerate(load_batches(recipe, data.training, loader, first, processes), first):
            done, rate = step + 1, set_rate(optimizer, recipe, step)
            seed_dropout(recipe.seed, step, processes.rank)
            loss = iterate(wrapper, optimizer, images, labels, recipe, processes)
            if not np.isfinite(loss):
                log.write()  # so that the user can see how the loss grew
                raise UsageError(f"the loss became {loss} at iteration {done}; {DIVERGED}")
            log.add(done, loss, rate)
            if done % recipe.checkpoint_every == 0 or done == recipe.iterations:
                log.write()
                if leads:
                    checkpoints.save(network, optimizer, done)
            if validator.due(done):  # after the checkpoint, so that an error costs no iterations
                log.score(done, validator.score())
            report(Progress(done, loss, rate, log.last_miou))
    path = out / "weights.safetensors"
    if leads:
        with writing(path):
            save_weights(network, path, origin, class_names)
    processes.wait()
    return path


def load_batches(
    recipe: Recipe, dataset: Dataset, loader: Loader, first: int, processes: Processes
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield this process's share of each iteration's batch, from iteration `first` on.

    Images are uint8 (B, 3, crop, crop), labels int64 (B, crop, crop), both on the process's device.
    """
    share = recipe.batch_size // processes.count
    own = range(processes.rank * share, (processes.rank + 1) * share)
    steps = range(first, recipe.iterations)
    source = InMemory(dataset) if recipe.in_memory else dataset
    samples = loader.map(partial(make_sample, source, recipe), ((step, k) for step in steps for k in own))
    for _ in steps:
        batch = [next(samples) for _ in own]
        images = torch.from_numpy(np.stack([image for image, _ in batch])).permute(0, 3, 1, 2)
        labels = torch.from_numpy(np.stack([label for _, label in batch]))
        yield images.to(processes.device), labels.to(processes.device).long()


def seed_dropout(seed: int, step: int, rank: int) -> None:
    """Seed the generator of dropout and drop path, differently in each process."""
    own = [rank] if rank else []
    torch.manual_seed(int(np.random.SeedSequence([seed, 2, step, *own]).generate_state(1)[0]))


def iterate(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    processes: Processes,
) -> float:
    """Make one step; return the mean loss over the labelled pixels of all processes."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        logits: Tensor = network(IMAGENET.normalise(images))
    logits = functional.interpolate(logits.float(), labels.shape[1:], mode="bilinear", align_corners=False)
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
    loss = total / processes.total((labels != IGNORE).sum()).clamp(min=1)
    optimizer.zero_grad(set_to_none=True)
    (loss * processes.count).backward()  # type: ignore[no-untyped-call]  # gradients are averaged over processes
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
    optimizer.step()
    return float(processes.total(loss.detach()))
