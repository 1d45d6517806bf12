"""Expand a suite into a plan with all its cells. This reads neither data nor weights, and does not import torch."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..corruptions import is_drawn
from ..store.cell import Condition, LatencyCell, QualityCell
from ..store.plan import Plan, PlannedCell
from .schema import Suite

__all__ = ["expand"]


def expand(
    suite: Suite,
    devices: Mapping[str, str],
    *,
    precision: str = "fp32",
    num_classes: Mapping[str, int] = MappingProxyType({}),
    images: int = 0,
) -> Plan:
    """Plan a suite's quality cells, then its speed cells, model by model, without keys.

    devices: the device of each model, "cpu" or "cuda", by the model's name in results. num_classes: how many logits
    each model has for a pixel, by the same names. images: 0 before the data set is opened.
    """
    cells: list[QualityCell | LatencyCell] = [*quality_cells(suite, list(devices), precision)]
    cells += latency_cells(suite, devices, precision, num_classes)
    return Plan(
        suite=suite.name,
        description=suite.description,
        protocol=suite.protocol,
        conditions=tuple(suite.conditions.items()),
        precision=precision,
        images=images,
        gallery=suite.gallery,
        limits=suite.limits,
        primary=tuple(each.comparison for each in suite.primary),
        margin=suite.margin,
        families=tuple((model.name, model.family) for model in suite.models if model.family),
        views=tuple(view.label for view in suite.measured_views),
        cells=tuple(map(PlannedCell.of, cells)),
    )


def quality_cells(suite: Suite, models: Sequence[str], precision: str) -> list[QualityCell]:
    """Expand to model x view x condition x draw, clean first; what draws no random numbers is measured once."""
    if suite.dataset is None:
        return []
    first, *_ = suite.draws
    corrupted = [
        Condition(name, severity, seed)
        for seed in suite.draws
        for name, severities in suite.conditions.items()
        if seed == first or is_drawn(name)
        for severity in severities
    ]
    return [
        QualityCell(
            model=model,
            dataset=suite.dataset.name,
            split=suite.dataset.split,
            corruption=condition.corruption,
            severity=condition.severity,
            view=view,
            precision=precision,
            seed=condition.seed,
            metrics=suite.metrics,
            void=suite.void,
        )
        for model in models
        for view in suite.measured_views
        for condition in [Condition(seed=first), *corrupted]
    ]


def latency_cells(
    suite: Suite, devices: Mapping[str, str], precision: str, num_classes: Mapping[str, int]
) -> list[LatencyCell]:
    """Expand to model x size x batch."""
    if suite.latency is None:
        return []
    return [
        LatencyCell(
            model=model,
            num_classes=num_classes.get(model, 0),
            height=height,
            width=width,
            batch=batch,
            precision=precision,
            device=device,
        )
        for model, device in devices.items()
        for height, width in suite.latency.sizes
        for batch in suite.latency.batches
    ]
