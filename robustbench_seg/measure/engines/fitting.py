"""Which options fit an engine; apart from the engines, so that a command can tell before it reads anything."""

from ...errors import UsageError

__all__ = ["expect_fitting"]


def expect_fitting(engine: str, workers: int | None, address: str | None) -> None:
    """Raise UsageError for an option of the other engine, which would have no effect; None: it is not given."""
    if engine == "ray" and workers is not None:
        raise UsageError("--workers is for --engine local: with ray, tasks on all CPUs of the cluster load images")
    if engine != "ray" and address is not None:
        raise UsageError(f"--address {address}: is for --engine ray")
