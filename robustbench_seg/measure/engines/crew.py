"""The actors of a run: who has which portion, and what follows when one ends."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...errors import MachineError
from ...wording import listed
from .data import Supply
from .interface import Keeper
from .nodes import Answer, Models
from .progress import Begun, Hand, Work

__all__ = ["Crew"]

TRIES = 3  # of what ends its process each time
PATIENCE_S = 60.0
EXAMPLES = 4  # images that a message names


class Crew:
    """The actors and their portions. parcels: what each actor reads at its begin. suspects: models that have ended an
    actor, each alone.
    """

    def __init__(self, device: str, parcels: Sequence[Any], supply: Supply, keeper: Keeper) -> None:
        self.device, self.parcels, self.supply, self.keeper = device, parcels, supply, keeper
        self.hands: list[Hand] = []
        self.waiting: deque[Work] = deque()
        self.begun: list[Begun] = []
        self.suspects: set[str] = set()
        self.stillborn = 0

    def hire(self, place: Mapping[str, int]) -> Hand:
        """Start an actor in a place, or ask for it: it starts when a node has room."""
        import ray

        actor = ray.remote(**place)(Models).remote(self.device, *self.parcels)
        return Hand(actor, place, {actor.begin.remote(): None})

    def end(self) -> None:
        """End the actors, with what they are doing."""
        import ray

        for hand in self.hands:
            with suppress(Exception, SystemExit):  # Ray itself may have ended
                ray.kill(hand.actor)
        self.hands = []

    def step(self) -> None:
        """Give portions to the actors that have room, and take the answer that comes first.

        Raises MachineError if actors end before they begin.
        """
        import ray

        self.send()
        calls = {call: hand for hand in self.hands for call in hand.calls}
        ready, _ = ray.wait(list(calls), timeout=PATIENCE_S)
        if not ready and not any(hand.environment for hand in self.hands):
            self.keeper.note("Ray has no room for an actor yet: other work, or too few nodes; still waiting")
        for call in ready:
            self.take(calls[call], call)

    def send(self) -> None:
        """Give portions to the actors with the fewest."""
        while self.waiting and (free := [hand for hand in self.hands if hand.takes(self.waiting[0])]):
            hand = min(free, key=lambda hand: len(hand.calls))
            work = self.waiting.popleft()
            work.orders = {key: order for key, order in work.orders.items() if key in work.begun.left}
            if work.orders:
                work.samples = work.samples or [self.supply.prepare(work.begun.images, each) for each in work.ids]
                orders = list(work.orders.values())
                hand.calls[hand.actor.show.remote(work.portion, orders, *work.samples)] = work

    def take(self, hand: Hand, call: Any) -> None:
        """Take the answer to a call; if its actor has ended, replace it."""
        self.receive(hand, call, lambda work, error: self.replace(hand, error))

    def receive(self, hand: Hand, call: Any, lost: Callable[[Work | None, Exception], object]) -> None:
        """Take the answer to a call: an environment, or the counts of a portion. lost: called if its actor has ended.

        Raises what an actor can't begin with.
        """
        import ray

        if call not in hand.calls:  # its actor was replaced meanwhile
            return
        work = hand.calls[call]
        try:
            answer = ray.get(call)
        except ray.exceptions.RayTaskError as error:
            del hand.calls[call]
            self.refuse(work, error.cause)
        except ray.exceptions.RayError as error:
            lost(work, error)
        else:
            del hand.calls[call]
            if work is None:
                hand.process, hand.environment = answer
                self.stillborn = 0
            else:
                self.count(work, hand.environment or {}, *answer)

    def count(
        self, work: Work, environment: Mapping[str, Any], differences: Mapping[str, float], answers: Sequence[Answer]
    ) -> None:
        """Take the counts of a portion."""
        import ray

        names = {image_id for answer in answers for image_id in answer.pictures}
        pictured = {each: ray.get(at) for each, at in zip(work.ids, work.samples, strict=True) if each in names}
        for key, answer in zip(work.orders, answers, strict=True):
            work.begun.receive(key, answer, environment, pictured, differences, self.keeper)
        self.close()

    def close(self) -> None:
        """Forget the sweeps that are finished."""
        self.begun = [begun for begun in self.begun if begun.left]

    def refuse(self, work: Work | None, error: Exception) -> None:
        """Fail what an actor could not begin. Raises the error if it is of the actor itself."""
        import ray

        if isinstance(error, ray.exceptions.RayError):  # of the images, after all tries
            reason = " ".join(str(error).split())
            error = MachineError(f"a process that loads and corrupts images ended each time ({reason:.300})")
        if work is None:
            raise error
        for key in work.orders:
            work.begun.fail(key, error, self.keeper)
        self.close()

    def replace(self, hand: Hand, error: Exception) -> None:
        """Start another actor in the place of one that has ended, and give its portions out again.

        Of several portions any may have ended it: an answer that was on its way is lost with the actor. Each is then
        given out alone. Raises MachineError if no actor lives long enough to begin.
        """
        import ray

        if hand.environment is None:
            self.stillborn += 1
            if self.stillborn > TRIES:
                raise MachineError(f"actors end before they begin ({' '.join(str(error).split()):.300})")
        self.hands[self.hands.index(hand)] = self.hire(hand.place)
        with suppress(Exception):  # one that can't be reached may still live, and would not answer
            ray.kill(hand.actor)
        lost: list[Work] = []
        for call in tuple(hand.calls):
            self.receive(hand, call, lambda work, error: lost.append(work) if work else None)
        again = self.blamed(lost[0]) if len(lost) == 1 else lost
        for work in again:
            work.alone = True
        self.waiting.extendleft(reversed(again))

    def blamed(self, work: Work) -> list[Work]:
        """Blame a portion for the end of its actor: try its jobs one by one, and fail one that ends it TRIES times."""
        work.deaths += 1
        if len(work.orders) > 1:
            return [replace(work, orders={key: order}, deaths=0) for key, order in work.orders.items()]
        if work.deaths < TRIES:
            return [work]
        ((key, order),) = work.orders.items()
        self.suspects.add(order.model)
        images = listed(work.ids, EXAMPLES)
        error = MachineError(f"model {order.model} has ended its process {TRIES} times, at one of {images}")
        work.begun.fail(key, error, self.keeper)
        self.close()
        return []
