import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from robustbench_seg.cli.train_progress import TrainProgress, emulates_bf16, train_with_progress
from robustbench_seg.errors import MachineError
from robustbench_seg.training import loop
from robustbench_seg.training.loop import Progress
from robustbench_seg.training.recipe import read_recipe


class Clock:
    """Time that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_where_there_is_no_terminal_a_line_comes_now_and_then() -> None:
    out, clock = io.StringIO(), Clock()
    with TrainProgress(Console(file=out, force_terminal=False), 200, clock) as progress:
        for done in range(1, 201):
            clock.now += {1: 90.0, 100: 500.0}.get(done, 1.0)  # the start, a validation
            progress.report(Progress(done, 2.0, 1e-3, None if done < 100 else 0.3333))
    lines = out.getvalue().splitlines()
    assert [int(line.partition("/")[0]) for line in lines] == [1, 61, 100, 160, 200]
    assert lines[0] == "1/200 loss 2.000, learning rate 1.0e-03", "the first iteration took what comes before it"
    assert lines[1] == "61/200 loss 2.000, learning rate 1.0e-03, 0:02:19 left"
    assert lines[2] == "100/200 loss 2.000, learning rate 1.0e-03, mIoU 33.3 %, 0:01:40 left"
    assert lines[4] == "200/200 loss 2.000, learning rate 1.0e-03, mIoU 33.3 %, 0:00:00 left"


def test_the_loss_is_smoothed_and_a_terminal_gets_a_bar() -> None:
    out, clock = io.StringIO(), Clock()
    with TrainProgress(Console(file=out, force_terminal=True, width=160), 9, clock) as progress:
        for done, loss in enumerate((1.0, 2.0, 2.0, 2.0, 2.0, 2.0), 1):
            clock.now += 1
            progress.report(Progress(done, loss, 1e-3))
    assert "loss 1.096" in out.getvalue()  # 2 - 0.98 ** 5
    assert "6/9" in out.getvalue()
    assert "0:00:03 left" in out.getvalue()


def test_a_score_that_is_no_number_is_news_once() -> None:
    out, clock = io.StringIO(), Clock()
    with TrainProgress(Console(file=out, force_terminal=False), 50, clock) as progress:
        for done in range(1, 51):
            clock.now += 0.1
            progress.report(Progress(done, 2.0, 1e-3, None if done < 10 else float("nan")))
    assert [int(line.partition("/")[0]) for line in out.getvalue().splitlines()] == [1, 10, 50]


def test_a_device_without_enough_memory_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(loop, "iterate", full)
    recipe = read_recipe("streets", {"dataset.count": 2, "dataset.size": [64, 96], "crop": 64, "batch_size": 2})
    with pytest.raises(MachineError, match=r"batch_size 2 and crop 64, or .* need more memory than cpu has: CUDA"):
        train_with_progress(Console(file=io.StringIO()), recipe, {}, tmp_path, torch.device("cpu"), 0)


@pytest.mark.parametrize(("precision", "emulated", "hints"), [("bf16", True, 1), ("bf16", False, 0), ("fp32", True, 0)])
def test_bf16_that_is_emulated_is_told_before_the_training(
    precision: str,
    emulated: bool,
    hints: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: None)
    monkeypatch.setattr("robustbench_seg.cli.train_progress.emulates_bf16", lambda device: emulated)
    recipe = read_recipe("streets", {"precision": precision})
    train_with_progress(Console(file=io.StringIO()), recipe, {}, tmp_path, torch.device("cpu"), 0)
    assert capsys.readouterr().out.count("--set precision=fp32") == hints
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/00000002.pt").touch()  # a run resumes only in its own precision
    train_with_progress(Console(file=io.StringIO()), recipe, {}, tmp_path, torch.device("cpu"), 0)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("capabilities", "emulated"),
    [
        ({"avx512_bf16": False, "amx_bf16": False}, True),
        ({"avx512_bf16": True, "amx_bf16": False}, False),
        ({"avx512_bf16": False, "amx_bf16": True}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_bf16_is_emulated_where_the_processor_has_no_instructions_for_it(
    capabilities: dict[str, object], emulated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert emulates_bf16(torch.device("cpu")) is emulated
    assert not emulates_bf16(torch.device("cuda"))
