"""The family of metrics: integers per image, and arithmetic on their sums.

A new metric of this package is a file with a `Metric`, and an entry in SHIPPED. `metric` registers a user's own metric.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..errors import UsageError
from ..family import Family
from .boundary import BOUNDARY, count_boundary, rim_width
from .calibration import CALIBRATION, LIKELIHOOD, count_calibration, count_likelihood
from .counts import ImageCounts, count_classes
from .entry import Arrays, Metric, OwnMetric
from .iou import MIOU, best_constant_miou, iou_per_class, largest_predicted_share, miou
from .prediction import Prediction
from .trial import expect_value

__all__ = [
    "BOUNDARY",
    "CALIBRATION",
    "LIKELIHOOD",
    "METRICS",
    "MIOU",
    "OPTIONAL",
    "SHIPPED",
    "Arrays",
    "ImageCounts",
    "Metric",
    "OwnMetric",
    "Prediction",
    "best_constant_miou",
    "count_boundary",
    "count_calibration",
    "count_classes",
    "count_likelihood",
    "counted_metrics",
    "find_metric",
    "in_order",
    "iou_per_class",
    "largest_predicted_share",
    "metric",
    "miou",
    "own_metrics",
    "rim_width",
]

Count = TypeVar("Count", bound=Callable[[Prediction], Mapping[str, Any]])

SHIPPED: Mapping[str, Metric] = {entry.name: entry for entry in (MIOU, BOUNDARY, CALIBRATION, LIKELIHOOD)}
OPTIONAL = tuple(SHIPPED)[1:]  # counted in addition to mIoU unless a suite chooses otherwise
METRICS = Family("metric", Metric, SHIPPED)


def metric(name: str, **fields: Any) -> Callable[[Count], Count]:
    """Register the function below as a metric of your own; see `Metric` for the fields.

        @metric("tiny", title="Tiny images", columns={"tiny_images": "integer"}, value=..., higher=False)
        def tiny(prediction):
            return {"tiny_images": int(prediction.valid.sum() < 1000)}

    Raises UsageError for what `Metric` does not allow, and for a name that is taken.
    """

    def register(function: Count) -> Count:
        METRICS.register(name, Metric(name=name, count=function, **fields), function)
        return function

    return register


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort the names of optional metrics, ours first, so that their order never changes a cell's key.

    mIoU is omitted, because it is always counted. Raises UsageError for a repeated name and for an unknown metric.
    """
    names = tuple(names)
    if len(set(names)) < len(names):
        raise UsageError(f"metrics must differ, got {', '.join(names)}")
    if unknown := [name for name in names if name not in METRICS]:
        raise UsageError(f"unknown metric {unknown[0]!r:.60}; known: {', '.join(METRICS)}")
    return (*(name for name in OPTIONAL if name in names), *sorted(set(names) - SHIPPED.keys()))


def counted_metrics(names: Iterable[str]) -> tuple[Metric, ...]:
    """Return mIoU and the metrics with these names. Raises UsageError for an unknown metric."""
    return tuple(METRICS[name] for name in ("miou", *in_order(names)))


def own_metrics(names: Iterable[str], num_classes: int) -> dict[str, OwnMetric]:
    """Return what a cell records of each user's own metric among these names.

    Raises UsageError if a metric was edited after its import, if two have a column of the same name, or if a value
    can't be computed from sums.
    """
    own = {entry.name: entry for entry in counted_metrics(names) if not entry.shipped}
    owners: dict[str, str] = {}
    for name, entry in own.items():
        entry.expect_unedited()
        expect_value(entry, num_classes)
        for column in entry.columns:
            if (other := owners.setdefault(column, name)) != name:
                raise UsageError(f"metrics {other} and {name} both have a column {column}; rename one of them")
    return {name: entry.own(num_classes) for name, entry in own.items()}


def find_metric(name: str, source: str) -> Metric | None:
    """Find the metric with this source, as recorded in a cell; None if it is unknown here, or was edited since."""
    if name in SHIPPED:
        return SHIPPED[name]
    entry = METRICS.get(name)
    return entry if entry is not None and entry.source == source else None
