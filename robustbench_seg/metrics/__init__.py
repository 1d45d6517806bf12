"""The family of metrics: integers per image, and arithmetic on their sums. To add one, add a file with a `Metric` and a
line to SHIPPED; `metric` adds one of a user's own.
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

SHIPPED: Mapping[str, Metric] = {one.name: one for one in (MIOU, BOUNDARY, CALIBRATION, LIKELIHOOD)}
OPTIONAL = tuple(SHIPPED)[1:]  # counted in addition to mIoU unless a suite says otherwise
METRICS = Family("metric", Metric, SHIPPED)


def metric(name: str, **fields: Any) -> Callable[[Count], Count]:
    """Register the function below as a metric of your own; see `Metric` for the fields.

        @metric("tiny", title="Tiny images", columns={"tiny_images": "integer"}, value=..., higher=False)
        def tiny(prediction):
            return {"tiny_images": int(prediction.valid.sum() < 1000)}

    Raises UsageError for what `Metric` does not allow.
    """

    def register(function: Count) -> Count:
        METRICS[name] = Metric(name=name, count=function, **fields)
        return function

    return register


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names of optional metrics, ours first, so that another order of the same makes no other cell.

    mIoU, which is always counted, is left out. Raises UsageError for a name that comes twice or is no metric's.
    """
    names = tuple(names)
    if len(set(names)) < len(names):
        raise UsageError(f"metrics must differ, got {', '.join(names)}")
    if unknown := [name for name in names if name not in METRICS]:
        raise UsageError(f"unknown metric {unknown[0]!r:.60}; known: {', '.join(METRICS)}")
    return (*(name for name in OPTIONAL if name in names), *sorted(set(names) - SHIPPED.keys()))


def counted_metrics(names: Iterable[str]) -> tuple[Metric, ...]:
    """Give mIoU and the metrics of these names. Raises UsageError for a name that is no metric's."""
    return (MIOU, *(METRICS[name] for name in in_order(names)))


def own_metrics(names: Iterable[str], num_classes: int) -> dict[str, OwnMetric]:
    """Give what cells record of those of these metrics that are a user's own.

    Raises UsageError where one was edited since it was imported, where two have a column of the same name, and where a
    value can't be made of sums.
    """
    own = {one.name: one for one in counted_metrics(names) if not one.shipped}
    owners: dict[str, str] = {}
    for name, one in own.items():
        one.expect_unedited()
        one.expect_value(num_classes)
        for column in one.columns:
            if (other := owners.setdefault(column, name)) != name:
                raise UsageError(f"metrics {other} and {name} both have a column {column}; rename one of them")
    return {name: one.own(num_classes) for name, one in own.items()}


def find_metric(name: str, source: str) -> Metric | None:
    """Find the metric by which cells were counted; None for one that is not known here, or was edited since."""
    if name in SHIPPED:
        return SHIPPED[name]
    found = METRICS.get(name)
    return found if found is not None and found.source == source else None
