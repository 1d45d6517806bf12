"""The engine of a Ray cluster: actors hold the models, tasks corrupt images, and this process alone writes the store.

A sweep is cut into portions of a few images. The images of a portion are prepared by tasks on any CPU, and then shown
by one actor to the models. An actor has at most DEPTH portions, one at work and the others on their way to it, so that
the number of images in memory is bounded. An actor that dies is replaced, and its portions are given out again, each
alone. A model that kills its actor is tried alone, and its cell fails after TRIES.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from math import ceil
from types import TracebackType
from typing import Any, Self

from ...corruptions import CORRUPTIONS
from ...metrics import METRICS
from ...suites import Suite, with_weights
from ..evaluate import Screening
from ..plan import Options
from ..sweep import Sweep
from ..tally import MOST
from .cluster import maker, places
from .connection import connected
from .crew import Crew
from .data import supply_of
from .interface import AHEAD, Engine, Keeper
from .nodes import Order, Portion
from .parcel import Origin, Parcel
from .progress import Begun, Gathered, Work

__all__ = ["Ray"]

BATCHES = 4  # of a portion: fewer would leave a GPU without work at its end


class Ray(Engine):
    """See the module.

    Raises MachineError without Ray, or a cluster that answers, to the end; UsageError for a device that the cluster
    lacks; DataError for images that a node lacks.
    """

    def __init__(self, suite: Suite, options: Options, screening: Screening, keeper: Keeper) -> None:
        self.options, self.screening, self.keeper = options, screening, keeper
        given = suite.models or options.weights or options.models
        specs = with_weights(suite, options.weights, options.models) if given else ()
        self.specs = {spec.name: spec for spec in specs}
        self.makes: dict[str, Any] = {}
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        with self.stack:
            self.stack.enter_context(connected(self.options.address))
            import ray

            self.origin, ids = Origin.here(), (*self.screening.ids, *self.screening.others)
            self.supply = supply_of(self.screening.dataset, ids, self.origin, self.keeper.note)
            own = {name: METRICS[name] for name in METRICS if not METRICS[name].shipped}
            parcels = [ray.put(Parcel.of(each, self.origin)) for each in (self.supply.dataset, own)]
            self.crew = Crew(self.options.device, parcels, self.supply, self.keeper)
            self.stack.callback(self.crew.end)
            self.stack = self.stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.__exit__(kind, value, trace)

    def measure(self, sweeps: Iterable[Sweep | None]) -> None:
        crew = self.crew
        for sweep in chain(sweeps, [None]):
            if sweep is not None:
                self.begin(sweep)
            while crew.waiting or len(crew.begun) > (0 if sweep is None else AHEAD):
                crew.step()
            if sweep is None:  # others, for whom this process may wait now, may need the room of its actors
                crew.end()

    def begin(self, sweep: Sweep) -> None:
        """Cut a sweep into portions, and give its models and its images to the nodes."""
        import ray

        crew = self.crew
        if not crew.hands:
            threads = max(job.record.environment["threads"] for job in sweep.jobs)
            crew.hands = [crew.hire(place) for place in places(self.options.device, threads)]
        self.keeper.begin(sweep)
        orders: dict[str, Order] = {}
        for job, cell in sweep.cells:
            if cell.model not in self.makes:
                self.makes[cell.model] = ray.put(maker(job.model, self.specs.get(cell.model), self.origin))
            threads = job.record.environment["threads"]
            orders[job.record.key] = Order(cell.model, self.makes[cell.model], cell.setting, threads)
        entry = CORRUPTIONS.get(sweep.condition.corruption)
        images = ray.put(Parcel.of((self.supply.dataset, sweep.condition, entry), self.origin))
        images_each = len(self.screening.ids) + len(self.screening.others)
        begun = Begun(images, images_each, {job.record.key: Gathered(job) for job in sweep.jobs})
        crew.begun.append(begun)
        alone = [{key: order} for key, order in orders.items() if order.model in crew.suspects]
        others = {key: order for key, order in orders.items() if order.model not in crew.suspects}
        for part in self.portions(sweep):
            crew.waiting += [Work(begun, dict(group), part, alone=True) for group in alone]
            crew.waiting += [Work(begun, dict(others), part)] if others else []

    def portions(self, sweep: Sweep) -> list[Portion]:
        """Cut the images of a sweep; not where statistics are estimated from all of them."""
        screening = self.screening
        whole = Portion(
            condition=sweep.condition,
            ids=tuple(screening.ids),
            others=tuple(screening.others),
            pictured=frozenset(screening.pictured),
            batch=screening.batch,
        )
        if any(cell.view.batchnorm is not None for _, cell in sweep.cells):
            return [whole]
        size = BATCHES * (screening.batch or (MOST if self.options.device == "cuda" else 1))
        size = min(size, ceil(len(whole.ids) / len(self.crew.hands)))
        parts = [whole.ids[first : first + size] for first in range(0, len(whole.ids), size)]
        cut = [replace(whole, ids=part, others=()) for part in parts]
        return [*cut, replace(whole, ids=())] if whole.others else cut
