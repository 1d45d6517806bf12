"""Show the images of a condition to one model or to several, and count what each of them gives."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

from ..datasets.base import Dataset, LabelMap, Sample, spaced
from ..metrics import ImageCounts
from ..models.base import Segmenter
from ..store.cell import Condition, Setting
from .batchnorm import reestimated
from .prepare import prepare_under
from .tally import Tally, as_tensor
from .workers import Loader

__all__ = ["evaluate", "show"]

PLAIN = Setting()
OnImage = Callable[[Tally, Sample, LabelMap], None]


def evaluate(
    model: Segmenter, dataset: Dataset, ids: Sequence[str], loader: Loader, setting: Setting = PLAIN
) -> tuple[list[ImageCounts], dict[str, float]]:
    """Evaluate a model on images of a data set, at the native size of each label.

    In a view that re-estimates the statistics of BatchNorm, this happens first, on images evenly spaced over ids.
    Returns the counts of each image, in the order of ids, and seconds: see `Tally.timings`. An error names its image.
    Raises UsageError for an unknown metric, and as `reestimated`.
    """
    tally = Tally(model, setting)
    show([tally], setting.condition, dataset, ids, loader)
    if tally.error is not None:
        raise tally.error
    return tally.rows, tally.timings


def show(
    tallies: Sequence[Tally],
    condition: Condition,
    dataset: Dataset,
    ids: Sequence[str],
    loader: Loader,
    on_image: OnImage = lambda tally, sample, prediction: None,
    others: Sequence[str] = (),
) -> None:
    """Load and corrupt images of a data set once, and show each to all tallies.

    A tally that raises drops out, and keeps its error; where images can't be loaded, all do. on_image is called with
    each tally, corrupted sample and predicted label map, in the time of the tally. others: images that are shown after
    those, and from which no statistics of BatchNorm are re-estimated. Where a view asks for that, the model is to be in
    no other tally: all that is shown to it meets these statistics.
    """
    prepare = prepare_under(condition, dataset)
    with ExitStack() as statistics:
        for tally in tallies:
            view = tally.setting.view
            if view.batchnorm is not None:
                with tally.own_time():
                    images = (as_tensor(sample.image) for sample in loader.map(prepare, spaced(ids, view.batchnorm)))
                    statistics.enter_context(reestimated(tally.model, view, images, tally.setting.precision))
        for sample in shared(tallies, loader.map(prepare, (*ids, *others))):
            for tally in tallies:
                if tally.error is None:
                    with tally.own_time():
                        on_image(tally, sample, tally.add(dataset, sample))


def shared(tallies: Sequence[Tally], samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield samples while a tally is left; all that are left wait for a sample together, or fail with its fault."""
    left = [tally for tally in tallies if tally.error is None]
    begin = time.perf_counter()
    samples = iter(samples)
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
