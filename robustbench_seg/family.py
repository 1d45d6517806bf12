"""A family, such as the corruptions: a mapping from names to members.

A member ships with this package, is a user's own, or comes from another installed package. A user's own member is
registered by the family's decorator, or assigned, and exists only in this process. Another package offers a member by
an entry point of the group "robustbench_seg.corruptions" (or of another family). The entry point has the name of the
member; its object is the member itself, or code that the decorator registers under that name. The package is imported
only when the member is looked up. See the packaging guide, "Creating and discovering plugins", using package metadata.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from .errors import RobustBenchError, UsageError

__all__ = ["Family"]

Member = TypeVar("Member")


class Family(MutableMapping[str, Member], Generic[Member]):
    """The members of a family by name.

    word: the noun for a member, such as "model". kind: the class of the members. shipped: the members of this package.
    A look-up raises UsageError if two members have the name, or if the member can't be imported from its package; it
    raises KeyError for an unknown name, as in any mapping.
    """

    def __init__(self, word: str, kind: type[Member], shipped: Mapping[str, Member]) -> None:
        self.word, self.kind = word, kind
        self.group = f"robustbench_seg.{word}s"
        self.members = dict(shipped)
        self.origins = dict.fromkeys(shipped, "robustbench-seg")  # member ─▶ the place of its code, for messages

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
        """Import a member of another package. Raises UsageError, which names the package, if the import fails."""
        place = f"{self.word} {offer.name!r} of package {owner_of(offer)}: {offer.value}"
        try:
            member = offer.load()
        except Exception as error:
            kind = "" if isinstance(error, RobustBenchError) else f"{type(error).__name__}: "
            raise UsageError(f"{place} can't be imported: {kind}{error}") from error
        if offer.name not in self.members:  # no decorator has registered it during the import
            self.add(offer.name, member, offer.value, place)

    def register(self, name: str, member: Member, code: Callable[..., Any]) -> None:
        """Add the member that a decorator makes from a function or a class, its `code`.

        If the same definition runs again, as in a notebook, it replaces the earlier one. Raises UsageError for a name
        that is taken.
        """
        self.add(name, member, f"{code.__module__}.{code.__qualname__}", f"{self.word} {name!r}")

    def __setitem__(self, name: str, member: Member) -> None:
        self.add(name, member, "this program", f"{self.word} {name!r}")

    def add(self, name: str, member: object, origin: str, place: str) -> None:
        """Add a member, or replace a member of the same origin. Raises UsageError, which begins with `place`."""
        if not isinstance(member, self.kind):
            kind = f"{self.kind.__module__.partition('.')[0]}'s {self.kind.__qualname__}"
            raise UsageError(f"{place} must be of {kind}, or registered under that name, got {type(member).__name__}")
        if (own := getattr(member, "name", name)) != name:
            raise UsageError(f"{place} is called {own!r}; both names must be the same")
        if name in self.members and self.origins[name] != origin:
            raise UsageError(f"{place}: {self.origins[name]} and {origin} have one of that name; rename one")
        self.members[name], self.origins[name] = member, origin

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
    """Find the entry points of a family in the installed packages, by name."""
    offers: dict[str, tuple[EntryPoint, ...]] = {}
    for offer in sorted(set(entry_points(group=group))):
        offers[offer.name] = (*offers.get(offer.name, ()), offer)
    return offers


def owner_of(offer: EntryPoint) -> str:
    """Return the name, as pip writes it, of the package that offers a member."""
    return offer.dist.name if offer.dist else offer.module


def package_of(place: str) -> str:
    """Return the import name of the top-level package of a place, such as a.b:c or a.b.c."""
    return place.partition(":")[0].partition(".")[0]
