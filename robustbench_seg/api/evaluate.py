"""`evaluate`: measure models on data from a program, as `run` does, with the same keys, store and numbers."""

import re
import sys
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

from torch import nn

from ..corruptions import LARGEST_SEED
from ..datasets import Dataset, open_dataset
from ..errors import UsageError
from ..measure.plan import Handed, Job, Options
from ..measure.runner import Listener, Listeners, run
from ..measure.views import PRECISIONS
from ..metrics import METRICS
from ..models.base import Segmenter
from ..private_folders import private_folder
from ..protocols import PROTOCOLS
from ..store.cell import Void
from ..store.plan import Plan
from ..store.view import View
from ..suites import suite_for, with_options
from ..wording import NAME, NAMES, counted, listed
from .arguments import different, folder_of, listed_values, one_of, severities_of, view_of, whole
from .handed import Classes, Input, evaluating, made_of
from .progress import progress_for
from .results import Results

__all__ = ["evaluate"]

ENGINES = ("local", "ray")
FAILURES_SHOWN = 3
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")

Model = nn.Module | Segmenter | str | Path


def evaluate(  # noqa: PLR0913, PLR0917 (each is what an option of the command line is)
    model: Model | Mapping[str, Model],
    data: Dataset | str | Path,
    protocol: str = "segformer",
    corruptions: Mapping[str, Sequence[int]] | None = None,
    views: str | View | Iterable[str | View] = ("whole",),
    preprocess: Input = None,
    classes: Classes = None,
    out: Path | str | None = None,
    limit: int | None = None,
    *,
    name: str | None = None,
    version: str = "",
    seeds: Sequence[int] = (0,),
    metrics: Sequence[str] | None = None,
    void: Literal["ignored", "counted"] = "ignored",
    device: str | None = None,
    precision: Literal["fp32", "bf16", "fp16"] = "fp32",
    workers: int = 0,
    batch: int | None = None,
    cache: Path | str | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    progress: bool | Listener = True,
) -> Results:
    """Measure a model on clean and on corrupted images; the store that this makes is `run`'s.

    model: a torch network that gives logits (B, classes, h, w), a Segmenter, or a source as on the command line; or
    several of them by name. data: as `open_dataset` returns it, a data set's name, NAME=FOLDER, or a folder with a
    dataset.yaml. corruptions: {name: severities}, in the place of the protocol's. views: names such as "whole" or
    "slide-1024-768". preprocess, classes, version: of a network, see `made_of`. out: the folder of the store,
    where an evaluation that was stopped resumes, and which several processes may share; without it the store is
    temporary, and lives as long as the results.
    limit: so many images, evenly spaced. name: of the model in results. seeds: a draw of each corruption for each.
    metrics: what is counted in addition to mIoU, by default all that ship. void: "counted" makes predictions on pixels
    without a label wrong, for the mIoU alone. device: of models that are loaded here, by
    default "cpu"; a network stays where it is. workers: processes that load images; with any, a script starts the call
    under `if __name__ == "__main__":`. batch: images that go through a model together; by default 1 on a CPU, and what
    fits into the memory of a GPU. cache: folder where decoded images are kept until the call ends, up to 90 % of its
    free disk; by default a temporary one, up to half of the free memory. engine: "ray" to measure on the nodes of a Ray
    cluster, at an address or, without one, on this machine alone; networks then stay on the CPU here, and are sent to
    the device there. progress: a bar in terminals and
    notebooks, or a listener of your own.

    Raises UsageError, DataError or StoreError for what can't be measured, before the first image; where all cells
    fail, the first cell's error. Where some fail, a warning names them, and so do the results.
    """
    limit = None if limit is None else whole("limit", limit, 1, ", or None for all images")
    batch = None if batch is None else whole("batch", batch, 1, ", or None")
    workers = whole("workers", workers, 0)
    seeds = [whole("each of seeds", seed, 0, most=LARGEST_SEED) for seed in listed_values("seeds", seeds, "[0, 1]")]
    different("seeds", seeds)
    given = listed_values("views", [views] if isinstance(views, str | View) else views, "['whole']")
    seen = different("views", [view_of(view) for view in given])
    if metrics is not None:
        metrics = different("metrics", listed_values("metrics", metrics, "['boundary']", least=0))
        for metric in metrics:
            one_of("each of metrics", metric, tuple(METRICS))
    store = None if out is None else folder_of("out", out)
    one_of("precision", precision, PRECISIONS)
    one_of("engine", engine, ENGINES)
    one_of("void", void, get_args(Void))
    corruptions = severities_of(corruptions)
    if corruptions is None:
        one_of("protocol", protocol, tuple(PROTOCOLS))
    dataset = opened(data)
    if name and isinstance(model, Mapping):
        raise UsageError(f"name {name!r}: several models have the names that they are given by")
    if isinstance(model, Mapping) and not model:
        raise UsageError("model must be one, or several by name, got none")
    models = dict(model) if isinstance(model, Mapping) else {name or default_name(model): model}
    for called in models if isinstance(model, Mapping) else filter(None, models):
        expect_name(called)
    handed = {called: one for called, one in models.items() if not isinstance(one, str | Path)}
    sources = [f"{called}={one}" if called else str(one) for called, one in models.items() if called not in handed]
    if sources and (preprocess is not None or classes is not None or version):
        raise UsageError("preprocess, classes and version are of a network that is handed over, not of a source")
    suite = with_options(
        suite_for(dataset.name, dataset.split, protocol, corruptions),
        views=seen,
        seeds=seeds,
        metrics=metrics,
        void=void,
    )
    made = partial(made_of, preprocess=preprocess, classes=classes, version=version)
    table = classes if isinstance(classes, Mapping) else None
    options = Options(
        dataset=dataset,
        models=tuple(sources),
        handed={called: Handed(partial(made, one, called), table) for called, one in handed.items()},
        device=(device or "cpu") if engine == "ray" else device_of(handed, device),
        precision=precision,
        workers=workers,
        batch=batch,
        limit=limit,
        cache=None if cache is None else folder_of("cache", cache),
        engine=engine,
        address=address,
        command=f"robustbench_seg.evaluate in {Path(sys.argv[0]).name or 'an interactive session'}",
    )
    recorder = Recorder()
    with ExitStack() as temporary:
        folder = store if store is not None else temporary.enter_context(private_folder()) / "store"
        with progress_for(progress) as listener, evaluating(list(handed.values())):
            failed = run(suite, folder, options, Listeners(listener, recorder))
        if failed and len(failed) == recorder.cells:
            raise recorder.errors[0]
        results = Results(folder, notes=recorder.notes, plan=recorder.plan)
        weakref.finalize(results, temporary.pop_all().close)
    if failed:
        slugs = listed([job.cell.slug for job in failed], FAILURES_SHOWN)
        warnings.warn(f"{counted(len(failed), 'cell')} failed: {slugs}; see results.failures", stacklevel=2)
    return results


class Recorder(Listener):
    """Keeps the plan, the notes and the errors of a run. cells: how many the plan has."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.cells = 0
        self.notes: list[str] = []
        self.errors: list[Exception] = []

    def noted(self, line: str) -> None:
        self.notes.append(" ".join(line.split()))

    def written(self, plan: Plan) -> None:
        self.plan = plan

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.cells = done + len(waiting)

    def finished(self, job: Job, error: Exception | None) -> None:
        if error is not None:
            self.errors.append(error)

    elsewhere = finished


def opened(data: Dataset | str | Path) -> Dataset:
    """Open data by its name, NAME=FOLDER, or a folder of a user's own. Raises UsageError for anything else."""
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | Path):
        raise UsageError(f"data must be a dataset, a name or a folder, got {type(data).__name__}")
    return open_dataset(data)


def default_name(model: object) -> str:
    """Name a network for results by its class; "" for a source, which names itself."""
    if isinstance(model, str | Path):
        return ""
    name = getattr(model, "name", None) or type(model).__name__
    return NOT_IN_NAMES.sub("-", str(name)).strip("-._")[:64] or "model"


def expect_name(name: object) -> None:
    """Raise UsageError for a name that can't be a part of a file's name."""
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        raise UsageError(f"model {name!r}: {NAMES}")


def device_of(handed: Mapping[str, object], device: str | None) -> str:
    """Where networks that were handed over lie; without any, the device that is asked for.

    Raises UsageError where that is another one, or they lie on several.
    """
    places = {name: str(place) for name, one in handed.items() if (place := place_of(one)) is not None}
    for name, place in places.items():
        if place != (target := device or next(iter(places.values()))):
            raise UsageError(f"model {name} lies on {place}, not on {target}; move it there")
    return next(iter(places.values()), device or "cpu")


def place_of(model: object) -> object:
    stated = getattr(model, "device", None)
    if not isinstance(model, nn.Module):
        return stated
    tensors = chain(nn.Module.parameters(model), model.buffers())  # of a Segmenter, `parameters` is their number
    return next((tensor.device for tensor in tensors), stated)
