"""Colours of vehicles, buildings and plants, and functions that vary them."""

from collections.abc import Sequence
from typing import TypeVar

from numpy.random import Generator

from robustbench_seg.streetscenes.scene import Colour

T = TypeVar("T")

FACADES: tuple[Colour, ...] = (
    (206, 188, 156), (188, 152, 118), (166, 98, 78), (142, 82, 66), (198, 196, 190), (152, 154, 156),
    (214, 204, 176), (178, 164, 148), (196, 172, 128), (140, 148, 156), (204, 176, 160), (170, 182, 170),
    (112, 106, 104), (222, 218, 208), (190, 132, 96),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = (
    (150, 78, 58),
    (124, 66, 52),
    (84, 82, 86),
    (104, 92, 84),
    (70, 74, 82),
    (166, 100, 70),
)
GLASS: tuple[Colour, ...] = ((62, 74, 88), (48, 56, 66), (80, 96, 108), (70, 72, 74), (54, 70, 76))
PAINTS: tuple[Colour, ...] = (
    (226, 226, 224), (32, 34, 38), (150, 154, 158), (96, 100, 106), (168, 30, 34), (36, 66, 132),
    (110, 132, 156), (46, 86, 64), (190, 176, 146), (206, 120, 40), (120, 40, 48), (74, 62, 54), (216, 190, 60),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (36, 40, 52), (70, 76, 92), (120, 40, 42), (196, 188, 176), (52, 84, 124), (88, 96, 70), (180, 150, 60),
    (110, 84, 70), (200, 80, 60), (60, 120, 110), (140, 110, 150), (30, 30, 32), (220, 220, 220),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (44, 54, 78),
    (34, 34, 38),
    (92, 84, 72),
    (66, 70, 76),
    (120, 112, 96),
    (70, 92, 124),
)
SKIN: tuple[Colour, ...] = ((226, 182, 150), (200, 150, 116), (150, 104, 76), (104, 70, 52), (236, 200, 172))
HAIR: tuple[Colour, ...] = ((40, 30, 26), (90, 60, 38), (150, 110, 62), (120, 118, 116), (28, 26, 28))
LEAVES: tuple[Colour, ...] = (
    (84, 116, 52),
    (66, 104, 56),
    (102, 122, 48),
    (60, 92, 44),
    (120, 126, 56),
    (76, 110, 74),
)
AUTUMN: tuple[Colour, ...] = ((168, 124, 44), (160, 92, 40), (140, 128, 60))
GRASS: tuple[Colour, ...] = ((104, 124, 62), (122, 130, 74), (88, 112, 58), (134, 126, 84), (110, 118, 70))
TYRE: Colour = (30.0, 30.0, 32.0)
RIM: Colour = (130.0, 132.0, 136.0)
DARK: Colour = (38.0, 38.0, 42.0)
RED: Colour = (190.0, 28.0, 26.0)
WHITE: Colour = (235.0, 235.0, 226.0)
AMBER: Colour = (238.0, 160.0, 46.0)
STEEL: Colour = (120.0, 124.0, 126.0)


def pick(rng: Generator, options: Sequence[T]) -> T:
    """Draw one of the options with equal probability (faster than Generator.choice)."""
    return options[int(rng.integers(len(options)))]


def vary(rng: Generator, colour: Colour, amount: float = 0.12) -> Colour:
    """Return the colour with its brightness and each channel changed by up to about `amount`."""
    whole = 1.0 + rng.uniform(-amount, amount)
    r, g, b = (min(255.0, c * (whole + rng.uniform(-amount, amount) / 2)) for c in colour)
    return r, g, b


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour, darker for a factor below 1 and lighter above."""
    r, g, b = (min(255.0, c * factor) for c in colour)
    return r, g, b
