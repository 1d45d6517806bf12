"""Axes that hold numbers: round ticks, at most five, and texts that do not run into each other."""

from collections.abc import Iterable
from math import ceil, floor, isfinite, log, log10

from .values import Axis

__all__ = ["axis_over", "log_axis"]

STEPS = (1, 2, 5, 10)
NEAR, LETTER = 0.08, 0.018  # of an axis: the least distance of two texts, and half of a letter in a small panel


def axis_over(
    values: Iterable[float], label: str = "", *, most: int = 6, signed: bool = False, band: float | None = None
) -> Axis:
    """Make an axis over zero and all finite values, whose ends are ticks or close to the values.

    most: number of ticks. signed: for differences, with + and a line at zero. band: the margin around zero to shade.
    """
    finite = [0.0, *filter(isfinite, values)]
    low, high = min(finite), max(finite)
    if low == high:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in STEPS if factor * power >= raw * (1 - 1e-9))
    decimals = max(0, -floor(log10(step) + 1e-9))
    ticks = [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    texts = [f"{tick:{'+' if signed and abs(tick) > step / 2 else ''}z.{decimals}f}" for tick in ticks]
    shade = (-band, band) if band else None
    return Axis(low=low, high=high, ticks=tuple(zip(ticks, texts, strict=True)), label=label, zero=signed, band=shade)


def log_axis(places: Iterable[float], label: str = "") -> Axis:
    """Make an axis of logarithms with a tick at each place; texts that are too near to a shorter one are left out.

    >>> [text for _, text in log_axis([0.5, 1, 1.06667, 1.25, 1.33333, 2]).ticks]
    ['0.5', '1', '', '1.25', '', '2']
    """
    ticks = sorted(set(places))
    texts = [f"{tick:.3g}" for tick in ticks]
    length = log(ticks[-1] / ticks[0])
    labelled: dict[float, str] = {}
    for tick, text in sorted(zip(ticks, texts, strict=True), key=lambda each: len(each[1])):
        if all(
            abs(log(tick / other)) > length * max(NEAR, LETTER * len(text + own)) for other, own in labelled.items()
        ):
            labelled[tick] = text
    pairs = tuple((tick, text if tick in labelled else "") for tick, text in zip(ticks, texts, strict=True))
    low, high = ticks[0], ticks[-1]
    return Axis(low=low, high=high if high > low else 2 * low, ticks=pairs, label=label, log=True)
