"""One metric: how it counts an image, what it computes from the sums, and its texts; the rules for a user's own."""

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

Size = int | Literal["integer", "classes"]  # of a column: a number of integers, a single integer, or one for each class
CLASS_COUNTS = ("intersection", "predicted", "labelled")  # columns of mIoU, which every cell has
NAMES = ("miou", "boundary", "calibration", "likelihood")  # the metrics that ship, in the order of their columns
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # of a metric and of its columns
# Other columns of a cell's file, and of the data frame of a store.
TAKEN = {
    *NAMES, *CLASS_COUNTS, "boundary_intersection", "boundary_predicted", "boundary_labelled", "calibration_pixels",
    "calibration_correct", "calibration_confidence", "negative_log_likelihood", "image_id", "height", "width", "cell",
    "model", "dataset", "corruption", "severity", "view", "split", "precision", "seed", "engine_version",
    "corruption_source", "fingerprint", "checkpoint_sha256", "key", "metrics", "metric_sources", "slug",
    "below_window", "classes", "iou", "boundary_miou", "ece", "nll", "class_names", "flag", "truth", "content",
    "counts", "path", "licence", "about", "parameters", "images", "of", "synthetic", "environment", "title",
    "alignment", "block_pattern", "own_blocks", "void", "scales",
}  # fmt: skip

Arrays = Mapping[str, NDArray[Any]]  # by column


@dataclass(frozen=True, kw_only=True)
class OwnMetric:
    """What a record keeps of a user's own metric. source: its hash. columns: their sizes, None for a single integer."""

    source: str
    columns: dict[str, int | None]

    def __post_init__(self) -> None:
        for name, size in self.columns.items():
            if not NAME.fullmatch(name) or name in TAKEN:
                raise UsageError(f"column {name!r:.60} is not allowed for a user's own metric")
            if size is not None and size < 1:
                raise UsageError(f"the size of column {name} must be 1 or more, got {size}")


def same(counts: Arrays) -> Arrays:
    return counts


def nothing(arrays: Arrays) -> Iterator[tuple[NDArray[np.bool_], str]]:
    yield from ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """One entry of `METRICS`.

    name: the name in suites. title: the name in tables. unit: "%" if the value is a fraction, otherwise the name of the
    unit, "" for a plain number. higher: whether higher is better.

    columns: the columns that are stored for an image, with their sizes: "integer" for one integer, "classes" for a list
    with one per class, n for a list of n. count: computes the columns of a `Prediction`, from its valid pixels only;
    they are then summed over images. value: computes the metric from the sums, by column. A sum is float64 (...), or
    (..., size) for a list; the value is (...). The leading axes are resamples and cells, so sum a list by
    `.sum(axis=-1)`. The value is NaN if the divisor is 0.

    probabilities: whether `count` needs confidence or log_likelihood. also: columns of mIoU that `value` needs too.
    terms: integers that `value` gets in place of the columns, each a linear function of the columns; with fewer
    integers the bootstrap is faster. contradictions: gets the columns, height and width, each with a row per image;
    yields where a rule is broken, and the fault in words. quantity: the column in frames, by default `name`. version:
    for a metric of your own; it is hashed with the source. Change it when something outside the source changes, such
    as a file that `count` reads.

    biased: whether noise alone raises the value, as for a mean of absolute values. A report then gives the value of the
    data as it is, and for its interval the bootstrap shifts the resamples down, by twice the excess of their mean over
    that value: once for the noise in the data, and once for the noise in each resample.

    Raises UsageError for a name or a column that is taken or not allowed, and for a function with neither a source file
    nor a version.
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
            _ = self.source  # hash it now, before the file can be edited

    @property
    def shipped(self) -> bool:
        """Whether the metric is one of `NAMES`, with code in this package."""
        return self.name in NAMES and self.count.__module__.startswith(f"{__package__}.")

    def expect_allowed(self) -> None:
        """Raise UsageError for a field that is not allowed in a user's own metric."""
        where = f"metric {self.name!r:.60}"
        for field in ("title", "unit", "version"):
            if not isinstance(text := getattr(self, field), str):
                raise UsageError(f"{where}: its {field} must be a text, got {text!r:.60}")
        for word in (self.name, *self.columns):
            if not (isinstance(word, str) and NAME.fullmatch(word)):
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
        """The direction in words: "higher is better" or "lower is better"."""
        return f"{'higher' if self.higher else 'lower'} is better"

    @property
    def label(self) -> str:
        """The title as it is written within a sentence."""
        first, *rest = self.title.split(" ")
        return " ".join([first.lower() if first[1:].islower() else first, *rest])

    @property
    def reads(self) -> tuple[str, ...]:
        """All columns that `terms` reads."""
        return (*self.columns, *self.also)

    @cached_property
    def source(self) -> str:
        """The hash of the code, computed once; "" for a shipped metric: the store's schema version covers it."""
        return "" if self.shipped else self.hash_source()

    def hash_source(self) -> str:
        """Hash the code as it is on disk: the file of `count`, and the file of `value` if it is another."""
        source = source_hash(self.count, self.version)
        elsewhere = getattr(self.value, "__module__", None) != self.count.__module__
        return source_hash(self.value, source) if elsewhere else source

    def expect_unedited(self) -> None:
        """Raise UsageError if the file was edited after `source` was computed: the code in use may be older."""
        if self.source and self.hash_source() != self.source:
            raise UsageError(f"metric {self.name}: its source was edited while it was in use; start Python again")

    def sizes(self, num_classes: int) -> dict[str, int | None]:
        """Return the length of each column's lists for a number of classes; None for a single integer."""
        words: dict[Size, int | None] = {"integer": None, "classes": num_classes}
        return {name: words.get(size, size if isinstance(size, int) else None) for name, size in self.columns.items()}

    def own(self, num_classes: int) -> OwnMetric:
        """Return what a record keeps of a user's own metric."""
        return OwnMetric(source=self.source, columns=self.sizes(num_classes))

    def count_image(self, prediction: Prediction) -> dict[str, Any]:
        """Count one image; the arrays are new, since `count` may fill its own again for the next image.

        Raises ValueError if `count` does not return exactly the integers of its columns.
        """
        counts = self.count(prediction)
        if not isinstance(counts, Mapping) or counts.keys() != self.columns.keys():
            kind = ", ".join(map(str, counts)) if isinstance(counts, Mapping) else type(counts).__name__
            raise ValueError(f"metric {self.name} counted {kind}; it must return {', '.join(self.columns)}")
        copied: dict[str, NDArray[Any]] = {}
        for column, size in self.sizes(prediction.num_classes).items():
            values = copied[column] = np.array(counts[column])
            if values.dtype.kind not in "iu" or values.shape != (() if size is None else (size,)):
                expected = "an integer" if size is None else f"{size} integers"
                raise ValueError(
                    f"metric {self.name} counted {values.dtype} {values.shape} as {column}; it must be {expected}"
                )
        return {column: values if values.ndim else int(values) for column, values in copied.items()}

    def score(self, terms: Arrays, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Compute the metric from summed terms with the leading axes `shape`; the result has the same shape.

        Raises UsageError if `value` raises, or returns another shape.
        """
        try:
            with np.errstate(invalid="ignore", divide="ignore"):
                value = np.asarray(self.value(terms), np.float64)
        except Exception as error:
            raise UsageError(f"metric {self.name}: its value raises {type(error).__name__}: {error}") from error
        if value.shape != shape:
            raise UsageError(
                f"metric {self.name}: from sums of shape {shape} its value has the shape {value.shape}; it must keep "
                "these axes, so sum a list by .sum(axis=-1)"
            )
        return value

    def of(self, sums: Arrays) -> float:
        """Compute the metric of one split. sums: over its images, by column."""
        return float(self.score(self.terms({name: np.asarray(sums[name])[None] for name in self.reads}), (1,))[0])
