"""A family, such as the models: members by name, ours, a user's own, and those that other installed packages offer.

Another package offers a member by an entry point of the group "robustbench_seg.models" (or of another family), whose
name is the member's and whose object is the member itself. Nothing of that package is imported until the member is
asked for. See the packaging guide, "Creating and discovering plugins", using package metadata.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from .errors import UsageError

__all__ = ["Family"]

Member = TypeVar("Member")


class Family(MutableMapping[str, Member], Generic[Member]):
    """The members of a family by name. word: what one of them is called ("model"). kind: the class of its members.

    shipped: ours. A member that is assigned, as of a script or a notebook, is there for this process alone.
    Looking up a name raises UsageError where two have it, or where what a package offers can't be had; a name that
    nobody has raises KeyError, as in any mapping.
    """

    def __init__(self, word: str, kind: type[Member], shipped: Mapping[str, Member]) -> None:
        self.word, self.kind = word, kind
        self.group = f"robustbench_seg.{word}s"
        self.members = dict(shipped)

    def __getitem__(self, name: str) -> Member:
        offers = offered(self.group).get(name, ())
        owners = ["robustbench-seg"] * (name in self.members) + [owner_of(offer) for offer in offers]
        if len(owners) > 1:
            raise UsageError(f"{self.word} {name!r}: {' and '.join(owners)} have one of that name; remove all but one")
        if name not in self.members and offers:
            return self.load(offers[0])
        return self.members[name]

    def load(self, offer: EntryPoint) -> Member:
        """Import a member of another package, once."""
        place = f"{self.word} {offer.name!r} of package {owner_of(offer)}"
        try:
            member = loaded(offer)
        except Exception as error:
            raise UsageError(f"{place}: {offer.value} can't be imported: {type(error).__name__}: {error}") from error
        if not isinstance(member, self.kind):
            kind = f"{self.kind.__module__.partition('.')[0]}'s {self.kind.__qualname__}"
            raise UsageError(f"{place}: {offer.value} must be of {kind}, got {type(member).__name__}")
        if (own := getattr(member, "name", offer.name)) != offer.name:
            raise UsageError(f"{place}: {offer.value} is called {own!r}; its entry point must have that name")
        return member

    def __setitem__(self, name: str, member: Member) -> None:
        self.members[name] = member

    def __delitem__(self, name: str) -> None:
        del self.members[name]

    def __contains__(self, name: object) -> bool:
        return name in self.members or name in offered(self.group)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members | dict.fromkeys(offered(self.group)))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def offered(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Find what the installed packages offer to a family, by name."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for offer in sorted(set(entry_points(group=group))):
        found[offer.name] = (*found.get(offer.name, ()), offer)
    return found


@cache
def loaded(offer: EntryPoint) -> object:
    return offer.load()


def owner_of(offer: EntryPoint) -> str:
    """Name the package that offers a member."""
    return offer.dist.name if offer.dist else offer.module
