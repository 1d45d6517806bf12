"""Trains a tiny recipe in whatever processes there are: `torchrun` starts this file, a test imports it."""

import json
import os
import shutil
import sys
from pathlib import Path

import torch
from tiny_recipe import DATA, make
from torch import nn

from robustbench_seg.training import loop
from robustbench_seg.training.processes import Processes, find_processes
from robustbench_seg.training.recipe import Recipe

# Without dropout and drop path, and with clipping, which must see the whole gradient.
RECIPE = make(
    model_options={"drop_path": 0.0, "dropout": 0.0}, iterations=5, batch_size=4, clip_norm=2.0, keep=9, warmup=0
)


def stay_in_evaluation(norm: nn.BatchNorm2d, mode: bool = True) -> nn.Module:
    """What BatchNorm's train() is replaced by, since on CPUs its statistics are not shared."""
    return nn.Module.train(norm, False)


def losses_of(recipe: Recipe, out: Path, processes: Processes) -> list[float]:
    losses: list[float] = []
    loop.train(recipe, DATA, out, processes=processes, report=lambda progress: losses.append(progress.loss))
    return losses


def main(out: Path) -> None:
    torch.set_num_threads(1)
    nn.BatchNorm2d.train = stay_in_evaluation  # type: ignore[method-assign]
    processes = find_processes(torch.device("cpu"))
    folder = out / f"rank{processes.rank}"  # no folder is shared: rank 0 alone reads and writes
    report = {"count": processes.count, "losses": losses_of(RECIPE, folder / "whole", processes)}
    if processes.rank == 0:
        (folder / "resumed/checkpoints").mkdir(parents=True)
        shutil.copy(folder / "whole/checkpoints/00000002.pt", folder / "resumed/checkpoints")
    report["resumed"] = losses_of(RECIPE, folder / "resumed", processes)
    norm = nn.BatchNorm2d(2)
    norm.running_mean.fill_(processes.rank + 1)
    processes.share_buffers(norm)
    report["statistics"] = norm.running_mean.tolist()
    (out / f"rank{processes.rank}.json").write_text(json.dumps(report))
    processes.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # as the program ends: at the interpreter's own end a thread of gloo may abort the process
