"""What a run and an engine have to do with each other."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...datasets.base import LabelMap, Sample

if TYPE_CHECKING:
    from ...metrics import ImageCounts
    from ..plan import Job
    from ..sweep import Sweep

__all__ = ["AHEAD", "Engine", "Keeper", "Measured"]

AHEAD = 1  # sweeps before the newest that an engine may have under way


@dataclass(frozen=True)
class Measured:
    """What a cell gave. rows: counts by image id. timings: see `Tally.timings`. environment: what of the environment
    in the job's record is to be replaced, because it was measured elsewhere.
    """

    rows: "Mapping[str, ImageCounts]"
    timings: Mapping[str, float]
    environment: Mapping[str, Any] = field(default_factory=dict)


class Keeper(Protocol):
    """Receives what an engine measures, in the process of the run, and stores it."""

    def note(self, line: str) -> None:
        """Called with what a user is to know."""

    def begin(self, sweep: "Sweep") -> None:
        """Called when a sweep begins."""

    def count(self, job: "Job", image_id: str, difference: float | None) -> None:
        """Called when an image is counted for a job. difference: see `CorruptedSample`; None for a clean image."""

    def picture(self, job: "Job", sample: Sample, prediction: LabelMap) -> None:
        """Called for an image that is among `Screening.pictured`."""

    def fail(self, job: "Job", error: Exception) -> None:
        """Called when a job drops out; nothing else follows for it."""

    def keep(self, job: "Job", what: Measured) -> None:
        """Called when all images of a job are counted."""


class Engine(AbstractContextManager["Engine"], Protocol):
    """Measures sweeps."""

    def measure(self, sweeps: "Iterable[Sweep | None]") -> None:
        """Measure all sweeps, and report to the keeper. A job that raises drops out, and the others continue.

        The iterable is read as sweeps are needed: when one is taken, at most `AHEAD` before it are not finished. After
        None all sweeps before it are finished, and only then the next is taken.
        """
