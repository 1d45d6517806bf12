"""One metric: what is counted of an image, what the sums of it mean, and how readers see it; those that ship, and what
holds of a user's own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..own_code import source_hash
from .prediction import Prediction

__all__ = ["CLASS_COUNTS", "NAMES", "Arrays", "Metric", "OwnMetric"]

Size = int | Literal["integer", "classes"]  # of a column: so many integers, a single one, or one for each class
CLASS_COUNTS = ("intersection", "predicted", "labelled")  # of mIoU: columns that every cell has
NAMES = ("miou", "boundary", "calibration", "likelihood")  # those that ship, in the order of their columns
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # of a metric and of its columns
# Other columns of a cell's file, and of the frame that `studies` makes of a store.
TAKEN = {
    *NAMES, *CLASS_COUNTS, "boundary_intersection", "boundary_predicted", "boundary_labelled", "calibration_pixels",
    "calibration_correct", "calibration_confidence", "negative_log_likelihood", "image_id", "height", "width", "cell",
    "model", "dataset", "corruption", "severity", "view", "split", "precision", "seed", "engine_version",
    "corruption_source", "fingerprint", "checkpoint_sha256", "key", "metrics", "metric_sources", "slug",
    "below_window", "classes", "iou", "boundary_miou", "ece", "nll", "class_names", "flag", "truth", "content",
    "counts", "path", "licence", "about", "parameters", "images", "of", "synthetic", "environment", "title",
}  # fmt: skip

Arrays = Mapping[str, NDArray[Any]]  # by column


@dataclass(frozen=True, kw_only=True)
class OwnMetric:
    """What a record keeps of a metric of a user's own: the hash of its source, and the size of each column, None for a
    single integer.
    """

    source: str
    columns: dict[str, int | None]

    def __post_init__(self) -> None:
        for name, size in self.columns.items():
            if not NAME.fullmatch(name) or name in TAKEN:
                raise UsageError(f"column {name!r:.60} is not allowed for a metric of a user's own")
            if size is not None and size < 1:
                raise UsageError(f"the size of column {name} must be 1 or more, got {size}")


def same(counts: Arrays) -> Arrays:
    return counts


def nothing(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    yield from ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """One entry of `METRICS`.

    name: in suites. title: in tables. unit: "%" of a value that is a fraction, else the unit's name, "" of a plain
    number. higher: whether higher is better.

    columns: what is stored of an image, and the size of each: "integer" for one, "classes" for a list with one for each
    class, n for a list of n. count: makes these of a `Prediction`, over its valid pixels alone; images are then summed.
    value: makes the metric of the sums by column. These are float64 (...) or, of lists, (..., size), and the value is
    (...): the leading axes are resamples and cells, so a list is summed by `.sum(axis=-1)`. NaN where there is nothing
    to divide by.

    probabilities: whether `count` needs confidence or log_likelihood. also: columns of mIoU that `value` needs too.
    quantity: its column in frames, by default `name`. terms: what `value` is made of instead of the columns, a sum of
    them for each image. contradictions: of arrays with a row for each image, where what must hold does not, in words.
    biased: whether chance alone makes the value larger, as it does a mean of absolute values. version: of one of a
    user's own; it is hashed with the source, for what that does not show, such as a file that `count` reads.

    Raises UsageError for a name or a column that is taken or not allowed, and for a function without a source file or a
    version.
    """

    name: str
    title: str
    columns: Mapping[str, Size]
    count: Callable[[Prediction], Mapping[str, Any]]
    value: Callable[[Arrays], Any]
    higher: bool
    unit: str = "%"
    probabilities: bool = False
    also: tuple[str, ...] = ()
    quantity: str = ""
    terms: Callable[[Arrays], Arrays] = same
    contradictions: Callable[[Arrays], Iterator[tuple[NDArray[np.bool_], str]]] = nothing
    biased: bool = False
    version: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantity", self.quantity or self.name)
        if not self.shipped:
            self.expect_allowed()
            _ = self.source  # as it is now, when the functions are new from their file

    @property
    def shipped(self) -> bool:
        """Whether it is one of `NAMES`, in this package."""
        return self.name in NAMES and self.count.__module__.startswith(f"{__package__}.")

    def expect_allowed(self) -> None:
        """Raise UsageError for what one of a user's own must not be called or have."""
        where = f"metric {self.name!r:.60}"
        for word in (self.name, *self.columns):
            if not NAME.fullmatch(word):
                raise UsageError(
                    f"{where}: its name and its columns have up to 64 letters, digits and underscores, got {word!r:.60}"
                )
            if word in TAKEN:
                raise UsageError(f"{where}: the name {word!r} is taken; give yours another")
        if self.quantity != self.name:
            raise UsageError(f"{where}: its column in frames is its name, got {self.quantity!r:.60}")
        if not self.columns:
            raise UsageError(f"{where}: it needs a column that is stored")
        for column, size in self.columns.items():
            if size not in ("integer", "classes") and (type(size) is not int or size < 1):
                raise UsageError(
                    f"{where}: the size of column {column} must be 'integer', 'classes' or 1 and more, got {size!r:.60}"
                )
        if unknown := set(self.also) - set(CLASS_COUNTS):
            raise UsageError(f"{where}: also may have {', '.join(CLASS_COUNTS)}, got {min(unknown)!r:.60}")

    @property
    def direction(self) -> str:
        """In words: "higher is better"."""
        return f"{'higher' if self.higher else 'lower'} is better"

    @property
    def label(self) -> str:
        """The title within a sentence."""
        first, *rest = self.title.split(" ")
        return " ".join([first.lower() if first[1:].islower() else first, *rest])

    @property
    def reads(self) -> tuple[str, ...]:
        """All columns that `terms` is made of."""
        return (*self.columns, *self.also)

    @cached_property
    def source(self) -> str:
        """The hash of the code, taken once; "" for a shipped one, whose columns the store's schema stands for."""
        return "" if self.shipped else self.hash_source()

    def hash_source(self) -> str:
        """Hash the code as it is on disk: the file of `count`, and that of `value` where it is another."""
        source = source_hash(self.count, self.version)
        elsewhere = getattr(self.value, "__module__", None) != self.count.__module__
        return source_hash(self.value, source) if elsewhere else source

    def expect_unedited(self) -> None:
        """Raise UsageError where the source is no longer that of `source`, and so maybe not that of the code in use."""
        if self.source and self.hash_source() != self.source:
            raise UsageError(f"metric {self.name}: its source was edited while it was in use; start Python again")

    def sizes(self, num_classes: int) -> dict[str, int | None]:
        """The length of each column's lists for so many classes; None for a single integer."""
        words: dict[Size, int | None] = {"integer": None, "classes": num_classes}
        return {name: words.get(size, size if isinstance(size, int) else None) for name, size in self.columns.items()}

    def own(self, num_classes: int) -> OwnMetric:
        """What a record keeps of it, if it is a user's own."""
        return OwnMetric(source=self.source, columns=self.sizes(num_classes))

    def count_image(self, prediction: Prediction) -> dict[str, Any]:
        """Count one image. Raises ValueError where `count` gives anything but the integers of its columns."""
        found = self.count(prediction)
        if not isinstance(found, Mapping) or found.keys() != self.columns.keys():
            kind = ", ".join(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
            raise ValueError(f"metric {self.name} counted {kind}; it must return {', '.join(self.columns)}")
        for column, size in self.sizes(prediction.num_classes).items():
            values = np.asarray(found[column])
            if values.dtype.kind not in "iu" or values.shape != (() if size is None else (size,)):
                wanted = "an integer" if size is None else f"{size} integers"
                raise ValueError(
                    f"metric {self.name} counted {values.dtype} {values.shape} as {column}; it must be {wanted}"
                )
        return {column: found[column] for column in self.columns}

    def score(self, terms: Arrays, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Make the metric of summed terms, whose leading axes are `shape`; its own shape is that.

        Raises UsageError where `value` raises, or gives another shape.
        """
        try:
            with np.errstate(invalid="ignore", divide="ignore"):
                value = np.asarray(self.value(terms), np.float64)
        except Exception as error:
            raise UsageError(f"metric {self.name}: its value raises {type(error).__name__}: {error}") from error
        if value.shape != shape:
            raise UsageError(
                f"metric {self.name}: of sums {shape} its value has the shape {value.shape}; it must keep these axes, "
                "so that a list is summed by .sum(axis=-1)"
            )
        return value

    def of(self, sums: Arrays) -> float:
        """The metric of one split: of the sums over its images, by column."""
        return float(self.score(self.terms({name: np.asarray(sums[name])[None] for name in self.reads}), (1,))[0])

    def expect_value(self, num_classes: int) -> None:
        """Raise UsageError where `value` can't be made of sums, as `score` does."""
        sizes = dict.fromkeys(CLASS_COUNTS, num_classes) | self.sizes(num_classes)
        ones = {name: np.ones((2, 3, *(() if (size := sizes[name]) is None else (size,)))) for name in self.reads}
        self.score(self.terms(ones), (2, 3))
