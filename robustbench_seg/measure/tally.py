"""What one model gives for the images that it is shown: counts, seconds, and the error that took it out."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..datasets.base import IGNORE, Dataset, LabelMap, Sample
from ..metrics import ImageCounts, Metric, Prediction, counted_metrics
from ..models.base import Segmenter
from ..store.cell import Setting, Void
from .devices import torch_threads
from .prepare import add_image_name
from .rating import Rated
from .views import predict, rated_prediction

__all__ = ["Tally", "as_tensor"]


class Tally:
    """A model in a setting, and the counts of each image that it has seen, in their order.

    threads: of torch while the model is at work; None for what it has. error: what took it out, and on_error is called
    with it: nothing is shown to the model after that. waiting_s: its share of the waiting for images. Raises UsageError
    for an unknown metric.
    """

    def __init__(
        self,
        model: Segmenter,
        setting: Setting,
        threads: int | None = None,
        on_error: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self.model, self.setting, self.threads, self.on_error = model, setting, threads, on_error
        self.metrics = counted_metrics(setting.metrics)
        self.rated = any(metric.probabilities for metric in self.metrics)
        self.rows: list[ImageCounts] = []
        self.error: Exception | None = None
        self.own_s = self.model_s = self.waiting_s = 0.0

    @property
    def timings(self) -> dict[str, float]:
        """Seconds for the record: in total, of waiting for images, and from images to classes.

        Models that are shown the same images wait together, and each has an equal share. The total is this share and
        what the model needs itself, so the totals of a sweep add up to its duration.
        """
        return {"total_s": self.own_s + self.waiting_s, "waiting_s": self.waiting_s, "model_s": self.model_s}

    @contextmanager
    def own_time(self) -> Iterator[None]:
        """Hold a block of work for this model alone, with its threads; it fails with what the block raises."""
        begin = time.perf_counter()
        try:
            with torch_threads(self.threads):
                yield
        except Exception as error:
            self.fail(error)
        self.own_s += time.perf_counter() - begin

    def fail(self, error: Exception) -> None:
        """Take it out."""
        self.error = error
        self.on_error(error)

    def add(self, dataset: Dataset, sample: Sample) -> LabelMap:
        """Show the model an image and count it; return the predicted label map. An error names the image."""
        begin = time.perf_counter()
        image, label = as_tensor(sample.image).clone(), as_tensor(sample.label)  # a model may write on its input
        rated, view, precision = None, self.setting.view, self.setting.precision
        with add_image_name(dataset, sample.image_id):
            if self.rated:
                rated = rated_prediction(self.model, image, view, label, precision)
                classes = rated.classes
            else:
                classes = predict(self.model, image, view, (label.shape[0], label.shape[1]), precision)
            prediction = classes.cpu().numpy().astype(np.uint8)
            self.model_s += time.perf_counter() - begin
            num_classes = len(self.model.class_names)
            self.rows.append(count(sample, prediction, rated, num_classes, self.metrics, self.setting.void))
        return prediction


def as_tensor(values: NDArray[np.uint8]) -> torch.Tensor:
    """Take an array as a tensor: it is the same memory where it is contiguous."""
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
