import csv
import json
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from processes import LINE
from program import program
from safetensors import safe_open
from shared_runs import begin_program, kill, status_of, wait_until
from tiny_recipe import DATA, RECIPE, make, same, weights
from torch import nn

from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError, StoreError, UsageError
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.training import loop, network
from robustbench_seg.training.data import Data
from robustbench_seg.training.processes import Processes
from robustbench_seg.training.sampling import make_sample
from robustbench_seg.training.validate import Validator
from segformer import CheckpointError, build, save_checkpoint
from segformer.files import sha256_of

CPU = Processes(torch.device("cpu"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    loop.train(make(), DATA, out)
    return out


def test_a_run_leaves_weights_a_log_and_its_last_checkpoints(uninterrupted: Path) -> None:
    assert sorted(p.name for p in (uninterrupted / "checkpoints").iterdir()) == ["00000004.pt", "00000006.pt"]
    with (uninterrupted / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iteration"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[0]["learning_rate"]) == pytest.approx(0.5e-3, rel=1e-5)
    assert all(1 < float(row["loss"]) < 6 for row in rows)
    assert [bool(row["miou"]) for row in rows] == [False, False, True, False, False, True]
    assert {t.dtype for t in weights(uninterrupted).values() if t.is_floating_point()} == {torch.float16}


def test_an_interrupted_run_ends_with_the_same_weights_bit_for_bit(uninterrupted: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(progress: loop.Progress) -> None:
        if progress.done == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        loop.train(make(), DATA, tmp_path, report=stop)
    reports: list[loop.Progress] = []
    loop.train(make(), DATA, tmp_path, report=reports.append)
    assert [progress.done for progress in reports] == [5, 6]
    with (uninterrupted / "log.csv").open() as file:
        scores = [float(row["miou"]) for row in csv.DictReader(file) if row["miou"]]
    assert [progress.miou for progress in reports] == pytest.approx(scores, rel=1e-5), "the last mIoU is remembered"
    assert same(weights(tmp_path), weights(uninterrupted))
    assert (tmp_path / "log.csv").read_text() == (uninterrupted / "log.csv").read_text()


def command(recipe: dict[str, object], folder: Path) -> list[str]:
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return ["train", str(folder / "recipe.yaml"), "--out", str(folder / "out")]


def begin(arguments: list[str], out: Path, errors: Path) -> BaseProcess:
    """Start the program, and wait for its first checkpoint."""
    process = begin_program(*arguments, "--workers", "0", errors=errors)
    assert wait_until((out / "checkpoints/00000002.pt").exists)
    return process


def test_a_killed_run_ends_with_the_same_weights_bit_for_bit(uninterrupted: Path, tmp_path: Path) -> None:
    arguments, out = command(RECIPE, tmp_path), tmp_path / "out"
    process = begin(arguments, out, tmp_path / "errors")
    kill(process)
    assert process.exitcode == -signal.SIGKILL
    assert list(out.glob("checkpoints/*.pt"))
    assert not (out / "weights.safetensors").exists()
    done = program(*arguments, "--workers", "1")
    assert "weights.safetensors" in done.stdout
    assert same(weights(out), weights(uninterrupted))
    assert (out / "log.csv").read_text() == (uninterrupted / "log.csv").read_text()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_reports_it_in_one_line_and_keeps_its_checkpoint(sent: signal.Signals, tmp_path: Path) -> None:
    arguments, out = command({**RECIPE, "iterations": 10000}, tmp_path), tmp_path / "out"
    process = begin(arguments, out, tmp_path / "errors")
    os.kill(process.pid or 0, sent)
    assert status_of(process) == 130
    assert (tmp_path / "errors").read_text() == LINE
    newest = max((out / "checkpoints").glob("*.pt"))
    assert torch.load(newest, weights_only=True)["done"] == int(newest.stem)


@pytest.mark.parametrize(
    "how", [{"workers": 1}, {"in_memory": True}, {"validation": None}, {"keep": 1, "checkpoint_every": 5}]
)
def test_workers_memory_validation_and_checkpoints_change_nothing(
    uninterrupted: Path, tmp_path: Path, how: dict[str, object]
) -> None:
    workers = how.pop("workers", 0)
    loop.train(make(**how), DATA, tmp_path, workers=workers)
    assert same(weights(tmp_path), weights(uninterrupted))


SHORT = {"iterations": 2, "warmup": 1, "validation": None}  # whose second step is on the schedule's way down
CHANGES = {
    "model": "deeplabv3plus-mobilenet_v2",
    "model_options": {"drop_path": 0.5},
    "iterations": 3,
    "batch_size": 3,
    "crop": 32,
    "learning_rate": 2e-3,
    "decoder_rate_factor": 1.0,
    "weight_decay": 0.5,
    "warmup": 2,
    "power": 2.0,
    "clip_norm": 0.1,
    "precision": "bf16",
    "seed": 1,
}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("short")
    loop.train(make(**SHORT), DATA, out)
    return out


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_of_a_recipe_changes_the_weights(short: Path, tmp_path: Path, field: str) -> None:
    loop.train(make(**{**SHORT, field: CHANGES[field]}), DATA, tmp_path)
    assert not same(weights(tmp_path), weights(short))


def test_an_encoder_is_where_training_starts_and_its_licence_and_hash_travel_on(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    donor = build("b0", num_classes=3, seed=9)
    save_checkpoint(donor, path)
    recipe = make(encoder=str(path), learning_rate=1e-12, iterations=1, warmup=0, validation=None)
    loop.train(recipe, DATA, tmp_path / "out")
    tensors = weights(tmp_path / "out")
    for name, tensor in donor.encoder.state_dict().items():
        assert torch.equal(tensors[f"encoder.{name}"], tensor.half()), name
    with safe_open(tmp_path / "out/weights.safetensors", "pt") as file:
        info = json.loads(file.metadata()["segformer"])["info"]
    assert info["licence"] == "CC0-1.0; encoder: unknown"
    assert json.loads(info["recipe"])["encoder_sha256"] == sha256_of(path)
    save_checkpoint(build("b0", num_classes=3, seed=8), path)
    with pytest.raises(StoreError, match="holds the checkpoints of another recipe"):
        loop.train(recipe, DATA, tmp_path / "out")


def test_an_encoder_that_is_missing_or_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"encoder nowhere\.pth: no such file or folder"):
        loop.train(make(encoder="nowhere.pth"), DATA, tmp_path / "out")
    path = tmp_path / "b1.safetensors"
    save_checkpoint(build("b1"), path)
    with pytest.raises(CheckpointError, match=r"b1\.safetensors"):
        loop.train(make(encoder=str(path)), DATA, tmp_path / "out")
    with pytest.raises(UsageError, match="only a SegFormer's encoder can start from a file"):
        loop.train(make(model="deeplabv3plus-mobilenet_v2", encoder=str(path)), DATA, tmp_path / "out")


def test_checkpoints_of_another_recipe_are_refused_and_kept(tmp_path: Path) -> None:
    loop.train(make(iterations=2, validation=None), DATA, tmp_path)
    with pytest.raises(StoreError, match="holds the checkpoints of another recipe"):
        loop.train(make(iterations=2, validation=None, seed=1), DATA, tmp_path)
    assert (tmp_path / "checkpoints/00000002.pt").exists()


def test_checkpoints_of_other_images_are_refused(tmp_path: Path) -> None:
    loop.train(make(iterations=2, validation=None), DATA, tmp_path)
    with pytest.raises(StoreError, match="of another recipe or other data"):
        loop.train(make(iterations=2, validation=None), Data(DATA.validation), tmp_path)


def test_checkpoints_of_another_way_of_training_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.train(make(iterations=2, validation=None), DATA, tmp_path)
    monkeypatch.setattr(network, "TRAINING_VERSION", network.TRAINING_VERSION + 1)
    with pytest.raises(StoreError, match="holds the checkpoints of another recipe"):
        loop.train(make(iterations=2, validation=None), DATA, tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_its_iteration_and_keeps_the_checkpoint(
    bad: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, calls = loop.iterate, []

    def sick(*arguments: object) -> float:
        calls.append(1)
        return bad if len(calls) == 4 else healthy(*arguments)

    monkeypatch.setattr(loop, "iterate", sick)
    with pytest.raises(
        UsageError, match=f"the loss became {bad} at iteration 4; the last checkpoint is kept, but would diverge again"
    ):
        loop.train(make(), DATA, tmp_path)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["00000002.pt"]
    with (tmp_path / "log.csv").open() as file:
        assert [row["iteration"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_weights_that_are_not_finite_are_never_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy, calls = loop.iterate, []

    def sick(network: nn.Module, *arguments: object) -> float:
        loss = healthy(network, *arguments)
        calls.append(1)
        if len(calls) == 4:
            next(network.parameters()).data.view(-1)[0] = float("inf")
        return loss

    monkeypatch.setattr(loop, "iterate", sick)
    with pytest.raises(UsageError, match="the weights are no longer finite at iteration 4; the last checkpoint"):
        loop.train(make(), DATA, tmp_path)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["00000002.pt"]


def test_a_validation_that_fails_costs_no_iterations_and_comes_first_when_the_run_resumes(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, scored = Validator.score, []

    def broken(validator: Validator, limit: int | None = None) -> float:
        if limit is None:
            raise DataError("a broken image")
        return healthy(validator, limit)

    def seen(validator: Validator, limit: int | None = None) -> float:
        scored.append(limit)
        return healthy(validator, limit)

    recipe = make(checkpoint_every=3)
    for fails_at in (3, 3):  # the second time before any iteration
        monkeypatch.setattr(Validator, "score", broken)
        reports: list[loop.Progress] = []
        with pytest.raises(DataError, match="a broken image"):
            loop.train(recipe, DATA, tmp_path, report=reports.append)
        assert [path.stem for path in (tmp_path / "checkpoints").iterdir()] == [f"{fails_at:08}"]
    assert reports == []
    monkeypatch.setattr(Validator, "score", seen)
    loop.train(recipe, DATA, tmp_path, report=reports.append)
    assert [progress.done for progress in reports] == [4, 5, 6]
    assert scored == [1, None, None], "an image at the start, all after 3, all after 6"
    assert (tmp_path / "log.csv").read_text() == (uninterrupted / "log.csv").read_text()
    assert same(weights(tmp_path), weights(uninterrupted))
    loop.train(recipe, DATA, tmp_path)
    assert scored == [1, None, None, 1], "what is scored is not scored again"


def test_each_epoch_has_every_image_once_in_its_own_order() -> None:
    class Recording(Streets):
        def load(self, image_id: str) -> object:
            seen.append(image_id)
            return super().load(image_id)

    seen: list[str] = []
    dataset = Recording("train", size=(64, 96), count=5)
    recipe = make(batch_size=5)
    orders = []
    for step in range(3):
        seen.clear()
        for k in range(5):
            make_sample(dataset, recipe, (step, k))
        assert sorted(seen) == list(dataset.ids)
        orders.append(tuple(seen))
    assert len(set(orders)) > 1


class Fixed(nn.Module):
    """Its logits are its parameters, whatever the image."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits


IMAGES = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
LABELS = torch.tensor(np.random.default_rng(0).choice([0, 1, 2, 255], (2, 4, 4)))


def test_the_loss_is_the_mean_over_labelled_pixels() -> None:
    network = Fixed()
    logits = network.logits.detach()
    picked = [
        -torch.log_softmax(logits[b, :, y, x].double(), dim=0)[LABELS[b, y, x]].item()
        for b in range(2)
        for y in range(4)
        for x in range(4)
        if LABELS[b, y, x] != 255
    ]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    loss = loop.iterate(network, optimizer, IMAGES, LABELS, make(), CPU)
    assert loss == pytest.approx(np.mean(picked), abs=1e-6)


@pytest.mark.parametrize("limit", [1e-3, 1e3])
def test_a_gradient_longer_than_clip_norm_is_shortened_to_it(limit: float) -> None:
    network, free = Fixed(), Fixed()
    for net, clip in ((network, limit), (free, None)):
        loop.iterate(net, torch.optim.SGD(net.parameters(), lr=0.0), IMAGES, LABELS, make(clip_norm=clip), CPU)
    full = free.logits.grad.double()
    expected = full * min(1.0, limit / full.square().sum().sqrt().item())
    # Torch adds 1e-6 to the norm it divides by, here 1e-5 of it.
    torch.testing.assert_close(network.logits.grad.double(), expected, rtol=1e-4, atol=0)


def test_channels_last_lays_the_weights_out_so_and_compile_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[nn.Module] = []

    def eager(network: nn.Module) -> nn.Module:
        compiled.append(network)
        return network

    monkeypatch.setattr(torch, "compile", eager)
    layouts = []

    def keep(network: nn.Module, *arguments: object) -> float:
        layouts.append(
            {w.is_contiguous(memory_format=torch.channels_last) for w in network.parameters() if w.ndim == 4}
        )
        return 1.0

    monkeypatch.setattr(loop, "iterate", keep)
    loop.train(make(iterations=1, channels_last=True, compile=True, validation=None), DATA, tmp_path / "both")
    loop.train(make(iterations=1, validation=None), DATA, tmp_path / "neither")
    assert layouts[0] == {True}
    assert False in layouts[1]
    assert len(compiled) == 1


@pytest.mark.parametrize("model", ["segformer-b0", "deeplabv3plus-mobilenet_v2"])
def test_weights_that_were_trained_channels_last_are_stored_as_any_others(model: str, tmp_path: Path) -> None:
    loop.train(make(model=model, iterations=1, channels_last=True, validation=None), DATA, tmp_path)
    source = Source(model=model, weights=str(tmp_path / "weights.safetensors"))
    loaded = load_source(source, model, DATA.training.class_names, torch.device("cpu"))
    assert loaded.class_names == DATA.training.class_names
