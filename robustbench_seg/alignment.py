"""Which class of a data set each class of a model stands for, where the two differ in names, order or number.

The predicted class of a pixel is the argmax over the model's own classes, and is mapped then: `Alignment.predict`. A
class that maps to nothing gets the index after the data set's last, which no label has, so its pixels count as wrong.
The probability of a class of the data set is the sum over the classes that map to it: `Alignment.grouped`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import UsageError
from .wording import listed

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["SHIPPED", "WITHOUT_NAMES", "Alignment", "align"]

MOST_CLASSES = 254  # the index of nothing fits into a byte, and differs from the value of ignored pixels
LISTED = 8
FORM = "classes: {model class: data set class, ...}"  # of a table
WITHOUT_NAMES = re.compile(r"(label|class)?[ _-]*\d+", re.IGNORECASE)  # as Transformers calls classes without names
OF_NAMES = str.maketrans("", "", " -_")  # what is written in one name and not in another

# SegNet's grouping of CamVid's 32 classes into 11, as `camvidPixelLabelIDs` of MathWorks' example lists it: Building
# has Wall, SignSymbol TrafficLight, Tree VegetationMisc, Car Truck_Bus and Train, and Bicyclist MotorcycleScooter.
CITYSCAPES_TO_CAMVID = {
    "road": "road",
    "sidewalk": "pavement",
    "building": "building",
    "wall": "building",
    "fence": "fence",
    "pole": "pole",
    "traffic light": "sign-symbol",
    "traffic sign": "sign-symbol",
    "vegetation": "tree",
    "terrain": "tree",
    "sky": "sky",
    "person": "pedestrian",
    "rider": "bicyclist",
    "car": "car",
    "truck": "car",
    "bus": "car",
    "train": "car",
    "motorcycle": "bicyclist",
    "bicycle": "bicyclist",
}
# Model classes to data set classes, by the name of the map; the first of several between the same classes is chosen.
SHIPPED: dict[str, dict[str, str | None]] = {
    "cityscapes-to-camvid": {**CITYSCAPES_TO_CAMVID},
    "cityscapes-to-camvid-strict": {**CITYSCAPES_TO_CAMVID, "terrain": None, "train": None},  # of like names alone
}


@dataclass(frozen=True)
class Alignment:
    """model_classes: one per logit. classes: of the data set, one per trainId. to: for each model class the index of
    the data set's class that it stands for, or `nothing`. how: where it comes from, in words.
    """

    model_classes: tuple[str, ...]
    classes: tuple[str, ...]
    to: tuple[int, ...]
    how: str = "by name"

    @property
    def nothing(self) -> int:
        """The index of no class of the data set: the one after the last."""
        return len(self.classes)

    @property
    def is_identity(self) -> bool:
        """Whether each logit is the data set's class of the same index: nothing is to be done."""
        return self.to == tuple(range(len(self.classes)))

    @property
    def pairs(self) -> tuple[tuple[str, str | None], ...]:
        """Each class of the model with the one that it stands for, None for nothing; empty for the identity."""
        if self.is_identity:
            return ()
        targets = (*self.classes, None)
        return tuple((name, targets[index]) for name, index in zip(self.model_classes, self.to, strict=True))

    @property
    def unused(self) -> tuple[str, ...]:
        """The model's classes that map to nothing: a pixel that is given one counts as wrong."""
        return tuple(name for name, index in zip(self.model_classes, self.to, strict=True) if index == self.nothing)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The data set's classes that no class of the model maps to: their pixels always count as wrong."""
        return tuple(name for index, name in enumerate(self.classes) if index not in self.to)

    def predict(self, classes: "Tensor") -> "Tensor":
        """Map the model's classes, int64 of any shape, to the data set's, or to `nothing`."""
        return index_on(self.to, classes.device)[classes]

    def grouped(self, probabilities: "Tensor") -> "Tensor":
        """Sum probabilities (B, model classes, ...) of what maps to the same: (B, classes + 1, ...), nothing last."""
        total = probabilities.new_zeros((probabilities.shape[0], self.nothing + 1, *probabilities.shape[2:]))
        for number, target in enumerate(self.to):  # in this order on each device; a GPU's index_add_ has none
            total[:, target] += probabilities[:, number]
        return total

    def notes(self, model: str, dataset: str) -> tuple[str, ...]:
        """Lines on what maps to nothing, in either direction; none where all is mapped."""
        lines = []
        if self.unused:
            lines.append(
                f"{model}: {len(self.unused)} of its {len(self.model_classes)} classes map to nothing in {dataset}, "
                f"and count as wrong where they are predicted: {listed(self.unused, LISTED)}"
            )
        if self.unreached:
            lines.append(
                f"{dataset}: {len(self.unreached)} of its {len(self.classes)} classes are none of {model}'s, so their "
                f"IoU is 0: {listed(self.unreached, LISTED)}"
            )
        return tuple(lines)


@lru_cache
def index_on(to: tuple[int, ...], device: "torch.device") -> "Tensor":
    """Put an index on a device, once: to send it there waits for the device."""
    import torch

    return torch.tensor(to, device=device)


def align(
    model_classes: Sequence[str], classes: Sequence[str], table: Mapping[str, str | None] | str | None = None
) -> Alignment:
    """Find which class of a data set each class of a model stands for.

    Names are equal whatever their case, spaces, hyphens and underscores, and in any order. table: model classes to data
    set classes, many to one, None for nothing; or a name of `SHIPPED`. What it leaves out is matched by name. Without a
    table, a shipped map is taken whose classes the model all has, where names alone do not match all of the model's.
    Raises UsageError for a name that neither side has, for model classes without names and without a table, and where
    nothing maps to anything.
    """
    mine, theirs = tuple(model_classes), tuple(classes)
    if mine == theirs and table is None:
        return Alignment(mine, theirs, tuple(range(len(theirs))), "the same classes")
    if len(theirs) > MOST_CLASSES:
        raise UsageError(f"classes are aligned with at most {MOST_CLASSES} of a data set, not with {len(theirs)}")
    if table is None:
        if without := [name for name in mine if WITHOUT_NAMES.fullmatch(name.strip())]:
            raise UsageError(
                f"the model's classes have no names ({listed(without, 3)}): give a table, classes: {{{without[0]}: "
                f"{theirs[0]}, ...}}"
            )
        table = shipped_for(mine, theirs)
    name, given = table if isinstance(table, str) else None, table_of(table)
    to = [index_in(theirs, model_class) for model_class in mine]
    meant: dict[str, str] = {}
    for model_class, target in given.items():
        own = mine[expect_in(mine, model_class, "the model", theirs)]
        if (other := meant.setdefault(own, model_class)) != model_class:
            raise UsageError(f"{FORM} has {other!r} and {model_class!r}, which are one class of the model")
        index = len(theirs) if target is None else expect_in(theirs, target, "the data set", mine)
        to = [index if name == own else before for name, before in zip(mine, to, strict=True)]
    if set(to) == {len(theirs)}:
        raise UsageError(
            f"no class of the model ({listed(mine, LISTED)}) is one of the data set's ({listed(theirs, LISTED)}); give "
            f"a table, {FORM}"
        )
    how = f"by {name}" if name else "by a table" if given else "by name"
    return Alignment(mine, theirs, tuple(to), how)


def table_of(table: Mapping[str, str | None] | str | None) -> Mapping[str, str | None]:
    if isinstance(table, str):
        if table not in SHIPPED:
            raise UsageError(f"no shipped map of classes is called {table!r}; there is {', '.join(SHIPPED)}")
        return SHIPPED[table]
    return table or {}


def shipped_for(mine: Sequence[str], theirs: Sequence[str]) -> str | None:
    """Name the shipped map of these model classes to classes of the data set, if names alone are not enough."""
    if len(theirs) not in [index_in(theirs, name) for name in mine]:
        return None
    names = set(map(plain, theirs))
    for name, table in SHIPPED.items():
        targets = {plain(target) for target in table.values() if target is not None}
        if set(map(plain, table)) <= set(map(plain, mine)) and targets <= names:
            return name
    return None


def expect_in(names: Sequence[str], name: object, whose: str, others: Sequence[str]) -> int:
    """Find a name's index. Raises UsageError where it is not there.

    names: of the model or the data set, whichever `whose` states. others: of the other one.
    """
    if not isinstance(name, str):
        raise UsageError(f"{FORM}: both are names, got {name!r:.60} as a class of {whose}")
    if (index := index_in(names, name)) < len(names):
        return index
    other = "the data set" if whose == "the model" else "the model"
    turned = f"; {other} has one, and the table is {FORM}" if index_in(others, name) < len(others) else ""
    raise UsageError(f"{whose} has no class {name!r}; the classes of {whose} are {', '.join(names)}{turned}")


def index_in(names: Sequence[str], name: str) -> int:
    """Find a name's index: as it is written, or by its letters where just one name has these; else their number."""
    if name in names:
        return names.index(name)
    alike = [index for index, other in enumerate(names) if plain(other) == plain(name)]
    return alike[0] if len(alike) == 1 else len(names)


def plain(name: str) -> str:
    return name.casefold().translate(OF_NAMES)
