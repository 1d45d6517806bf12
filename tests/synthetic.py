"""A store with scores that a test chooses, written as a run would have: some arms, conditions, views and images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from robustbench_seg.metrics import ImageCounts
from robustbench_seg.metrics.calibration import BINS
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Plan, PlannedCell
from robustbench_seg.store.record import Record, quality_key
from robustbench_seg.store.view import View

CLASSES = ("road", "building", "sky", "tree", "car")
HEIGHT, WIDTH = 360, 480
ENVIRONMENT = {
    "command": "robustbench-seg run synthetic", "commit": None, "robustbench_seg": "0", "python": "3",
    "machine": "none", "packages": {},
}  # fmt: skip

Accuracy = Callable[
    [str, str, int, View], float
]  # (model, corruption, severity, view) ─▶ share of pixels that is right


def write_synthetic(
    folder: Path,
    accuracy: Accuracy,
    *,
    models: Sequence[str],
    conditions: Mapping[str, Sequence[int]],
    views: Sequence[View] = (View(),),
    images: int = 40,
    **fields: Any,
) -> None:
    """Write cells and plan.

    fields: suite, protocol, dataset, split, fingerprint, precision, about, seed; draw, the seed of the corruptions;
    parameters, by model; sha256 of all models; ids of the images; skip, patterns of slugs left out.
    """
    rng = np.random.default_rng(fields.get("seed", 0))
    shares = rng.dirichlet(np.full(len(CLASSES), 2.0), images)
    hardness = rng.normal(0, 0.04, (images, len(CLASSES)))
    ids = fields.get("ids", [f"image_{k:04d}" for k in range(images)])
    cells, parameters, fingerprint = [], fields.get("parameters", {}), fields.get("fingerprint", "f")
    for model in models:
        sha256 = fields.get("sha256", f"{sum(map(ord, model)):064x}")
        for view in views:
            for corruption, severity in [("clean", 0), *((c, s) for c, some in conditions.items() for s in some)]:
                cell = QualityCell(
                    model=model, dataset=fields.get("dataset", "toy"), split=fields.get("split", "test"),
                    corruption=corruption, severity=severity, view=view, seed=fields.get("draw", 0),
                    precision=fields.get("precision", "fp32"), metrics=("boundary", "calibration", "likelihood"),
                )  # fmt: skip
                key = quality_key(cell, engine_version=2, checkpoint_sha256=sha256, fingerprint=fingerprint, ids=ids)
                cells.append(PlannedCell(kind="quality", slug=cell.slug, key=key))
                if any(fnmatch(cell.slug, pattern) for pattern in fields.get("skip", ())):
                    continue
                record = Record(
                    kind="quality", key=key, cell=cell, class_names=CLASSES, checkpoint_sha256=sha256,
                    licence="CC0-1.0", about=fields.get("about", "drawn numbers"),
                    parameters=parameters.get(model, 3_700_000), environment=ENVIRONMENT, timings={},
                    engine_version=2, fingerprint=fingerprint, images=images, of=images,
                )  # fmt: skip
                own = np.random.default_rng([sum(map(ord, cell.slug))])
                right = accuracy(model, corruption, severity, view) + hardness + own.normal(0, 0.06, hardness.shape)
                Store(folder).write_quality(image_counts(ids, shares, right), record)
    plan = Plan(
        suite=fields.get("suite", "synthetic"),
        description="drawn numbers",
        protocol=fields.get("protocol", "drawn" if conditions else "clean"),
        conditions=tuple((name, tuple(severities)) for name, severities in conditions.items()),
        precision="fp32",
        images=images,
        gallery=(),
        views=tuple(map(str, views)),
        cells=tuple(cells),
    )
    Store(folder).write_plan(plan)


def change_plan(folder: Path, **changes: Any) -> None:
    """Put another plan, such as another program's, in the place of each one of a store."""
    store = Store(folder)
    plans = store.plans()
    for path in (folder / "plans").glob("*.json"):
        path.unlink()
    for plan in plans:
        store.write_plan(replace(plan, **changes))


def image_counts(ids: Sequence[str], shares: np.ndarray, right: np.ndarray) -> list[ImageCounts]:
    """Split images among classes; what is not right in a class is given to the next one.

    shares, right: (images, classes), of an image's pixels and of a class's pixels.
    """
    labelled = np.floor(shares * HEIGHT * WIDTH).astype(np.int64)
    intersection = np.round(labelled * np.clip(right, 0, 1)).astype(np.int64)
    predicted = intersection + np.roll(labelled - intersection, 1, axis=1)
    pixels, correct = np.zeros((2, len(ids), BINS), np.int64)
    pixels[:, -1] = labelled.sum(axis=1)
    correct[:, -1] = intersection.sum(axis=1)
    counts = {
        "intersection": intersection,
        "predicted": predicted,
        "labelled": labelled,
        "boundary_intersection": intersection // 20,
        "boundary_predicted": predicted // 10,
        "boundary_labelled": labelled // 10,
        "calibration_pixels": pixels,
        "calibration_correct": correct,
        "calibration_confidence": np.round(pixels * 0.95 * 2**20).astype(np.int64),
        "negative_log_likelihood": (
            (labelled.sum(axis=1) + 3 * (labelled - intersection).sum(axis=1)) * 0.4 * 2**20
        ).astype(np.int64),
    }
    rows = ({name: values[k] for name, values in counts.items()} for k in range(len(ids)))
    return [
        ImageCounts(image_id=name, height=HEIGHT, width=WIDTH, counts=row) for name, row in zip(ids, rows, strict=True)
    ]
