"""From a suite and the command line to the list of jobs, keys and all; whatever is wrong shows here, before the run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from segformer.complexity import complexity

from .. import environment
from ..corruptions import ENGINE_VERSION, sources_of
from ..datasets import Dataset, open_dataset, spaced
from ..datasets.cityscapes import CLASS_NAMES
from ..datasets.first_pass import first_pass
from ..errors import DataError, UsageError
from ..models import load_model, look_up
from ..models.base import NetworkSegmenter, Segmenter
from ..store.cell import CLEAN, LatencyCell, QualityCell
from ..store.plan import Plan, PlannedCell
from ..store.record import Record, latency_key, quality_key
from ..suites import Suite, latency_cells, quality_cells, with_weights
from .devices import evaluation_threads, find_device
from .views import LEAST_SIDE

__all__ = ["Job", "Options", "describe_plan", "evaluation_threads", "find_device", "make_jobs", "open_data"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line adds to a suite. limit: use that many images, evenly spaced over the sorted ids."""

    data: dict[str, Path] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    workers: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Job:
    """One cell to run, the model for it, and its record but for the timings."""

    cell: QualityCell | LatencyCell
    model: Segmenter
    record: Record


def open_data(suite: Suite, options: Options) -> tuple[Dataset | None, tuple[str, ...]]:
    """Open the suite's data set and choose the images."""
    for name in options.data:
        if suite.dataset is None or name != suite.dataset.name:
            uses = suite.dataset.name if suite.dataset else "none"
            raise UsageError(f"--data {name}: suite {suite.name} does not use this dataset (it uses {uses})")
    if suite.dataset is None:
        return None, ()
    spec = suite.dataset
    dataset = open_dataset(spec.name, options.data.get(spec.name), split=spec.split, **(spec.model_extra or {}))
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
) -> list[Job]:
    """List all jobs of a suite with their keys, models loaded, images read once; see `first_pass` for `note`."""
    device = find_device(options.device)
    sources = {CLEAN: ""} | sources_of(suite.conditions, options.workers)
    specs = with_weights(suite, options.weights)
    class_names = dataset.class_names if dataset else CLASS_NAMES
    if options.precision != "fp32" and (fixed := [spec.name for spec in specs if look_up(spec.model).fp32_only]):
        raise UsageError(f"--precision {options.precision}: {fixed[0]} runs in fp32 alone")
    models = {spec.name: load_model(spec.model, class_names, spec.weights, device) for spec in specs}
    accelerator = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    about = environment.describe(accelerator)
    machine = f"{environment.machine_name(accelerator)}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    fingerprint = read_images(dataset, ids, suite, note) if dataset else ""

    def record(cell: QualityCell | LatencyCell, key: str, **fields: Any) -> Record:
        model = models[cell.model]
        threads = torch.get_num_threads() if isinstance(cell, LatencyCell) else evaluation_threads(device)
        threads = getattr(model, "threads", threads)  # onnxruntime keeps to those that it began with
        return Record(
            key=key,
            cell=cell,
            class_names=model.class_names,
            checkpoint_sha256=model.checkpoint_sha256,
            licence=model.licence,
            about=model.about,
            parameters=model.parameters,
            environment=about | {"threads": threads},
            timings={},
            **fields,
        )

    jobs = []
    for quality in quality_cells(suite, specs, options.precision):
        assert dataset is not None
        decides: dict[str, Any] = {
            "engine_version": ENGINE_VERSION,
            "fingerprint": fingerprint,
            "corruption_source": sources[quality.corruption],
        }
        model = models[quality.model]
        key = quality_key(quality, checkpoint_sha256=model.checkpoint_sha256, ids=ids, **decides)
        fields = {"images": len(ids), "of": dataset.total, "synthetic": dataset.synthetic}
        jobs.append(Job(quality, model, record(quality, key, kind="quality", **decides, **fields)))
    devices = {name: model.device.type for name, model in models.items()}
    for speed in latency_cells(suite, devices, len(class_names), options.precision):
        model = models[speed.model]
        key = latency_key(speed, checkpoint_sha256=model.checkpoint_sha256, machine=machine)
        macs = macs_of(model, (speed.height, speed.width))
        jobs.append(Job(speed, model, record(speed, key, kind="latency", machine=machine, macs=macs)))
    return jobs


def read_images(dataset: Dataset, ids: tuple[str, ...], suite: Suite, note: Callable[[str], None]) -> str:
    """Read the images once, those of the gallery too; return the fingerprint of those that count.

    Raises DataError for what is wrong with them, and for an image that is too small for a view.
    """
    found = [first_pass(dataset, ids, note)]
    if shown := set(suite.gallery) - set(ids):
        found.append(dataset.survey(sorted(shown)))
    for image_id, side in (one.smallest for one in found if one.smallest):
        for view in suite.views:
            if round(min(view.scales) * side) < LEAST_SIDE:
                raise DataError(
                    f"{dataset.describe(image_id)}: its shorter side of {side} pixels is below {LEAST_SIDE} in view "
                    f"{view}; leave the image or the view out"
                )
    return found[0].fingerprint


def macs_of(model: Segmenter, size: tuple[int, int]) -> int | None:
    """Count the multiply-accumulates of one image; None for a model that is not a torch network."""
    return complexity(model.network, size).macs if isinstance(model, NetworkSegmenter) else None


def describe_plan(suite: Suite, options: Options, jobs: list[Job], images: int) -> Plan:
    """Say what a run means to measure."""
    return Plan(
        suite=suite.name,
        description=suite.description,
        protocol=suite.protocol,
        conditions=tuple(suite.conditions.items()),
        precision=options.precision,
        images=images,
        gallery=suite.gallery,
        limits=suite.limits,
        views=tuple(map(str, suite.views)),
        cells=tuple(PlannedCell(kind=job.record.kind, slug=job.cell.slug, key=job.record.key) for job in jobs),
    )
