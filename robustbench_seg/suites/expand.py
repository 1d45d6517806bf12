"""A suite as a plan: all cells that it asks for. Neither data nor weights are read, and torch is not imported."""

from collections.abc import Mapping, Sequence

from ..store.cell import CLEAN, LatencyCell, QualityCell
from ..store.plan import Plan, PlannedCell
from .schema import Suite

__all__ = ["expand"]


def expand(
    suite: Suite, devices: Mapping[str, str], *, precision: str = "fp32", num_classes: int = 0, images: int = 0
) -> Plan:
    """Plan a suite's quality cells, then its speed cells, model by model, without keys.

    devices: "cpu" or "cuda", where each model runs, by its name in results. num_classes, images: 0 while the data set
    is not open.
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
        views=tuple(map(str, suite.views)),
        cells=tuple(map(PlannedCell.of, cells)),
    )


def quality_cells(suite: Suite, models: Sequence[str], precision: str) -> list[QualityCell]:
    """Expand to model x view x condition, clean first."""
    if suite.dataset is None:
        return []
    corrupted = [(name, severity) for name, severities in suite.conditions.items() for severity in severities]
    return [
        QualityCell(
            model=model,
            dataset=suite.dataset.name,
            split=suite.dataset.split,
            corruption=corruption,
            severity=severity,
            view=view,
            precision=precision,
            seed=suite.seed,
            metrics=suite.metrics,
        )
        for model in models
        for view in suite.views
        for corruption, severity in [(CLEAN, 0), *corrupted]
    ]


def latency_cells(suite: Suite, devices: Mapping[str, str], precision: str, num_classes: int) -> list[LatencyCell]:
    """Expand to model x size x batch."""
    if suite.latency is None:
        return []
    return [
        LatencyCell(
            model=model,
            num_classes=num_classes,
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
