"""A network, its weights under the names of NVlabs, and objects of a program that is not installed."""

import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from types import ModuleType

import safetensors.torch
import torch
from torch import Tensor

from segformer import SegFormer, build, save_checkpoint


def network(seed: int = 0) -> SegFormer:
    """A small B0 whose batch statistics are not the defaults."""
    model = build("b0", num_classes=3, decoder_width=256, seed=seed).eval()
    model.decoder.norm.running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
    return model


def nvlabs_state(model: SegFormer, folder: Path) -> dict[str, Tensor]:
    save_checkpoint(model, folder / "plain.pth", format="nvlabs")
    state: dict[str, Tensor] = torch.load(folder / "plain.pth", weights_only=True)["state_dict"]
    (folder / "plain.pth").unlink()
    return state


def same_weights(one: SegFormer, other: SegFormer) -> bool:
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@contextmanager
def absent_program(name: str, source: str) -> Iterator[ModuleType]:
    """A module under a name that can be imported, and pickled from, only here."""
    module = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    parents = [".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 1)]
    sys.modules.update({parent: ModuleType(parent) for parent in parents} | {name: module})
    try:
        yield module
    finally:
        for added in [*parents, name]:
            del sys.modules[added]


def run_line(line: str, folder: Path) -> None:
    """Run the line in a message."""
    with chdir(folder):
        exec(line, {"torch": torch, "safetensors": safetensors})
