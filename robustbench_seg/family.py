"""A family, such as the corruptions: members by name, ours, a user's own, and those of other installed packages.

A member of a user's own is registered by the family's decorator, or assigned, and is there for this process alone.
Another package offers a member by an entry point of the group "robustbench_seg.corruptions" (or of another family),
whose name is the member's and whose object is the member itself, or what the decorator registers under that name.
Nothing of that package is imported until the member is asked for. See the packaging guide, "Creating and discovering
plugins", using package metadata.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from .errors import RobustBenchError, UsageError

__all__ = ["Family"]

Member = TypeVar("Member")


class Family(MutableMapping[str, Member], Generic[Member]):
    """The members of a family by name. word: what one of them is called ("model"). kind: the class of its members.

    shipped: ours. Looking up a name raises UsageError where two have it, or where what a package offers can't be
    imported; a name that nobody has raises KeyError, as in any mapping.
    """

    def __init__(self, word: str, kind: type[Member], shipped: Mapping[str, Member]) -> None:
        self.word, self.kind = word, kind
        self.group = f"robustbench_seg.{word}s"
        self.members = dict(shipped)
        self.origins = dict.fromkeys(shipped, "robustbench-seg")  # of each member: the place of its code, for messages

    def __getitem__(self, name: str) -> Member:
        offers = offers_to(self.group).get(name, ())
        if name not in self.members and len(offers) == 1:
            self.load(offers[0])
        owners = [owner_of(offer) for offer in offers]
        if name in self.members and [package_of(self.origins[name])] != [package_of(offer.value) for offer in offers]:
            owners.insert(0, self.origins[name])
        if len(owners) > 1:
            raise UsageError(f"{self.word} {name!r}: {' and '.join(owners)} have one of that name; remove all but one")
        return self.members[name]

    def load(self, offer: EntryPoint) -> None:
        """Import a member of another package. Raises UsageError, which names the package, where that can't be done."""
        place = f"{self.word} {offer.name!r} of package {owner_of(offer)}: {offer.value}"
        try:
            member = offer.load()
        except Exception as error:
            kind = "" if isinstance(error, RobustBenchError) else f"{type(error).__name__}: "
            raise UsageError(f"{place} can't be imported: {kind}{error}") from error
        if offer.name in self.members:
            return  # a decorator there has registered it
        if not isinstance(member, self.kind):
            kind = f"{self.kind.__module__.partition('.')[0]}'s {self.kind.__qualname__}"
            raise UsageError(
                f"{place} must be of {kind}, or registered under the name {offer.name!r}, got {type(member).__name__}"
            )
        if (own := getattr(member, "name", offer.name)) != offer.name:
            raise UsageError(f"{place} is called {own!r}; its entry point must have that name")
        self.members[offer.name], self.origins[offer.name] = member, offer.value

    def register(self, name: str, member: Member, code: Callable[..., Any]) -> None:
        """Add the member that a decorator makes of a function or a class, its `code`.

        The same definition, run again in a notebook, replaces the former. Raises UsageError for a name that is taken.
        """
        origin = f"{code.__module__}.{code.__qualname__}"
        if (other := self.origins.get(name, origin)) != origin:
            raise UsageError(f"{self.word} {name!r}: {other} and {origin} have one of that name; rename one")
        self.members[name], self.origins[name] = member, origin

    def __setitem__(self, name: str, member: Member) -> None:
        self.members[name], self.origins[name] = member, "this program"

    def __delitem__(self, name: str) -> None:
        del self.members[name], self.origins[name]

    def __contains__(self, name: object) -> bool:
        return name in self.members or name in offers_to(self.group)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members | dict.fromkeys(offers_to(self.group)))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def offers_to(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Find what the installed packages offer to a family, by name."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for offer in sorted(set(entry_points(group=group))):
        found[offer.name] = (*found.get(offer.name, ()), offer)
    return found


def owner_of(offer: EntryPoint) -> str:
    """Name the package that offers a member, as pip does."""
    return offer.dist.name if offer.dist else offer.module


def package_of(place: str) -> str:
    """Name the package as Python imports it in which a place lies, such as a.b:c or a.b.c."""
    return place.partition(":")[0].partition(".")[0]
