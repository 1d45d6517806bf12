"""The family of suites. To add one, add a YAML file; `schema.Suite` lists its keys."""

from .expand import expand
from .latency import LatencySpec
from .model import ModelSpec
from .options import suite_for, with_options
from .schema import Suite, read_suite, with_weights

__all__ = ["LatencySpec", "ModelSpec", "Suite", "expand", "read_suite", "suite_for", "with_options", "with_weights"]
