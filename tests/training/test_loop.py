import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from robustbench_seg.datasets import open_dataset
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.models import build_network
from robustbench_seg.training import loop
from robustbench_seg.training.recipe import Recipe, read_recipe
from robustbench_seg.training.sampling import make_sample
from robustbench_seg.validation import shipped

RECIPE = {
    "model": "segformer-b0",
    "dataset": {"name": "streets", "split": "train", "size": [64, 96], "count": 5},
    "iterations": 6,
    "batch_size": 2,
    "crop": 64,
    "learning_rate": 1e-3,
    "warmup": 2,
    "checkpoint_every": 2,
    "licence": "CC0-1.0",
}
DATASET = Streets("train", size=(64, 96), count=5)


def make(**changes: object) -> Recipe:
    return Recipe.model_validate({**RECIPE, **changes})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    loop.train(make(), DATASET, out)
    return out


def test_a_run_leaves_weights_a_log_and_its_last_checkpoints(uninterrupted: Path) -> None:
    assert sorted(p.name for p in (uninterrupted / "checkpoints").iterdir()) == ["00000004.pt", "00000006.pt"]
    with (uninterrupted / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iteration"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[0]["learning_rate"]) == pytest.approx(0.5e-3, rel=1e-5)
    assert all(1 < float(row["loss"]) < 6 for row in rows)
    assert {t.dtype for t in weights(uninterrupted).values() if t.is_floating_point()} == {torch.float16}


def test_an_interrupted_run_ends_with_the_same_weights_bit_for_bit(uninterrupted: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(progress: loop.Progress) -> None:
        if progress.done == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        loop.train(make(), DATASET, tmp_path, report=stop)
    done = []
    loop.train(make(), DATASET, tmp_path, report=lambda progress: done.append(progress.done))
    assert done == [5, 6]
    assert same(weights(tmp_path), weights(uninterrupted))
    assert (tmp_path / "log.csv").read_text() == (uninterrupted / "log.csv").read_text()


def test_a_killed_run_ends_with_the_same_weights_bit_for_bit(uninterrupted: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "robustbench_seg", "train", str(tmp_path / "recipe.yaml"), "--out", str(out)]
    process = subprocess.Popen([*command, "--workers", "0"], stdout=subprocess.DEVNULL)
    while process.poll() is None and not (out / "checkpoints/00000002.pt").exists():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "weights.safetensors").exists()
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True, check=True)
    assert "weights.safetensors" in done.stdout
    assert same(weights(out), weights(uninterrupted))


@pytest.mark.parametrize("how", [{"workers": 1}, {"in_memory": True}])
def test_workers_and_memory_change_nothing(uninterrupted: Path, tmp_path: Path, how: dict[str, object]) -> None:
    workers = how.get("workers", 0)
    loop.train(make(in_memory=how.get("in_memory", False)), DATASET, tmp_path, workers=workers)
    assert same(weights(tmp_path), weights(uninterrupted))


CHANGES = {
    "model": "deeplabv3plus-mobilenet_v2",
    "model_options": {"drop_path": 0.5},
    "iterations": 7,
    "batch_size": 3,
    "crop": 32,
    "learning_rate": 2e-3,
    "decoder_rate_factor": 1.0,
    "weight_decay": 0.5,
    "warmup": 4,
    "power": 2.0,
    "precision": "bf16",
    "seed": 1,
}


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_of_a_recipe_changes_the_weights(uninterrupted: Path, tmp_path: Path, field: str) -> None:
    loop.train(make(**{field: CHANGES[field]}), DATASET, tmp_path)
    assert not same(weights(tmp_path), weights(uninterrupted))


def test_checkpoints_of_another_recipe_are_refused_and_kept(tmp_path: Path) -> None:
    loop.train(make(iterations=2), DATASET, tmp_path)
    with pytest.raises(StoreError, match="holds the checkpoints of another recipe"):
        loop.train(make(iterations=2, seed=1), DATASET, tmp_path)
    assert (tmp_path / "checkpoints/00000002.pt").exists()


def test_a_loss_that_is_not_finite_stops_with_its_iteration_and_keeps_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, calls = loop.iterate, []

    def sick(*arguments: object) -> float:
        calls.append(1)
        return float("nan") if len(calls) == 4 else healthy(*arguments)

    monkeypatch.setattr(loop, "iterate", sick)
    with pytest.raises(UsageError, match="the loss became nan at iteration 4; the last checkpoint is kept"):
        loop.train(make(), DATASET, tmp_path)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["00000002.pt"]


def test_the_learning_rate_warms_up_linearly_and_decays_by_its_power() -> None:
    recipe = make(iterations=100, warmup=10, power=1.0, learning_rate=1.0)
    rates = [loop.rate_at(recipe, step) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2 * 0.99, 0.3 * 0.98])
    assert rates[10:] == pytest.approx([1 - step / 100 for step in range(10, 100)])
    squared = make(iterations=100, warmup=0, power=2.0, learning_rate=1.0)
    assert loop.rate_at(squared, 50) == pytest.approx(0.25)


def test_norms_biases_and_encodings_have_no_weight_decay_and_the_decoder_a_higher_rate() -> None:
    options = {"ffn": "plain", "positional_encoding": "learned", "train_size": [64, 64]}
    network = build_network("segformer-b0", ("a", "b"), **options)
    optimizer = loop.make_optimizer(network, make(decoder_rate_factor=10))
    place = {id(p): (g["weight_decay"], g["factor"]) for g in optimizer.param_groups for p in g["params"]}
    assert len(place) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        decay, factor = place[id(parameter)]
        bare = name.endswith((".bias", "position.map")) or "norm" in name
        assert decay == (0 if bare else 0.01), name
        assert factor == (1 if name.startswith("encoder.") else 10), name


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    class Told(Streets):
        def load(self, image_id: str) -> object:
            seen.append(image_id)
            return super().load(image_id)

    seen: list[str] = []
    dataset = Told("train", size=(64, 96), count=5)
    recipe = make(batch_size=5)
    orders = []
    for step in range(3):
        seen.clear()
        for k in range(5):
            make_sample(dataset, recipe, (step, k))
        assert sorted(seen) == list(dataset.ids)
        orders.append(tuple(seen))
    assert len(set(orders)) > 1


def test_the_loss_is_the_mean_over_labelled_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Parameter(torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.logits

    network = Fixed()
    labels = torch.tensor(np.random.default_rng(0).choice([0, 1, 2, 255], (2, 4, 4)))
    logits = network.logits.detach()
    picked = [
        -torch.log_softmax(logits[b, :, y, x].double(), dim=0)[labels[b, y, x]].item()
        for b in range(2)
        for y in range(4)
        for x in range(4)
        if labels[b, y, x] != 255
    ]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert loop.iterate(network, optimizer, images, labels, make()) == pytest.approx(np.mean(picked), abs=1e-6)


@pytest.mark.parametrize("name", shipped("robustbench_seg.training.recipes"))
def test_every_shipped_recipe_makes_two_steps_on_small_data(name: str, camvid_folder: Path, tmp_path: Path) -> None:
    small = {"iterations": 2, "crop": 64, "batch_size": 2, "warmup": 1}
    recipe = read_recipe(name).model_copy(update=small)
    if name == "camvid":
        dataset = open_dataset("camvid", camvid_folder, split=recipe.dataset.split)
    else:
        options = {**recipe.dataset.model_extra, "size": (64, 96), "count": 3}
        dataset = open_dataset(recipe.dataset.name, None, split=recipe.dataset.split, **options)
    loop.train(recipe, dataset, tmp_path)
    assert weights(tmp_path)["decoder.classify.weight"].shape[0] == len(dataset.class_names)
