import csv
import json
import os
import sys
from pathlib import Path

import pytest
import torch
from shared_runs import fork, status_of
from tiny_recipe import DATA, make, same, weights
from together import RECIPE, losses_of, stay_in_evaluation
from torch import nn

from robustbench_seg.errors import MachineError, UsageError
from robustbench_seg.training import loop
from robustbench_seg.training.processes import Processes, find_processes

CPU = torch.device("cpu")
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes on gloo, started by torchrun, left behind."""
    pytest.importorskip("accelerate")
    out = tmp_path_factory.mktemp("two")
    launcher = fork(launch, str(TESTS / "training/together.py"), str(out))
    assert status_of(launcher) == 0, (out / "errors").read_text()
    return out


def launch(script: str, out: str) -> None:
    """Be torchrun, in a process that has imported torch."""
    from torch.distributed.run import main

    with Path(out, "errors").open("w") as file:
        os.dup2(file.fileno(), 2)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    main(["--standalone", "--nproc-per-node", "2", script, out])


def test_two_processes_have_the_losses_of_one_with_the_whole_batch(
    two_processes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.BatchNorm2d, "train", stay_in_evaluation)
    alone = losses_of(RECIPE, tmp_path, Processes(CPU))
    reports = [json.loads((two_processes / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert [one["count"] for one in reports] == [2, 2]
    assert len(alone) == 5
    for one in reports:
        assert one["losses"] == pytest.approx(alone, abs=1e-5)
    miou = [
        [float(row["miou"]) for row in csv.DictReader(path.read_text().splitlines()) if row["miou"]]
        for path in (tmp_path / "log.csv", two_processes / "rank0/whole/log.csv")
    ]
    # Weights that differ by rounding may tip a pixel; half of the images would not score the same.
    assert miou[1] == pytest.approx(miou[0], abs=1e-3)
    assert len(miou[0]) == 2


def test_two_processes_resume_from_a_checkpoint_to_the_same_weights(two_processes: Path) -> None:
    reports = json.loads((two_processes / "rank1.json").read_text())
    assert reports["resumed"] == reports["losses"][2:]
    assert same(weights(two_processes / "rank0/whole"), weights(two_processes / "rank0/resumed"))


def test_the_statistics_of_the_first_process_are_kept(two_processes: Path) -> None:
    for rank in (0, 1):
        assert json.loads((two_processes / f"rank{rank}.json").read_text())["statistics"] == [1, 1]


def test_only_the_first_process_writes(two_processes: Path) -> None:
    assert not (two_processes / "rank1").exists()
    assert (two_processes / "rank0/whole/weights.safetensors").exists()


def test_a_batch_that_can_not_be_shared_equally_is_refused(tmp_path: Path) -> None:
    three = Processes(CPU)
    three.count = 3
    with pytest.raises(UsageError, match="batch_size 2 can't be shared equally by 3 processes"):
        loop.train(make(), DATA, tmp_path, processes=three)


def test_a_single_image_is_refused_by_a_model_that_pools_it_to_one_value(tmp_path: Path) -> None:
    two = Processes(CPU)
    two.count = 2
    with pytest.raises(UsageError, match="batch_size 2: deeplabv3plus-mobilenet_v2 needs two images per process"):
        loop.train(make(model="deeplabv3plus-mobilenet_v2"), DATA, tmp_path, processes=two)


def test_a_single_image_is_accepted_where_batchnorm_sees_the_images_of_all_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Processes(torch.device("cuda"))
    two.count = 2
    monkeypatch.setattr(loop, "resume", lambda *arguments: tmp_path / "weights.safetensors")
    recipe = make(model="deeplabv3plus-mobilenet_v2")
    assert loop.train(recipe, DATA, tmp_path, processes=two) == tmp_path / "weights.safetensors"


def test_one_process_needs_no_accelerate_and_the_message_for_several_names_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert (find_processes(CPU).count, find_processes(CPU).rank) == (1, 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(MachineError, match=r"pip install '\.\[accelerate\]' in the checkout"):
        find_processes(CPU)


def test_more_processes_than_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(MachineError, match="process 2 of this machine has no CUDA device: there are 2"):
        find_processes(torch.device("cuda"))
