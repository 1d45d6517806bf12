"""The first pass over the images that a command uses: faults are reported before anything is measured."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import getattr_static, ismethod
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..store.view import LEAST_SIDE
from ..wording import counted, listed, quote
from .base import Dataset, Inspection, Survey, expect_kind

__all__ = ["Summary", "expect_sound", "first_pass", "summarise", "survey_of", "to_turn", "without_labels"]

EXAMPLES = 3
METHODS = {
    "load": "self, image_id", "files": "self, image_id", "inspect": "self, image_id", "describe": "self, image_id",
    "fingerprint": "self, ids", "survey": "self, ids", "blocks": "ids", "groups": "ids",
}  # fmt: skip
TUPLES = ("ids", "class_names", "palette", "notes", "cautions")


def expect_form(dataset: Dataset) -> None:
    """Raise DataError for an attribute of `Dataset` in the place of a method, or the other way around."""
    where = f"data set {type(dataset).__qualname__}"
    for name in (*METHODS, *TUPLES):
        there = getattr_static(dataset, name, None) is not None  # a property that raises is not one that is missing
        value = getattr(dataset, name) if there else None
        got = "a method" if ismethod(value) else "nothing" if value is None else f"{value!r:.60}"
        if name in METHODS and not callable(value):
            raise DataError(f"{where}: its {name} must be a method, def {name}({METHODS[name]}), got {got}")
        if name in TUPLES and (isinstance(value, str) or not isinstance(value, Sequence)):
            raise DataError(f"{where}: its {name} must be a tuple, as an attribute or a property, got {got}")


def expect_sound(dataset: Dataset) -> None:
    """Raise DataError for what breaks the rules of `Dataset`, as a user's own may do.

    These are its methods and attributes, ids, class names, and the total.
    """
    expect_form(dataset)
    where, ids, names = f"{dataset.name} {dataset.split}", dataset.ids, dataset.class_names
    for what, texts, one in (("ids", ids, "image"), ("class names", names, "class")):
        if not texts:
            raise DataError(f"{where}: has no {one}")
        if odd := [text for text in texts if not isinstance(text, str)]:
            raise DataError(f"{where}: its {what} must be texts, got {odd[0]!r:.60}")
        ((most, times),) = Counter(texts).most_common(1)
        if times > 1:
            raise DataError(f"{where}: its {what} must differ, but {quote(most)} comes twice")
    if not (isinstance(dataset.total, Integral) and dataset.total >= len(ids)):
        raise DataError(f"{where}: its total must be the number of its ids, {len(ids)}, or more; got {dataset.total!r}")
    for method in ("blocks", "groups"):
        values = getattr(dataset, method)(ids)
        each = isinstance(values, tuple | list) and all(isinstance(value, str) for value in values)
        if not each or len(values) != len(ids):
            got = f"{len(values)} for {counted(len(ids), 'id')}" if each else f"{values!r:.60}"
            raise DataError(
                f"data set {type(dataset).__qualname__}: its {method}(ids) must return a tuple of texts, one for each "
                f"id; got {got}"
            )


def first_pass(
    dataset: Dataset, ids: Sequence[str], note: Callable[[str], None], *, needs_labels: bool = True
) -> Survey:
    """Read what these images of a data set are made of, once.

    note: called with each line on what is left out, or does not count. needs_labels: whether something is to be scored
    or learnt. Raises DataError that names files that are broken, and for labels that ignore every pixel.

    The cautions of the data set are among the result's.
    """
    for line in dataset.notes:
        note(line)
    survey = survey_of(dataset, ids)
    where, unlabelled = f"{dataset.name} {dataset.split}", survey.unlabelled
    if len(unlabelled) == len(ids) and needs_labels:
        raise DataError(
            f"{where}: all pixels of its {counted(len(ids), 'image')} are unlabelled, so nothing can be scored or "
            "learnt (the labels of a split for a challenge's server are so); choose a split with labels"
        )
    if line := without_labels(unlabelled, ids, where):
        note(line)
    cautions = (*dataset.cautions, *filter(None, [to_turn(survey.turned, ids, where)]))
    for line in cautions:
        note(line)
    return replace(survey, cautions=cautions)


def survey_of(dataset: Dataset, ids: Sequence[str]) -> Survey:
    """Read images once. Raises DataError for anything but a Survey with a fingerprint that `survey` returns."""
    survey = expect_kind(dataset.survey(ids), Survey, dataset, "survey(ids)")
    if not (isinstance(survey.fingerprint, str) and survey.fingerprint):
        got = repr(survey.fingerprint)
        raise DataError(f"{dataset.name} {dataset.split}: its fingerprint must be a text, not empty; got {got:.60}")
    return survey


def without_labels(unlabelled: Sequence[str], ids: Sequence[str], where: str) -> str:
    """Name images without a labelled pixel; "" where all have some."""
    if not unlabelled:
        return ""
    return f"{where}: {len(unlabelled)} of {counted(len(ids), 'image')} without a labelled pixel: {some_of(unlabelled)}"


def to_turn(turned: Sequence[str], ids: Sequence[str], where: str) -> str:
    """Name images whose labels may have been drawn on what a viewer shows; "" where there are none."""
    if not turned:
        return ""
    return (
        f"{where}: {len(turned)} of {counted(len(ids), 'image')} with an EXIF note to turn or mirror them, which is "
        f"passed over: labels must be drawn on the pixels as stored: {some_of(turned)}"
    )


def some_of(ids: Sequence[str]) -> str:
    return listed([quote(image_id) for image_id in ids], EXAMPLES)


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
    turned: tuple[str, ...]
    seconds: float


def summarise(dataset: Dataset, ids: Sequence[str], on_image: Callable[[], None] = lambda: None) -> Summary:
    """Read these images as `first_pass` does, but continue after a fault; a size too small to measure is one, too.

    on_image: called after each.
    """
    begin = time.perf_counter()
    pixels, images = (np.zeros(len(dataset.class_names) + 1, np.int64) for _ in range(2))
    sizes: Counter[tuple[int, int]] = Counter()
    faults, unlabelled, turned = [], [], []
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
        if one.turned:
            turned.append(one.image_id)
    lists = tuple(faults), tuple(unlabelled), tuple(turned)
    return Summary(pixels, images, sizes, *lists, time.perf_counter() - begin)
