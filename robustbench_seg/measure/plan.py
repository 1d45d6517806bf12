"""From a suite and the command line to a plan with its keys, and its jobs; every fault shows here, before the run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from segformer.complexity import complexity

from .. import environment
from ..corruptions import ENGINE_VERSION, sources_of
from ..datasets import Dataset, open_split, own_blocks, spaced
from ..datasets.base import Survey
from ..datasets.cityscapes import CLASS_NAMES
from ..datasets.first_pass import expect_sound
from ..errors import UsageError
from ..metrics import own_metrics
from ..models import load_source, look_up
from ..models.base import NetworkSegmenter, Segmenter
from ..models.foreign import Foreign
from ..store.cell import CLEAN, LatencyCell, QualityCell
from ..store.plan import Plan
from ..store.record import Record
from ..suites import Suite, expand, with_weights
from .aligned import align_model, outputs_of
from .batchnorm import norms_of
from .devices import accelerator_of, evaluation_threads, find_device, loading_onto
from .engines.fitting import expect_fitting
from .image_sizes import read_images
from .shards import Shard

__all__ = ["Handed", "Job", "Options", "make_jobs", "open_data"]


@dataclass(frozen=True)
class Handed:
    """A model that a program hands over. make: gives it, with the classes of a data set unless it has its own. classes:
    see `alignment.align`.
    """

    make: Callable[[tuple[str, ...]], Segmenter]
    classes: Mapping[str, str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line, or a program, adds to a suite.

    limit: the number of images, evenly spaced over the sorted ids. dataset: the suite's, if it is open already. models:
    sources, as `--model` takes them. handed: the models that a program hands over, by name. command: the name of this
    run in its records, by default the command line. cache: see `decoded`; None for the folder of temporary files.
    batch: see `Screening`. engine: see `engines.open_engine`. address: of a Ray cluster; None for this machine alone.
    shard: the part of the plan that is measured; None for all of it.
    """

    data: dict[str, Path] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    device: str = "cpu"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    workers: int = 0
    batch: int | None = None
    limit: int | None = None
    shard: Shard | None = None
    cache: Path | None = None
    dataset: Dataset | None = None
    handed: Mapping[str, Handed] = field(default_factory=dict)
    command: str = ""
    engine: Literal["local", "ray"] = "local"
    address: str | None = None


@dataclass(frozen=True)
class Job:
    """One cell to run: its record without timings, and the model for it."""

    record: Record
    model: Segmenter

    @property
    def cell(self) -> QualityCell | LatencyCell:
        """The cell itself."""
        return self.record.cell


def open_data(suite: Suite, options: Options) -> tuple[Dataset | None, tuple[str, ...]]:
    """Open the suite's data set and choose the images.

    Raises UsageError for a data set or a gallery that is not the suite's, DataError as `expect_sound` does.
    """
    for name in options.data:
        if suite.dataset is None or name not in suite.dataset.names:
            uses = suite.dataset.name if suite.dataset else "none"
            raise UsageError(f"--data {name}: suite {suite.name} does not use this dataset (it uses {uses})")
    if suite.dataset is None:
        return None, ()
    spec = suite.dataset
    dataset = options.dataset or open_split(spec.name, spec.split, options.data, **(spec.model_extra or {}))
    expect_sound(dataset)
    for image_id in suite.gallery:
        if image_id not in dataset.ids:
            raise UsageError(f"suite {suite.name}: gallery image {image_id!r} is not in {spec.name} {spec.split}")
    return dataset, spaced(dataset.ids, options.limit)


def make_jobs(
    suite: Suite,
    options: Options,
    dataset: Dataset | None,
    ids: tuple[str, ...],
    note: Callable[[str], None] = lambda line: None,
) -> tuple[Plan, list[Job]]:
    """Load the models and read the images once; return the suite's plan with its keys, and a job for each of its cells.

    note: see `first_pass`.
    """
    expect_fitting(options.engine, options.workers or None, options.address)
    device = find_device(loading_device(suite, options))
    sources = {CLEAN: ""} | sources_of(suite.conditions, options.workers)
    models_given = suite.models or options.weights or options.models or not options.handed
    specs = with_weights(suite, options.weights, options.models) if models_given else ()
    if twice := [one.name for one in specs if one.name in options.handed]:
        raise UsageError(f"model names must differ, got {twice[0]} twice")
    class_names = dataset.class_names if dataset else CLASS_NAMES
    if options.precision != "fp32" and (fixed := [spec.name for spec in specs if look_up(spec.model).fp32_only]):
        raise UsageError(f"--precision {options.precision}: {fixed[0]} runs only in fp32")
    with loading_onto(device):
        models = {spec.name: load_source(spec.source, spec.name, class_names, device) for spec in specs}
        models |= {name: one.make(class_names) for name, one in options.handed.items()}
        accelerator, kernels = accelerator_of(device)
    tables = {one.name: one.table for one in specs} | {name: one.classes for name, one in options.handed.items()}
    alignments = {name: align_model(model, class_names, tables[name]) for name, model in models.items() if dataset}
    for name, alignment in alignments.items():
        for line in alignment.notes(name, dataset.name if dataset else ""):
            note(line)
    if any(view.batchnorm for view in suite.measured_views) and dataset:
        for model in models.values():
            norms_of(model)  # refuses those that have none
    devices = {name: model.device.type for name, model in models.items()}
    outputs = {name: outputs_of(model) for name, model in models.items()}
    plan = expand(suite, devices, precision=options.precision, num_classes=outputs, images=len(ids))
    about = environment.describe(accelerator, kernels)
    if kernels is False:
        note("Triton's kernels can't run on this GPU (they need a C compiler): PyTorch's operations count, more slowly")
    about |= {"command": options.command} if options.command else {}
    machine = f"{environment.machine_name(accelerator)}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    survey = read_images(dataset, ids, suite, models.values(), note) if dataset else Survey("")
    plan = replace(plan, cautions=tuple(f"{line}." for line in survey.cautions))
    metrics = own_metrics(suite.metrics, len(class_names))
    blocks = own_blocks(dataset, ids) if dataset else ()

    def job(cell: QualityCell | LatencyCell) -> Job:
        model = models[cell.model]
        if isinstance(cell, LatencyCell):
            threads = torch.get_num_threads()
            own: dict[str, Any] = {"machine": machine, "macs": macs_of(model, (cell.height, cell.width))}
        else:
            assert dataset is not None
            threads = evaluation_threads(device)
            own = {
                "engine_version": ENGINE_VERSION,
                "corruption_source": sources[cell.corruption],
                "own_metrics": metrics,
                "fingerprint": survey.fingerprint,
                "images": len(ids),
                "of": int(dataset.total),
                "synthetic": dataset.synthetic,
                "block_pattern": dataset.block_pattern,
                "own_blocks": blocks,
                "alignment": alignments[cell.model].pairs,
            }
        record = Record(
            kind=cell.kind,
            key="",
            cell=cell,
            class_names=model.class_names,
            checkpoint_sha256=model.checkpoint_sha256,
            licence=model.licence,
            about=model.about,
            parameters=model.parameters,
            # onnxruntime keeps to the number of threads that it began with
            environment=about | {"threads": getattr(model, "threads", threads)},
            timings={},
            **own,
        )
        return Job(replace(record, key=record.expected_key(ids)), model)

    jobs = [job(cell) for cell in plan.to_measure()]
    return plan.with_keys(job.record.key for job in jobs), jobs


def loading_device(suite: Suite, options: Options) -> str:
    """Where a plan's models are loaded: on the CPU if others measure with them, as the actors of Ray do."""
    return "cpu" if options.engine == "ray" and suite.latency is None else options.device


def macs_of(model: Segmenter, size: tuple[int, int]) -> int | None:
    """Count the multiply-accumulates of one image; None for a model that is not a torch network, or not countable."""
    if not isinstance(model, NetworkSegmenter):
        return None
    try:
        return complexity(model.network, size).macs
    except Exception:  # a network of others may not run without numbers, or not at this size: then its cell reports it
        if isinstance(model.network, Foreign):
            return None
        raise
