"""What the driver of a cluster knows of its work: sweeps under way, portions given out, actors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...datasets.base import Sample
from ...metrics import ImageCounts
from ..plan import Job
from .interface import Keeper, Measured
from .nodes import Answer, Order, Portion

__all__ = ["Begun", "Gathered", "Hand", "Work", "merged"]

DEPTH = 2  # portions of an actor


@dataclass(eq=False)
class Gathered:
    """What portions have given for a job so far."""

    job: Job
    rows: dict[str, ImageCounts] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    environments: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, answer: Answer, environment: Mapping[str, Any]) -> None:
        """Add the answer of an actor."""
        self.rows |= answer.rows
        self.timings = {name: self.timings.get(name, 0.0) + value for name, value in answer.timings.items()}
        self.environments.append(environment)

    def measured(self) -> Measured:
        """What the cell gave, on all actors."""
        return Measured(self.rows, self.timings, merged(self.environments))


@dataclass(eq=False)
class Begun:
    """A sweep under way. images: a reference to the parcel of `prepare_there`. images_each: how many a job sees. left:
    the jobs that are neither measured nor failed, by key.
    """

    images: Any
    images_each: int
    left: dict[str, Gathered]

    def fail(self, key: str, error: Exception, keeper: Keeper) -> None:
        """Let a job drop out, unless it has already."""
        if gathered := self.left.pop(key, None):
            keeper.fail(gathered.job, error)

    def receive(
        self, key: str, answer: Answer, environment: Mapping[str, Any], pictured: Mapping[str, Sample],
        differences: Mapping[str, float], keeper: Keeper,
    ) -> None:  # fmt: skip
        """Take what a portion gave for a job. pictured: the samples of the answer's pictures."""
        if (gathered := self.left.get(key)) is None:
            return
        if answer.fault is not None:
            self.fail(key, answer.fault.exception(), keeper)
            return
        try:
            for image_id, prediction in answer.pictures.items():
                keeper.picture(gathered.job, pictured[image_id], prediction)
        except Exception as error:  # as where a picture can't be written
            self.fail(key, error, keeper)
            return
        for image_id in answer.rows:
            keeper.count(gathered.job, image_id, differences.get(image_id))
        gathered.add(answer, environment)
        if len(gathered.rows) == self.images_each:
            del self.left[key]
            keeper.keep(gathered.job, gathered.measured())


@dataclass(eq=False)
class Work:
    """A portion of a sweep for some of its jobs. orders: the jobs, by key. alone: whether an actor may have no other
    with it. samples: references to its prepared images, once it was given out. deaths: how many actors ended with it.
    """

    begun: Begun
    orders: dict[str, Order]
    portion: Portion
    alone: bool = False
    samples: list[Any] = field(default_factory=list)
    deaths: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its images."""
        return (*self.portion.ids, *self.portion.others)


@dataclass(eq=False)
class Hand:
    """An actor. calls: what it has not answered, in order; a call without work is its first. process: its id."""

    actor: Any
    place: Mapping[str, int]
    calls: dict[Any, Work | None]
    environment: Mapping[str, Any] | None = None
    process: int = 0

    def takes(self, work: Work) -> bool:
        """Whether the actor has begun, and has room for a portion."""
        own = [each for each in self.calls.values() if each]
        room = 1 if work.alone or any(each.alone for each in own) else DEPTH
        return self.environment is not None and len(own) < room


def merged(environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe several processes as one: where they differ, all values, sorted. packages: by name."""
    packages = [environment["packages"] for environment in environments]
    names = dict.fromkeys(name for some in packages for name in some)
    whole = {name: several([one[name] for one in environments]) for name in environments[0] if name != "packages"}
    return whole | {"packages": {name: several([some.get(name, "none") for some in packages]) for name in names}}


def several(values: Sequence[str]) -> str:
    return " and ".join(sorted(set(values)))
