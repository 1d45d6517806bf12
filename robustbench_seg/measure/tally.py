"""What one model gives for the images that it is shown: counts, seconds, and the error that took it out."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..datasets.base import IGNORE, Dataset, LabelMap, Sample
from ..errors import clear_locals
from ..metrics import ImageCounts, Prediction, counted_metrics
from ..models.base import Segmenter
from ..store.cell import Setting
from .batch import Batch, to_host
from .counting import COUNTERS, Maps, columns_of, count_maps
from .devices import Stopwatch, fitting_batch, torch_threads
from .prepare import add_image_name
from .views import not_finite, predict, rated_prediction

__all__ = ["MOST", "Seen", "Tally", "as_tensor"]

COUNTED_THERE = ("cuda",)  # the devices on which our metrics are counted; on a CPU their own code is faster
IN_FLIGHT = 3  # batches that a GPU may have before the first of them is waited for
MOST = 16  # images of a batch on a GPU, where the user chooses no number

Seen = Callable[["Tally", Sample, LabelMap | None], None]


@dataclass(frozen=True, eq=False)
class Flight:
    """Images that a device is at work on. results: by name, each (B, ...), there when `watch` has stopped."""

    samples: tuple[Sample, ...]
    results: dict[str, torch.Tensor]
    watch: Stopwatch


class Tally:
    """A model in a setting, and the counts of each image that it has seen.

    threads: of torch while the model is at work; None for what it has. error: what took it out, and on_error is called
    with it: nothing is shown to the model after that. waiting_s: its share of the waiting for images. most: how many
    images it takes at a time; None until the memory of its GPU has decided. Raises UsageError for an unknown metric.
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
        there = model.device.type in COUNTED_THERE
        self.counted_there = [metric.name for metric in self.metrics if there and metric.name in COUNTERS]
        self.most: int | None = None
        self.rows: dict[str, ImageCounts] = {}
        self.flights: deque[Flight] = deque()
        self.error: Exception | None = None
        self.own_s = self.model_s = self.waiting_s = 0.0

    @property
    def timings(self) -> dict[str, float]:
        """Seconds for the record: in total, of waiting for images, and from images to classes.

        Models that are shown the same images wait together, and each has an equal share. The total is this share and
        the time in which this process was busy with the model, so the totals of a sweep add up to its duration. On a
        GPU, the seconds from images to classes are the device's, the counts included, and the total has what this
        process waited for it, as well for other models that were before this one.
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
        """Take it out. The error is kept, and no tensor with it: their memory is for the other models."""
        clear_locals(error)
        self.error = error
        self.flights.clear()
        self.on_error(error)

    def add(self, dataset: Dataset, batch: Batch, pictured: Collection[str], seen: Seen) -> None:
        """Show the model a batch, and count it: at once on a CPU, on a GPU when it is there.

        pictured: ids whose label maps are wanted. seen: called with each sample when it is counted, and its predicted
        label map where that is on a CPU or wanted. An error names the image.
        """
        if self.most is None and self.model.device.type == "cuda" and len(batch) > 1:
            with fitting_batch(self.model.device, MOST) as fitting:
                self.launch(dataset, Batch(batch.samples[:1]), pictured)
            (self.most,) = fitting
            batch = Batch(batch.samples[1:])
        for part in batch.parts(self.most or len(batch)):
            self.launch(dataset, part, pictured)
            self.settle(dataset, seen, IN_FLIGHT if self.model.device.type == "cuda" else 0)

    def settle(self, dataset: Dataset, seen: Seen, left: int = 0) -> None:
        """Wait for flights until so many are left, and count them."""
        while len(self.flights) > left:
            self.land(dataset, self.flights.popleft(), seen)

    def launch(self, dataset: Dataset, batch: Batch, pictured: Collection[str]) -> None:
        """Put a batch through the model; one that raises is halved, until one image has the fault or all pass.

        If all pass, its size was the fault, such as of memory or of a map with too many values: next ones are smaller.
        """
        try:
            with add_image_name(dataset, batch.samples[0].image_id):
                self.flights.append(self.flight(batch, pictured))
        except Exception:
            if len(batch) == 1:
                raise
        else:
            return
        self.most = -(-len(batch) // 2)
        for part in batch.parts(self.most):
            self.launch(dataset, part, pictured)

    @torch.inference_mode()
    def flight(self, batch: Batch, pictured: Collection[str]) -> Flight:
        """Put a batch through the model, without waiting for a GPU."""
        images, labels = batch.on(self.model.device)
        watch = Stopwatch(self.model.device)
        maps, finite = self.predict(images.clone(), labels)  # a model may write on its input
        results = {"finite": torch.stack(finite).all(dim=0)}
        if self.counted_there:
            results["counts"] = count_maps(maps, self.counted_there)
        if len(self.counted_there) < len(self.metrics):
            fields = ("classes", "confidence", "log_likelihood")
            results |= {name: getattr(maps, name) for name in fields if getattr(maps, name) is not None}
        elif any(sample.image_id in pictured for sample in batch.samples):
            results["classes"] = maps.classes
        results = {name: to_host(values) for name, values in results.items()}
        watch.stop()
        return Flight(batch.samples, results, watch)

    def predict(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Maps, list[torch.Tensor]]:
        """Give classes, with the confidence if a metric needs it, and whether all logits were finite."""
        finite: list[torch.Tensor] = []
        view, precision, void = self.setting.view, self.setting.precision, self.setting.void
        if not self.rated:
            size = (labels.shape[1], labels.shape[2])
            classes = predict(self.model, images, view, size, precision, finite)
            return Maps(classes.to(torch.uint8), labels, void=void), finite
        rated = rated_prediction(self.model, images, view, labels, precision, finite)
        return Maps(rated.classes.to(torch.uint8), labels, rated.confidence, rated.log_likelihood, void), finite

    def land(self, dataset: Dataset, flight: Flight, seen: Seen) -> None:
        """Count the images of a flight."""
        self.model_s += flight.watch.seconds()
        results = {name: values.numpy() for name, values in flight.results.items()}
        for place, sample in enumerate(flight.samples):
            own = {name: values[place] for name, values in results.items()}
            with add_image_name(dataset, sample.image_id):
                if not own["finite"]:
                    raise not_finite(self.model)
                self.rows[sample.image_id] = self.count(sample, own)
            seen(self, sample, own.get("classes"))

    def count(self, sample: Sample, results: dict[str, NDArray[Any]]) -> ImageCounts:
        """Make the columns of all metrics, of counts from a device and of maps."""
        label, classes = sample.label, len(self.model.class_names)
        there = columns_of(results["counts"], self.counted_there, classes) if self.counted_there else {}
        maps = {name: results.get(name) for name in ("confidence", "log_likelihood")}
        counts: dict[str, Any] = {}
        prediction = None
        for metric in self.metrics:
            if metric.name in self.counted_there:
                counts |= {column: there[column] for column in metric.columns}
                continue
            prediction = prediction or Prediction(
                results["classes"], label, classes, IGNORE, **maps, void=self.setting.void
            )
            counts |= metric.count_image(prediction)
        return ImageCounts(image_id=sample.image_id, height=label.shape[0], width=label.shape[1], counts=counts)


def as_tensor(values: NDArray[np.uint8]) -> torch.Tensor:
    """Take an array as a tensor: it is the same memory where it is contiguous."""
    return torch.from_numpy(np.ascontiguousarray(values))
