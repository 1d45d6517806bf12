"""The family of suites. To add one, add a YAML file; `schema.Suite` says what may stand in it."""

from .schema import LatencySpec, ModelSpec, Suite, latency_cells, quality_cells, read_suite, with_weights

__all__ = [
    "LatencySpec",
    "ModelSpec",
    "Suite",
    "latency_cells",
    "quality_cells",
    "read_suite",
    "with_weights",
]
