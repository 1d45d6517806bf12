import re
import subprocess
from pathlib import Path

import pytest
import torch
import yaml
from full_disk import REASONS, WAYS, mounted, scarce
from program import program
from tiny_recipe import DATA, RECIPE, make, same, weights
from torch import nn

from robustbench_seg.errors import MachineError, StoreError
from robustbench_seg.training import loop
from robustbench_seg.training.checkpoints import Checkpoints, restore


def test_the_last_few_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    checkpoints = Checkpoints(tmp_path, "one", keep=3)
    assert checkpoints.newest() is None
    for done in range(1, 6):
        network.bias.data.fill_(done)
        checkpoints.save(network, optimizer, done)
    assert [path.name for path in checkpoints.paths()] == ["00000003.pt", "00000004.pt", "00000005.pt"]
    network.bias.data.zero_()
    assert restore(network, optimizer, checkpoints.newest()) == 5
    assert network.bias.tolist() == [5, 5]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no checkpoint at all"])
def test_a_broken_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "00000007.pt").write_bytes(content)
    with pytest.raises(
        StoreError, match=r"00000007.pt: not a complete checkpoint; remove it to resume from the previous one"
    ):
        Checkpoints(tmp_path, "one", keep=1).newest()


def test_a_damaged_checkpoint_is_named_wherever_the_damage_is(tmp_path: Path) -> None:
    network = nn.Linear(64, 64)
    Checkpoints(tmp_path, "one", keep=1).save(network, torch.optim.AdamW(network.parameters()), 7)
    path = tmp_path / "00000007.pt"
    whole = path.read_bytes()
    weight = network.weight.detach().numpy().tobytes()
    for place in (whole.index(weight) + 5, whole.index(b"recipe")):  # torch itself would read the first
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"00000007.pt: not a complete checkpoint"):
            Checkpoints(tmp_path, "one", keep=1).newest()
    path.write_bytes(whole)
    assert Checkpoints(tmp_path, "one", keep=1).newest() is not None
    torch.save(torch.zeros(3), path)
    with pytest.raises(StoreError, match=r"00000007.pt: not a complete checkpoint"):
        Checkpoints(tmp_path, "one", keep=1).newest()


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_reported_and_costs_no_checkpoint(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "checkpoints"
    small, large = nn.Linear(8, 8), nn.Linear(512, 512)
    with scarce(way, folder, 800_000):
        checkpoints = Checkpoints(folder, "one", keep=1)
        checkpoints.save(small, torch.optim.AdamW(small.parameters()), 7)
        with pytest.raises(MachineError, match=rf"^{folder}/00000008\.pt: can't be written: {REASONS[way]}$"):
            checkpoints.save(large, torch.optim.AdamW(large.parameters()), 8)
        assert [path.name for path in folder.iterdir()] == ["00000007.pt"]
        assert restore(small, torch.optim.AdamW(small.parameters()), checkpoints.newest()) == 7


@pytest.mark.parametrize("model", ["segformer-b0", "deeplabv3plus-mobilenet_v2"])
def test_weights_that_find_no_room_are_written_by_the_same_command(tmp_path: Path, model: str) -> None:
    recipe = make(model=model, iterations=1, validation=None)
    loop.train(recipe, DATA, tmp_path)
    expected = weights(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    message = rf"^{tmp_path}/weights\.safetensors: can't be written: {REASONS['limit']}$"
    with scarce("limit", tmp_path, 1_000_000), pytest.raises(MachineError, match=message):
        loop.train(recipe, DATA, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "checkpoints", "log.csv"}
    loop.train(recipe, DATA, tmp_path)
    assert same(weights(tmp_path), expected)


def test_a_run_that_a_full_disk_ended_ends_with_the_same_weights_when_there_is_room(tmp_path: Path) -> None:
    loop.train(make(), DATA, tmp_path / "uninterrupted")
    full = tmp_path / "full"
    with mounted(full, "size=60m"):  # a checkpoint takes 45 MB
        with pytest.raises(MachineError, match=r"00000004\.pt: can't be written: no room is left on its disk"):
            loop.train(make(), DATA, full)
        assert [path.name for path in (full / "checkpoints").iterdir()] == ["00000002.pt"]
        subprocess.run(["mount", "-o", "remount,size=300m", str(full)], check=True)
        loop.train(make(), DATA, full)
        assert same(weights(full), weights(tmp_path / "uninterrupted"))
        assert (full / "log.csv").read_text() == (tmp_path / "uninterrupted/log.csv").read_text()


def test_train_reports_a_full_disk_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "validation": None}))
    with scarce("limit", tmp_path, 10**7):
        done = program("train", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out"), "--workers", "0")
    line = rf"robustbench-seg: {tmp_path}/out/checkpoints/00000002\.pt: can't be written: {REASONS['limit']}\n"
    assert re.fullmatch(line, done.stderr), done.stderr
    assert done.returncode == 2
