from pathlib import Path

import pytest
import torch
from torch import nn

from robustbench_seg.errors import StoreError
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
    with pytest.raises(StoreError, match=r"00000007.pt: not a complete checkpoint; without it the one before is used"):
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
