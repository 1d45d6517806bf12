"""`--log-to`: what goes to a log, with modules in the place of the packages, which are large."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from program import program
from small import write_suite

import robustbench_seg as rb
from robustbench_seg.errors import StoreError
from robustbench_seg.store.folder import Store


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two models on clean images and one corruption in two draws."""
    models = [{"name": "constant"}, {"name": "b0", "model": "segformer-b0", "weights": "random"}]
    small = {"views": ["whole"], "conditions": {"gaussian_noise": [1, 3]}, "gallery": [], "seeds": [0, 1]}
    return write_suite(tmp_path, models=models, **small)


def fake_mlflow(monkeypatch: pytest.MonkeyPatch, broken: bool = False) -> list[tuple[str, float, int]]:
    """Put a module that keeps its calls in the place of MLflow."""
    calls: list[tuple[str, float, int]] = []

    def log_metric(name: str, value: float, step: int) -> None:
        if broken:
            raise ConnectionError("the server\nis away")
        calls.append((name, value, step))

    module = ModuleType("mlflow")
    vars(module).update(
        set_tracking_uri=lambda uri: calls.append(("uri " + uri, 0, 0)),
        start_run=lambda: None,
        log_params=lambda values: calls.append((f"params {values['suite']} {values['protocol']}", 0, 0)),
        log_metric=log_metric,
        end_run=lambda: calls.append(("end", 0, 0)),
    )
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return calls


def test_each_cell_and_each_headline_is_logged(tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_mlflow(monkeypatch)
    out = tmp_path / "out"
    what = ("run", str(suite), "--out", str(out), "--workers", "0", "--limit", "2", "--log-to", "mlflow:http://here")
    done = program(*what)
    assert done.returncode == 0, done.stderr
    assert calls[:2] == [("uri http://here", 0, 0), ("params small small", 0, 0)]
    assert calls[-1][0] == "end"
    results = rb.read_results(out)
    logged = {(name, step): value for name, value, step in calls[2:-1]}
    expected = {
        (f"{row.model}/whole/{row.corruption}" + (f"/seed-{row.seed}" if row.severity else ""), row.severity): row.miou
        for row in results.frame().itertuples()
    }
    for row in results.table().itertuples():
        headline = {"clean": row.clean, "mean": row.mean, "retention": row.retention}
        expected |= {(f"{row.model}/whole/headline/{name}", 0): value for name, value in headline.items()}
    assert logged == expected
    assert len(logged) == 2 * (1 + 2 * 2 + 3)


def test_a_log_that_fails_is_named_once_and_the_run_goes_on(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fake_mlflow(monkeypatch, broken=True)
    done = program(
        *("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--limit", "1"),
        *("--log-to", "mlflow:x", "--seeds", "0"),
    )
    assert done.returncode == 0
    line = "--log-to: nothing more is logged (ConnectionError: the server is away)"
    assert done.stdout.splitlines().count(line) == 1
    assert calls[-1] == ("end", 0, 0), "a log that failed is closed, too"
    assert len(rb.read_results(tmp_path / "out").frame()) == 2 * 3


@pytest.mark.parametrize("name", ["small", "other"])
def test_headlines_are_of_the_run_s_own_plan_where_another_run_writes_a_later_one(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls = fake_mlflow(monkeypatch)
    what = ("run", str(suite), "--workers", "0", "--limit", "1", "--log-to", "mlflow:x", "--out")
    assert program(*what, str(tmp_path / "alone")).returncode == 0
    expected = calls.copy()
    calls.clear()
    store = Store(tmp_path / "shared")
    log_metric = sys.modules["mlflow"].log_metric

    def log_after_another_run(*given: Any, **named: Any) -> None:
        if len(store.plans()) == 1:
            (plan,) = store.plans()
            store.write_plan(replace(plan, suite=name, cells=plan.cells[:1]))
        log_metric(*given, **named)

    monkeypatch.setattr(sys.modules["mlflow"], "log_metric", log_after_another_run)
    assert program(*what, str(tmp_path / "shared")).returncode == 0
    assert calls == expected


def test_headlines_are_of_the_run_s_own_models_where_a_larger_plan_follows(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fake_mlflow(monkeypatch)
    what = ("run", str(suite), "--workers", "0", "--limit", "1", "--out", str(tmp_path / "out"))
    assert program(*what, "--model", "constant", "--model", "two=constant").returncode == 0
    (larger,) = Store(tmp_path / "out").plans()
    for path in (tmp_path / "out/cells").glob("constant-*"):
        path.unlink()
    log_metric = sys.modules["mlflow"].log_metric

    def log_after_another_run(*given: Any, **named: Any) -> None:
        Store(tmp_path / "out").write_plan(larger)
        log_metric(*given, **named)

    monkeypatch.setattr(sys.modules["mlflow"], "log_metric", log_after_another_run)
    assert program(*what, "--model", "constant", "--log-to", "mlflow:x").returncode == 0
    assert any("constant/" in str(call[0]) for call in calls)
    assert not any("two/" in str(call[0]) for call in calls)


def test_a_cell_that_can_t_be_read_for_the_log_costs_the_log_and_not_the_run(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mlflow(monkeypatch)

    def read_cell(path: Path) -> None:
        raise StoreError("removed by another program")

    monkeypatch.setattr("robustbench_seg.api.logs.read_cell", read_cell)
    done = program(
        *("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--limit", "1"),
        *("--log-to", "mlflow:x", "--seeds", "0"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--log-to: nothing more is logged (StoreError: removed by another program)\n") == 1
    assert len(rb.read_results(tmp_path / "out").frame()) == 2 * 3


def test_the_log_of_a_run_that_ends_with_an_error_is_closed(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fake_mlflow(monkeypatch)
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--data", "camvid=x", "--log-to", "mlflow:x")
    assert (done.returncode, done.stdout) == (2, "")
    assert calls[-1] == ("end", 0, 0)


def test_an_event_of_tensorboard_is_on_the_disk_before_the_next_cell(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class SummaryWriter:
        """Keeps the names of the methods that are called."""

        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "events")

        def __getattr__(self, name: str) -> Any:
            return lambda *given: calls.append(name)

    module = ModuleType("torch.utils.tensorboard")
    vars(module).update(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    done = program(
        *("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--limit", "1"),
        *("--log-to", f"tensorboard:{tmp_path / 'events'}", "--seeds", "0"),
    )
    assert done.returncode == 0, done.stderr
    assert calls == ["add_text", *["add_scalar", "flush"] * 2 * (3 + 3), "close"]


def test_a_project_of_weights_and_biases_gets_the_severity_with_the_score(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, float]] = []
    ended: list[bool] = []
    module = ModuleType("wandb")
    run = SimpleNamespace(log=logged.append, finish=lambda: ended.append(True))
    module.init = lambda project, config: run if project == "mine" and config["suite"] == "small" else None
    monkeypatch.setitem(sys.modules, "wandb", module)
    done = program(
        *("run", str(suite), "--out", str(tmp_path / "out"), "--workers", "0", "--limit", "1"),
        *("--log-to", "wandb:mine", "--corruptions", "contrast", "--severities", "2", "--seeds", "0"),
    )
    assert done.returncode == 0, done.stderr
    own = [one for one in logged if any(name.startswith("constant/") for name in one)]
    assert [sorted(one, key=len)[-1] for one in own[:2]] == [
        "constant/whole/clean",
        "constant/whole/contrast/seed-0",
    ]
    assert [one["severity"] for one in own[:2]] == [0, 2]
    assert ended == [True]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("paper", "--log-to takes tensorboard:DIR, wandb:PROJECT, mlflow:URI, got 'paper'"),
        ("wandb:", "--log-to takes tensorboard:DIR, wandb:PROJECT, mlflow:URI, got 'wandb:'"),
        ("mlflow:x", "--log-to mlflow:x: mlflow is not installed: pip install mlflow"),
        ("wandb:x", "--log-to wandb:x: wandb is not installed: pip install wandb"),
        ("tensorboard:x", "--log-to tensorboard:x: tensorboard is not installed: pip install tensorboard"),
    ],
)
def test_a_log_that_can_t_be_opened_is_one_line_before_the_run(
    tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
) -> None:
    for name in ("mlflow", "wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ImportError
    done = program("run", str(suite), "--out", str(tmp_path / "out"), "--log-to", target)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"robustbench-seg: {message}\n"
    assert not (tmp_path / "out").exists()
