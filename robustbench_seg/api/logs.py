"""`--log-to`: the scores of a run in TensorBoard, Weights & Biases or MLflow, whichever is asked for and installed.

Each quality cell is one number when it is stored: its mIoU (0-1), named MODEL/VIEW/CORRUPTION/seed-N, at the step of
its severity. At the end each model has its headlines: MODEL/VIEW/headline/clean, mean and retention, over draws.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import MachineError, UsageError, in_one_line
from ..files import expanded
from ..measure.listener import Listener
from ..measure.plan import Job
from ..metrics import MIOU, miou
from ..store.cell import CLEAN, QualityCell, view_name
from ..store.file import read_cell
from ..store.folder import Store
from ..store.plan import Plan
from ..studies.draws import over_draws
from ..studies.frame import quality_frame

__all__ = ["LOGS", "Log", "LogListener", "logging_to", "open_log"]

HEADLINE = (CLEAN, "mean", "retention")


class Log(ABC):
    """Where scores go. place: what --log-to has after the colon. config: what to keep of the run in words."""

    @abstractmethod
    def __init__(self, place: str, config: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def write(self, name: str, value: float, step: int) -> None:
        """Write one number."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left."""


class TensorBoard(Log):
    """Event files in a folder."""

    def __init__(self, place: str, config: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(expanded(place))
        self.writer.add_text("run", "; ".join(f"{name}: {value}" for name, value in config.items()))

    def write(self, name: str, value: float, step: int) -> None:
        self.writer.add_scalar(name, value, step)
        self.writer.flush()  # a stop ends the process at once, and the writer keeps events for up to two minutes

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases(Log):
    """A run of a project."""

    def __init__(self, place: str, config: Mapping[str, Any]) -> None:
        import wandb

        self.run: Any = wandb.init(project=place, config=dict(config))

    def write(self, name: str, value: float, step: int) -> None:
        self.run.log({name: value, "severity": step})

    def close(self) -> None:
        self.run.finish()


class MLflow(Log):
    """A run at a tracking URI."""

    def __init__(self, place: str, config: Mapping[str, Any]) -> None:
        import mlflow

        self.mlflow: Any = mlflow
        mlflow.set_tracking_uri(place)
        mlflow.start_run()
        mlflow.log_params(dict(config))

    def write(self, name: str, value: float, step: int) -> None:
        self.mlflow.log_metric(name, value, step=step)

    def close(self) -> None:
        self.mlflow.end_run()


# name, which is the package's: the class, and what stands after the colon
LOGS: dict[str, tuple[type[Log], str]] = {
    "tensorboard": (TensorBoard, "DIR"),
    "wandb": (WeightsAndBiases, "PROJECT"),
    "mlflow": (MLflow, "URI"),
}


def open_log(target: str, config: Mapping[str, Any]) -> Log:
    """Open what --log-to names. config: what to keep of the run in words.

    Raises UsageError for another form, MachineError where the package is not installed or can't open its place.
    """
    name, _, place = target.partition(":")
    if name not in LOGS or not place:
        forms = ", ".join(f"{name}:{place}" for name, (_, place) in LOGS.items())
        raise UsageError(f"--log-to takes {forms}, got {target!r}")
    try:
        return LOGS[name][0](place, config)
    except ImportError as error:
        lacks = (error.name or name).partition(".")[0]
        own = lacks in (name, "torch")  # torch's writer is there, and imports the package
        what = "is not installed" if own else f"can't be imported without {lacks}"
        raise MachineError(f"--log-to {target}: {name} {what}: pip install {name}") from None
    except Exception as error:  # whatever a package raises over its place
        reason = in_one_line(error)
        raise MachineError(f"--log-to {target}: {name} can't open it ({reason:.300})") from error


class LogListener(Listener):
    """Writes the score of each cell that is stored, and at the end the headline of each model.

    out: the folder of the run. note: called once with a line where the log fails; the run continues without it.
    """

    def __init__(self, log: Log, out: Path, note: Callable[[str], None]) -> None:
        self.log, self.store, self.note = log, Store(out), note
        self.plan: Plan | None = None
        self.broken = False

    def written(self, plan: Plan) -> None:
        self.plan = plan

    def finished(self, job: Job, error: Exception | None) -> None:
        if error is None and isinstance(job.cell, QualityCell):
            self.attempt(partial(self.write_cell, job.cell, job.record.key))

    def write_cell(self, cell: QualityCell, key: str) -> None:
        """Write the score of a cell that is stored."""
        stored = read_cell(self.store.path(cell.kind, cell.slug, key))
        score = miou({name: stored.arrays[name].sum(axis=0) for name in MIOU.columns})
        draw = f"/seed-{cell.seed}" if cell.corruption != CLEAN else ""
        self.write(
            f"{cell.model}/{view_name(cell.view.label, cell.void)}/{cell.corruption}{draw}", score, cell.severity
        )

    def write_headlines(self) -> None:
        """Write the headlines of the run's plan."""
        assert self.plan is not None
        plan = self.plan
        cells = quality_frame(self.store.folder)
        own = cells[cells["key"].isin([cell.key for cell in plan.cells])] if len(cells) else cells
        for row in over_draws(own, dict(plan.conditions)).to_dict("records"):
            for name in HEADLINE:
                self.write(f"{row['model']}/{view_name(row['view'], row['void'])}/headline/{name}", row[name], 0)

    def write(self, name: str, value: float, step: int) -> None:
        if not math.isnan(value):
            self.log.write(name, value, step)

    def attempt(self, call: Callable[[], None]) -> None:
        """Call what writes to the log, until something fails."""
        if self.broken:
            return
        try:
            call()
        except Exception as error:  # of a package, or over a file of the store; it must not cost the run
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Note the first failure."""
        if not self.broken:
            self.note(f"--log-to: nothing more is logged ({in_one_line(error):.300})")
        self.broken = True

    def close(self) -> None:
        """Close the log, one that has failed too: otherwise its run would stay open at its place."""
        try:
            self.log.close()
        except Exception as error:
            self.fail(error)


@contextmanager
def logging_to(log: Log, out: Path, note: Callable[[str], None]) -> Iterator[LogListener]:
    """Hold a run to a log, which is closed however the run ends. out, note: see `LogListener`."""
    listener = LogListener(log, out, note)
    try:
        yield listener
        listener.attempt(listener.write_headlines)
    finally:
        listener.close()
