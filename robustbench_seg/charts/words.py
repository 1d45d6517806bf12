"""The numbers of charts in words: for tooltips, and for those who do not see a chart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, groupby
from math import isnan
from operator import itemgetter

from ..studies.statistics import NOTHING, Interval
from ..wording import counted
from .values import Axis, Dot, Panel, Plot, Rows, Tile

__all__ = ["describe", "shorten", "shorten_apart", "state_dot", "state_number"]

MARK = " ⚠"  # of what deserves no trust, at the end of a name
MOST_NUMBERS = 24  # that a description lists; of more, it gives the ends


def state_number(number: Interval, axis: Axis, wide: Interval | None = None) -> str:
    """Write a number with the ends of its 95 % intervals: "+1.2 (+0.3 to +2.0; images and runs -0.4 to +2.8)"."""
    sign = "+" if axis.zero else ""

    def write(value: float) -> str:
        return f"{value:{sign}z.1f}"

    ends = f"{write(number.low)} to {write(number.high)}" if not isnan(number.low) else ""
    if wide is not None and not isnan(wide.low):
        ends = f"{ends}; images and runs {write(wide.low)} to {write(wide.high)}".removeprefix("; ")
    return f"{write(number.estimate)}{f' ({ends})' if ends else ''}"


def state_dot(dot: Dot, axis: Axis, label: str = "") -> str:
    """Name a dot and write its number."""
    names = dict.fromkeys(name for name in (" ".join(label.split()), dot.arm, dot.text) if name)
    return f"{', '.join(names)}: {state_number(dot.number, axis, dot.wide)}"


def numbers_of(panel: Rows | Plot) -> Iterator[tuple[str, str, float]]:
    """Yield all numbers of a panel: what each is of, its words, and itself."""
    if isinstance(panel, Plot):
        for curve in panel.curves:
            yield from (
                (curve.arm, f"{number.estimate:z.1f} at {x:.4g}", number.estimate) for x, number, _ in curve.drawn
            )
        return
    for row in panel.rows:
        for axis, dots in zip(panel.axes, row.dots, strict=True):
            for dot in (dot for dot in dots if dot.drawn):
                name, _, words = state_dot(
                    replace(dot, number=Interval(dot.number.estimate), wide=NOTHING), axis, row.label
                ).rpartition(": ")
                yield name, words, dot.number.estimate


def describe(panel: Panel) -> str:
    """Describe a panel: its title and its numbers; of many, the lowest and the highest."""
    title = " ".join(panel.title.split())
    if isinstance(panel, Tile):
        return title
    numbers = list(numbers_of(panel))
    texts = [f"{name}: {', '.join(words for _, words, _ in own)}" for name, own in groupby(numbers, key=itemgetter(0))]
    if len(numbers) > MOST_NUMBERS:
        low, high = (choose(numbers, key=itemgetter(2)) for choose in (min, max))
        ends = [f"the {what}: {name}: {words}" for what, (name, words, _) in (("lowest", low), ("highest", high))]
        texts = [f"{counted(len(numbers), 'number')}, which the tables have", *ends]
    return ": ".join(filter(None, [title, "; ".join(texts) or "no numbers"]))


def shorten(text: str, most: int, first: int | None = None) -> str:
    """Take letters out of the middle of a long text, so that its two ends still name an arm.

    first: letters that stay at the beginning; None for half of them.
    >>> shorten("segformer-b0-mix", 16), shorten("deeplabv3plus-mobilenet_v2", 15)
    ('segformer-b0-mix', 'deeplab…enet_v2')
    """
    if len(text) <= most:
        return text
    rest = max(2, most - 1)
    first = rest // 2 if first is None else first
    return f"{text[:first]}…{text[-(rest - first) :]}"


def shorten_apart(texts: Iterable[str], most: int) -> dict[str, str]:
    """Shorten texts that stand together at one place, near the middle, where what is left tells them apart.

    >>> list(shorten_apart(["espnetv2_s0.5_city_1024x512", "espnetv2_s1.0_city_512x256 ⚠"], 16).values())
    ['espnetv…1024x512', 'espnetv…12x256 ⚠']
    """
    texts, middle = list(dict.fromkeys(texts)), (most - 1) // 2
    if all(len(text) <= most for text in texts):
        return {text: text for text in texts}
    tries = sorted(range(1, most - 1), key=lambda first: abs(first - middle))
    place = max(tries, key=lambda first: told_apart(texts, most, first), default=None)
    return {text: shorten(text, most, place) for text in texts}


def told_apart(texts: Sequence[str], most: int, first: int) -> int:
    """Count the pairs of texts that differ in the letters that stay of both, apart from a mark at the end."""
    ends = []
    for text in texts:
        name = text.removesuffix(MARK)
        tail = max(0, most - 1 - first - len(text) + len(name))
        ends.append((name[:first], name[len(name) - tail :]))
    return sum(
        one[0] != other[0] or not (one[1].endswith(other[1]) or other[1].endswith(one[1]))
        for one, other in combinations(ends, 2)
    )
