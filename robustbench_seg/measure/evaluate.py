"""Measure one quality cell: load, corrupt, predict and count each image."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..datasets.base import IGNORE, Dataset, LabelMap, Sample, spaced
from ..metrics import ImageCounts, Metric, Prediction, counted_metrics
from ..models.base import Segmenter
from ..store.cell import Setting, Void
from .batchnorm import reestimated
from .prepare import add_image_name, prepare_under
from .rating import Rated
from .views import predict, rated_prediction
from .workers import Loader

__all__ = ["evaluate"]

PLAIN = Setting()


def evaluate(
    model: Segmenter,
    dataset: Dataset,
    ids: Sequence[str],
    loader: Loader,
    setting: Setting = PLAIN,
    on_image: Callable[[Sample, LabelMap], None] = lambda sample, prediction: None,
    others: Sequence[str] = (),
) -> tuple[list[ImageCounts], dict[str, float]]:
    """Evaluate a model on images of a data set, at the native size of each label.

    on_image is called with each corrupted sample and its predicted label map. others: images that it sees after those,
    and that are not counted. In a view that re-estimates the statistics of BatchNorm, this happens first, on images
    evenly spaced over ids. Returns the counts of each image, in the order of ids, and the seconds in total, of waiting
    for images, and in the model. An error names its image. Raises UsageError for an unknown metric, and as
    `reestimated`.
    """
    rows: list[ImageCounts] = []
    metrics = counted_metrics(setting.metrics)
    probabilities = any(metric.probabilities for metric in metrics)
    timings = {"total_s": 0.0, "waiting_s": 0.0, "model_s": 0.0}
    begin = before = time.perf_counter()
    prepare = prepare_under(setting.condition, dataset)
    with statistics_for(model, loader.map(prepare, spaced(ids, setting.view.batchnorm)), setting):
        for sample in loader.map(prepare, (*ids, *others)):
            loaded = time.perf_counter()
            image, label = as_tensor(sample.image), as_tensor(sample.label)
            rated = None
            with add_image_name(dataset, sample.image_id):
                if probabilities:
                    rated = rated_prediction(model, image, setting.view, label, setting.precision)
                    classes = rated.classes
                else:
                    classes = predict(model, image, setting.view, (label.shape[0], label.shape[1]), setting.precision)
                prediction = classes.cpu().numpy().astype(np.uint8)
                predicted = time.perf_counter()
                rows.append(count(sample, prediction, rated, len(model.class_names), metrics, setting.void))
            on_image(sample, prediction)
            timings["waiting_s"] += loaded - before
            timings["model_s"] += predicted - loaded
            before = time.perf_counter()
    timings["total_s"] = before - begin
    return rows[: len(ids)], timings


def statistics_for(model: Segmenter, samples: Iterable[Sample], setting: Setting) -> AbstractContextManager[None]:
    """Hold a block to the statistics that a view asks for. samples: read only where they are re-estimated on them."""
    if setting.view.batchnorm is None:
        return nullcontext()
    images = (as_tensor(sample.image) for sample in samples)
    return reestimated(model, setting.view, images, setting.precision)


def as_tensor(values: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


def count(
    sample: Sample, classes: LabelMap, rated: Rated | None, num_classes: int, metrics: Sequence[Metric], void: Void
) -> ImageCounts:
    """Count one image. rated: given if a metric needs probabilities. void: the rule for pixels without a label."""
    label = sample.label
    probabilities: dict[str, Any] = {}
    if rated is not None:
        probabilities = {name: getattr(rated, name).cpu().numpy() for name in ("confidence", "log_likelihood")}
    prediction = Prediction(classes, label, num_classes, IGNORE, **probabilities, void=void)
    counts: dict[str, Any] = {}
    for metric in metrics:
        counts |= metric.count_image(prediction)
    return ImageCounts(image_id=sample.image_id, height=label.shape[0], width=label.shape[1], counts=counts)
