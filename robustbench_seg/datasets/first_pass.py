"""The first pass over the images that a command uses: faults are reported before anything is measured."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..store.view import LEAST_SIDE
from ..wording import counted, listed, quote
from .base import Dataset, Inspection, Survey

__all__ = ["Summary", "first_pass", "summarise"]

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
    if line := without_labels(unlabelled, ids, where):
        note(line)
    return survey


def without_labels(unlabelled: Sequence[str], ids: Sequence[str], where: str) -> str:
    """Name images without a labelled pixel; "" where all have some."""
    if not unlabelled:
        return ""
    some = listed([quote(image_id) for image_id in unlabelled], EXAMPLES)
    return f"{where}: {len(unlabelled)} of {counted(len(ids), 'image')} without a labelled pixel: {some}"


@dataclass(frozen=True, eq=False)
class Summary:
    """What images and labels have. pixels, images: int64 (classes + 1,), how many pixels have a class, and how many
    images have such a pixel; what is ignored stands last. sizes: (height, width) and how many images have it. faults:
    what is wrong, by image.
    """

    pixels: NDArray[np.int64]
    images: NDArray[np.int64]
    sizes: Counter[tuple[int, int]]
    faults: tuple[str, ...]
    unlabelled: tuple[str, ...]
    seconds: float


def summarise(dataset: Dataset, ids: Sequence[str], on_image: Callable[[], None] = lambda: None) -> Summary:
    """Read these images as `first_pass` does, but continue after a fault; a size too small to measure is one, too.

    on_image: called after each.
    """
    begin = time.perf_counter()
    pixels, images = (np.zeros(len(dataset.class_names) + 1, np.int64) for _ in range(2))
    sizes: Counter[tuple[int, int]] = Counter()
    faults, unlabelled = [], []
    for one in dataset.inspections(ids):
        on_image()
        if not isinstance(one, Inspection):
            faults.append(str(one))
            continue
        pixels += one.pixels
        images += one.pixels > 0
        sizes[one.size] += 1
        if min(one.size) < LEAST_SIDE:
            faults.append(
                f"{dataset.describe(one.image_id)}: its shorter side of {min(one.size)} pixels is below {LEAST_SIDE}, "
                "and no network is measured on that; leave the image out"
            )
        if not one.pixels[:-1].any():
            unlabelled.append(one.image_id)
    return Summary(pixels, images, sizes, tuple(faults), tuple(unlabelled), time.perf_counter() - begin)
