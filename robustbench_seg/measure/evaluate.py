"""Show the images of a condition to one model or to several, and count what each of them gives."""

import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from ..datasets.base import Dataset, LabelMap, Sample, spaced
from ..metrics import ImageCounts
from ..models.base import Segmenter
from ..store.cell import Condition, Setting
from .batch import batches
from .batchnorm import reestimated
from .devices import memory_kept
from .prepare import prepare_under
from .tally import MOST, Seen, Tally, as_tensor
from .workers import Loader

__all__ = ["Screening", "evaluate", "launch", "load", "settle", "show"]

PLAIN = Setting()


def unwatched(tally: Tally, sample: Sample, prediction: LabelMap | None) -> None:
    """Who sees a sample, and does nothing."""


def evaluate(
    model: Segmenter,
    dataset: Dataset,
    ids: Sequence[str],
    loader: Loader,
    setting: Setting = PLAIN,
    batch: int | None = None,
) -> tuple[list[ImageCounts], dict[str, float]]:
    """Evaluate a model on images of a data set, at the native size of each label.

    In a view that re-estimates the statistics of BatchNorm, this happens first, on images evenly spaced over ids.
    batch: see `Screening`. Returns the counts of each image, in the order of ids, and seconds: see `Tally.timings`. An
    error names its image. Raises UsageError for an unknown metric, and as `reestimated`.
    """
    tally = Tally(model, setting)
    show([tally], setting.condition, Screening(dataset, ids, loader, batch))
    if tally.error is not None:
        raise tally.error
    return [tally.rows[image_id] for image_id in ids], tally.timings


@dataclass(frozen=True)
class Screening:
    """The images that are shown, and how. others: images that are shown after `ids`, and from which no statistics of
    BatchNorm are re-estimated. pictured: ids whose label maps are wanted. batch: images of one size that go through a
    model together; None for 1 on a CPU, and on a GPU for what fits into its memory.
    """

    dataset: Dataset
    ids: Sequence[str]
    loader: Loader
    batch: int | None = None
    others: Sequence[str] = ()
    pictured: Collection[str] = ()


def show(tallies: Sequence[Tally], condition: Condition, screening: Screening, seen: Seen = unwatched) -> None:
    """Load and corrupt images of a data set once, and show each to all tallies.

    A tally that raises drops out, and keeps its error; where images can't be loaded, all do. seen: see `Tally.add`; it
    is called in the time of the tally. Where a view re-estimates the statistics of BatchNorm, the model is to be in no
    other tally: all that is shown to it meets these statistics.
    """
    launch(tallies, condition, screening, load(condition, screening), seen)
    settle(tallies, screening, seen)


def load(condition: Condition, screening: Screening) -> Generator[Sample, None, None]:
    """Load and corrupt the images; worker processes begin at once."""
    ids = (*screening.ids, *screening.others)
    return screening.loader.map(prepare_under(condition, screening.dataset), ids)


def settle(tallies: Sequence[Tally], screening: Screening, seen: Seen = unwatched) -> None:
    """Wait for what GPUs are still at work on, and count it."""
    for tally in tallies:
        if tally.error is None:
            with tally.own_time():
                tally.settle(screening.dataset, seen)


def launch(
    tallies: Sequence[Tally],
    condition: Condition,
    screening: Screening,
    samples: Generator[Sample, None, None],
    seen: Seen = unwatched,
    after: Callable[[int, int], None] = lambda number, left: None,
) -> None:
    """Do as `show` does with the samples of `load`, which it closes; but leave the last batches of GPUs for `settle`.

    after: called with the number of batches that were shown, 1 or more, and of images that were not, while GPUs are at
    work on the last batches.
    """
    dataset, ids = screening.dataset, screening.ids
    on_gpu = any(tally.model.device.type == "cuda" for tally in tallies)
    size = screening.batch or (MOST if on_gpu else 1)
    with memory_kept(), closing(samples), ExitStack() as statistics:
        for tally in tallies:
            view = tally.setting.view
            if tally.most is None:
                tally.most = screening.batch or (None if tally.model.device.type == "cuda" else 1)
            if view.batchnorm is not None:
                with tally.own_time():
                    some = screening.loader.map(prepare_under(condition, dataset), spaced(ids, view.batchnorm))
                    images = (as_tensor(sample.image) for sample in some)
                    statistics.enter_context(reestimated(tally.model, view, images, tally.setting.precision))
        left = len(ids) + len(screening.others)
        for number, batch in enumerate(batches(shared(tallies, samples), size), start=1):
            for tally in tallies:
                if tally.error is None:
                    with tally.own_time():
                        tally.add(dataset, batch, screening.pictured, seen)
            left -= len(batch)
            after(number, left)


def shared(tallies: Sequence[Tally], samples: Iterator[Sample]) -> Iterator[Sample]:
    """Yield samples while a tally is left; all that are left wait for a sample together, or fail with its fault."""
    left = [tally for tally in tallies if tally.error is None]
    begin = time.perf_counter()
    while left:
        try:
            sample = next(samples, None)
        except Exception as error:
            for tally in left:
                tally.fail(error)
            return
        share_s = (time.perf_counter() - begin) / len(left)
        for tally in left:
            tally.waiting_s += share_s
        if sample is None:
            return
        yield sample
        left = [tally for tally in left if tally.error is None]
        begin = time.perf_counter()
