"""The first pass over the images that a command uses: what is wrong with them is said before anything is measured."""

from collections.abc import Callable, Sequence

from ..errors import DataError
from ..wording import counted, listed, shown
from .base import Dataset, Survey

__all__ = ["first_pass"]

EXAMPLES = 3


def first_pass(
    dataset: Dataset, ids: Sequence[str], note: Callable[[str], None], *, needs_labels: bool = True
) -> Survey:
    """Read what these images of a data set are made of, once.

    note: called with each line on what is left out, or does not count. needs_labels: whether something is to be scored
    or learnt. Raises DataError that names files that are broken, and for labels that ignore every pixel.
    """
    for line in dataset.notes:
        note(line)
    survey = dataset.survey(ids)
    where, unlabelled = f"{dataset.name} {dataset.split}", survey.unlabelled
    if len(unlabelled) == len(ids) and needs_labels:
        raise DataError(
            f"{where}: all pixels of its {counted(len(ids), 'image')} are unlabelled, so nothing can be scored or "
            "learnt (the labels of a split for a challenge's server are so); choose a split with labels"
        )
    if unlabelled:
        some = listed([shown(image_id) for image_id in unlabelled], EXAMPLES)
        note(f"{where}: {len(unlabelled)} of {counted(len(ids), 'image')} without a labelled pixel: {some}")
    return survey
