"""Numbers and verdicts in words, as docs/statistics.md has them."""

from collections.abc import Callable
from math import isnan

from robustbench_seg.studies.grades import MARGIN
from robustbench_seg.studies.statistics import LEVEL, Interval, least_p

__all__ = ["number", "points", "verdict"]


def number(value: Interval, text: Callable[[float], str] = "{:+.2f}".format, unit: str = "") -> str:
    """Write a value with its unit and its interval."""
    own = f"{text(value.estimate)} {unit}".rstrip()
    return (
        f"{own}, no interval" if isnan(value.low) else f"{own}, 95 % interval {text(value.low)} to {text(value.high)}"
    )


def points(value: float) -> str:
    """Write a difference of fractions in points."""
    return f"{100 * value:+.1f}"


def verdict(value: Interval, sample: int, margin: float = MARGIN / 100) -> str:
    """Grade a difference between networks. sample: how many networks or pairs it is of. margin: what is the same.

    The interval is over networks and images, as one over images and runs is. No suite of the zoo names a primary
    comparison, so nothing here is more than exploratory.
    """
    if isnan(value.low):
        return "not known"
    if value.excludes_zero:
        enough = least_p(sample) <= 1 - LEVEL
        return "significant in itself, but exploratory" if enough else f"not resolved: {sample} networks are too few"
    return f"the same within {100 * margin:g} point" if -margin < value.low and value.high < margin else "not resolved"
