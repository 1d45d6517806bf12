"""The training loop (Xie et al. 2021, Section 4.1): AdamW, linear warm-up, polynomial decay, cross-entropy with ignore.

Every random choice is a function of (seed, iteration): which images, how they are augmented, what dropout drops. So
a run that was killed and goes on from its last checkpoint ends with the weights of one that never stopped: bit for bit
on a CPU with the same number of threads; some CUDA kernels add in no fixed order.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..datasets.base import IGNORE, Dataset, InMemory
from ..errors import StoreError, UsageError
from ..files import canonical_json, digest, locked, replacing
from ..loading import Loader
from ..models import build_network, save_network
from ..models.base import normalise
from .recipe import Recipe
from .sampling import make_sample

__all__ = ["Progress", "rate_at", "train"]


@dataclass(frozen=True)
class Progress:
    """What is told after each iteration: how many are done, the mean loss per labelled pixel, the learning rate."""

    done: int
    loss: float
    learning_rate: float


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    device: torch.device = torch.device("cpu"),  # noqa: B008, immutable
    workers: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Train, or go on training, in the folder `out`; return the path of the weights when all iterations are done.

    `out` gets checkpoints/ (the last ones), log.csv (a row per iteration) and weights.safetensors. Raises StoreError
    when `out` is in use or holds the checkpoints of another recipe or other data, UsageError when the loss is no longer
    finite (the last checkpoint is kept).
    """
    with locked(out):
        return go_on(recipe, dataset, out, device, workers, report)


def go_on(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    device: torch.device,
    workers: int,
    report: Callable[[Progress], None],
) -> Path:
    """Train from the newest checkpoint on; `out` is locked."""
    network = build_network(recipe.model, dataset.class_names, seed=recipe.seed, **recipe.model_options).to(device)
    network.train()
    optimizer = make_optimizer(network, recipe)
    decides = recipe.model_dump(mode="json", exclude={"checkpoint_every", "keep", "in_memory"})
    identity = digest([decides, dataset.fingerprint(dataset.ids)])
    first = restore(network, optimizer, out / "checkpoints", identity)
    log = Log(out / "log.csv", first)
    jobs = ((step, k) for step in range(first, recipe.iterations) for k in range(recipe.batch_size))
    with Loader(workers) as loader, torch.random.fork_rng():
        source = InMemory(dataset) if recipe.in_memory else dataset
        samples = loader.map(partial(make_sample, source, recipe), jobs)
        for step in range(first, recipe.iterations):
            batch = [next(samples) for _ in range(recipe.batch_size)]
            images = torch.from_numpy(np.stack([image for image, _ in batch])).permute(0, 3, 1, 2).to(device)
            labels = torch.from_numpy(np.stack([label for _, label in batch])).long().to(device)
            rate = set_rate(optimizer, recipe, step)
            torch.manual_seed(int(np.random.SeedSequence([recipe.seed, 2, step]).generate_state(1)[0]))
            loss = iterate(network, optimizer, images, labels, recipe)
            if not np.isfinite(loss):
                raise UsageError(f"the loss became {loss} at iteration {step + 1}; the last checkpoint is kept")
            log.add(step + 1, loss, rate)
            if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.iterations:
                log.write()
                store(network, optimizer, step + 1, out / "checkpoints", identity, recipe.keep)
            report(Progress(step + 1, loss, rate))
    path = out / "weights.safetensors"
    about = canonical_json(recipe.model_dump(mode="json"))
    save_network(
        recipe.model,
        network.cpu(),
        path,
        class_names=dataset.class_names,
        licence=recipe.licence,
        recipe=about,
    )
    return path


def iterate(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, recipe: Recipe
) -> float:
    """Make one step; return the mean loss over the labelled pixels."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        logits: Tensor = network(normalise(images))
    logits = functional.interpolate(logits.float(), labels.shape[1:], mode="bilinear", align_corners=False)
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
    loss = total / (labels != IGNORE).sum().clamp(min=1)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; no weight decay on norms, biases and positional encodings; the decoder's rate is a multiple."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decay = 0.0 if parameter.ndim <= 1 or name.endswith("position.map") else recipe.weight_decay
        factor = 1.0 if ".encoder." in f".{name}" else recipe.decoder_rate_factor
        groups.setdefault((decay, factor), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "factor": factor} for (decay, factor), p in groups.items()],
        lr=recipe.learning_rate,
        fused=True,
    )


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate of iteration `step` (from 0): linear warm-up times polynomial decay."""
    warm = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
    decayed: float = (1 - step / recipe.iterations) ** recipe.power
    return recipe.learning_rate * warm * decayed


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> float:
    rate = rate_at(recipe, step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    return rate


def store(
    network: nn.Module, optimizer: torch.optim.Optimizer, done: int, folder: Path, identity: str, keep: int
) -> None:
    """Write a checkpoint atomically, then drop all but the last `keep`."""
    state = {
        "recipe": identity,
        "done": done,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with replacing(folder / f"{done:08d}.pt") as temporary:
        torch.save(state, temporary)
    for old in checkpoints(folder)[:-keep]:
        old.unlink()


def restore(network: nn.Module, optimizer: torch.optim.Optimizer, folder: Path, identity: str) -> int:
    """Load the newest checkpoint, if there is one; return how many iterations are done."""
    found = checkpoints(folder)
    if not found:
        return 0
    state: dict[str, Any] = torch.load(found[-1], map_location="cpu", weights_only=True)
    if state["recipe"] != identity:
        raise StoreError(f"{folder}: holds the checkpoints of another recipe or other data; give another --out")
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"])


def checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.pt") if path.stem.isdigit())


class Log:
    """log.csv: a row per iteration; rows after the checkpoint that a run goes on from are dropped."""

    def __init__(self, path: Path, done: int) -> None:
        self.path = path
        self.rows: list[list[str]] = [["iteration", "loss", "learning_rate"]]
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self.rows += [row for row in list(csv.reader(file))[1:] if row[0].isdigit() and int(row[0]) <= done]

    def add(self, iteration: int, loss: float, rate: float) -> None:
        self.rows.append([str(iteration), f"{loss:.6g}", f"{rate:.6g}"])

    def write(self) -> None:
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(self.rows)
