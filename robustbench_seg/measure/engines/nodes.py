"""What runs on the nodes of a Ray cluster: tasks that load and corrupt an image, and actors that hold the models.

An error of an image or of a model is a value here, and is raised where the local engine raises it.
"""

import os
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...datasets.base import Dataset, LabelMap, Sample
from ...datasets.wrapper import Wrapper
from ...store.cell import Condition, Setting
from ..answering import portable
from ..prepare import CorruptedSample, prepare
from ..workers import InWorkerError, Loader
from .parcel import Parcel

if TYPE_CHECKING:
    import torch

    from ...metrics import ImageCounts, Metric
    from ...models.base import Segmenter
    from ..tally import Tally

__all__ = ["Answer", "Fault", "Models", "Order", "Portion", "prepare_there"]

Make = Callable[["torch.device"], "Segmenter"]  # a model, on a device


@dataclass(frozen=True)
class Fault:
    """An exception and its traceback in words, on the way to another process."""

    error: Exception
    trace: str

    @classmethod
    def of(cls, error: Exception) -> "Fault":
        """Take an exception that was handled here; one that came from another process keeps its traceback there."""
        cause = error.__cause__
        trace = str(cause) if isinstance(cause, InWorkerError) else "".join(traceback.format_exception(error))
        return cls(portable(error), trace)

    def exception(self) -> Exception:
        """Give the exception as if it were raised here, with the traceback as its cause."""
        try:
            raise self.error from InWorkerError(self.trace)
        except Exception as error:
            return error


@dataclass(frozen=True)
class Order:
    """A job as a node needs it. make: a reference to the parcel that makes its model. threads: of torch."""

    model: str
    make: Any
    setting: Setting
    threads: int | None


@dataclass(frozen=True)
class Portion:
    """Images that are shown together: see `Screening`."""

    condition: Condition
    ids: tuple[str, ...]
    others: tuple[str, ...]
    pictured: frozenset[str]
    batch: int | None


@dataclass(frozen=True)
class Answer:
    """What a portion gave for an order. pictures: predictions of the pictured images, by id."""

    rows: "Mapping[str, ImageCounts]" = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, LabelMap] = field(default_factory=dict)
    fault: Fault | None = None


def prepare_there(parcel: Parcel, image_id: str, sample: Sample | None = None) -> Sample | Fault:
    """Load and corrupt an image, on one thread. parcel: of the dataset, the condition and its corruption. sample: the
    loaded image, where the run has sent it.
    """
    import cv2

    cv2.setNumThreads(1)
    try:
        dataset, condition, entry = parcel.open()
        return prepare(dataset if sample is None else Sent(dataset, sample), condition, image_id, entry)
    except Exception as error:
        return Fault.of(error)


class Sent(Wrapper):
    """A data set with a sample that was loaded elsewhere."""

    def __init__(self, dataset: Dataset, sample: Sample) -> None:
        super().__init__(dataset)
        self.sample = sample

    def load(self, image_id: str) -> Sample:
        return self.sample


class Delivered(Loader):
    """A loader of samples that are here already, or of the faults in their places."""

    def __init__(self, samples: Iterable[tuple[str, Sample | Fault]]) -> None:
        super().__init__(workers=0)
        self.samples = dict(samples)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield the sample of each id. An exception is raised in the place of its sample."""
        for item in items:
            sample = self.samples[item]
            if isinstance(sample, Fault):
                raise sample.exception()
            yield sample


class Models:
    """An actor with the models of a run. dataset: a parcel. metrics: a parcel of a user's own, by name."""

    def __init__(self, device: str, dataset: Parcel, metrics: Parcel) -> None:
        self.device, self.parcels = device, (dataset, metrics)
        self.models: dict[str, Segmenter] = {}
        self.fitting: dict[tuple[str, object, str], int] = {}  # images that fit, by model, view and precision

    def begin(self) -> tuple[int, dict[str, Any]]:
        """Read what was sent; return the process and its environment, as a record has it."""
        self.dataset, metrics = (parcel.open() for parcel in self.parcels)
        register(metrics)
        import torch

        from ... import environment
        from ..devices import accelerator_of

        return os.getpid(), environment.describe_process(*accelerator_of(torch.device(self.device)))

    def show(
        self, portion: Portion, orders: Sequence[Order], *samples: Sample | Fault
    ) -> tuple[dict[str, float], list[Answer]]:
        """Show images to models. Return the differences of corrupted images by id, and an answer to each order."""
        from ..evaluate import Screening, show
        from ..tally import Tally

        ids = (*portion.ids, *portion.others)
        loader = Delivered(zip(ids, samples, strict=True))
        answers: dict[int, Answer] = {}
        tallies: dict[Tally, int] = {}
        for place, order in enumerate(orders):
            try:
                tally = Tally(self.model(order), order.setting, order.threads)
            except Exception as error:
                answers[place] = Answer(fault=Fault.of(error))
                continue
            tally.most = self.fitting.get((order.model, order.setting.view, order.setting.precision))
            tallies[tally] = place
        pictures: dict[int, dict[str, LabelMap]] = {place: {} for place in tallies.values()}

        def seen(tally: "Tally", sample: Sample, prediction: LabelMap | None) -> None:
            if sample.image_id in portion.pictured and prediction is not None:
                pictures[tallies[tally]][sample.image_id] = prediction

        screening = Screening(self.dataset, portion.ids, loader, portion.batch, portion.others, portion.pictured)
        show(list(tallies), portion.condition, screening, seen)
        for tally, place in tallies.items():
            if tally.most is not None:
                self.fitting[orders[place].model, tally.setting.view, tally.setting.precision] = tally.most
            fault = None if tally.error is None else Fault.of(tally.error)
            answers[place] = Answer(tally.rows, tally.timings, pictures[place], fault)
        differences = {each.image_id: each.difference for each in samples if isinstance(each, CorruptedSample)}
        return differences, [answers[place] for place in range(len(orders))]

    def model(self, order: Order) -> "Segmenter":
        """Take a model, or make it. Raises what its source raises."""
        if order.model not in self.models:
            import ray
            import torch

            make: Make = ray.get(order.make).open()
            self.models[order.model] = make(torch.device(self.device))
        return self.models[order.model]


def register(metrics: "Mapping[str, Metric]") -> None:
    """Make a user's own metrics known in this process, unless reading them has done so."""
    from ...metrics import METRICS

    for name, metric in metrics.items():
        if name not in METRICS:
            METRICS[name] = metric
