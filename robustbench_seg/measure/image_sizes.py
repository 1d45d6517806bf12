"""Read the images of a run once before it, and refuse a size that a view or a model can't take."""

from collections.abc import Callable, Iterable
from itertools import product

from ..datasets import Dataset
from ..datasets.base import Survey, loaded
from ..datasets.first_pass import first_pass, survey_of
from ..errors import DataError
from ..models.base import PreparedSegmenter, Segmenter
from ..store.view import LEAST_SIDE
from ..suites import Suite
from .views import input_sizes

__all__ = ["read_images"]


def read_images(
    dataset: Dataset, ids: tuple[str, ...], suite: Suite, models: Iterable[Segmenter], note: Callable[[str], None]
) -> Survey:
    """Read the images once, with the gallery's; return the survey of the images that count.

    Raises DataError for faults in them, and for an image that is too small for a view; UsageError as
    `refuse_other_sizes` does.
    """
    surveys = [first_pass(dataset, ids, note)]
    if pictured := set(suite.gallery) - set(ids):
        surveys.append(survey_of(dataset, sorted(pictured)))
    sizes = {size: image_id for one in reversed(surveys) for size, image_id in one.sizes.items()}
    for size, image_id in sorted(sizes.items(), key=lambda item: min(item[0])):
        side = min(size)
        for view in suite.views:
            if round(min(view.scales) * side) < LEAST_SIDE:
                raise DataError(
                    f"{dataset.describe(image_id)}: its shorter side of {side} pixels is below {LEAST_SIDE} in view "
                    f"{view}; leave the image or the view out"
                )
    fixed = [model for model in models if isinstance(model, PreparedSegmenter) and model.sides]
    if fixed and ids and not sizes:
        sizes = {loaded(dataset, ids[0]).label.shape[:2]: ids[0]}
    refuse_other_sizes(fixed, suite, sizes)
    return surveys[0]


def refuse_other_sizes(models: Iterable[PreparedSegmenter], suite: Suite, sizes: Iterable[tuple[int, int]]) -> None:
    """Raise UsageError where a view of an image does not feed a model of one size that size.

    sizes: (height, width) of the images, or of the first where a data set does not know them before it reads them.
    """
    for model, view, size in product(models, suite.views, sizes):
        for fed in input_sizes(view, size):
            model.refuse_another_size(fed)
