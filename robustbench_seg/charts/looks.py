"""How arms look: colours that eyes tell apart, with and without colour blindness, and markers that differ too.

Every colour has a contrast of at least 3 on its ground. LIGHT is on white, in files for paper too; DARK is on the dark
ground of the page. charts.css repeats both. Sources: Okabe and Ito, "Color Universal Design", 2008, for the hues; Web
Content Accessibility Guidelines 2.2, criterion 1.4.11, for the contrast.
"""

from typing import Any

__all__ = ["DARK", "HALF_CIRCLE", "LIGHT", "MARKERS", "marker_of", "style"]

LIGHT = ("#0072b2", "#d55e00", "#008a65", "#b8568f", "#8a6d00", "#6a51c7", "#444444")
DARK = ("#56b4e9", "#ff8a3d", "#2fbf91", "#e59ac4", "#e0b000", "#a896f0", "#c8c8c8")
# Matplotlib's names, and paths around (0, 0) in px.
MARKERS = {
    "o": "M-4 0a4 4 0 1 0 8 0 4 4 0 1 0-8 0z",
    "s": "M-4-4h8v8h-8z",
    "D": "M0-5.5 5.5 0 0 5.5-5.5 0z",
    "^": "M0-5 5 4h-10z",
    "v": "M0 5 5-4h-10z",
    "P": "M-1.8-5h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2v-3.6h3.2z",
    "X": "M-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0-5-3z",
}
HALF_CIRCLE = "M0-4a4 4 0 0 0 0 8z"


def marker_of(series: int) -> str:
    """Choose the marker of an arm: with its colour, 49 looks that differ, then the first again."""
    return list(MARKERS)[(series + series // len(LIGHT)) % len(MARKERS)]


def style(series: int) -> dict[str, Any]:
    """Colour and marker of an arm, for Matplotlib."""
    return {"color": LIGHT[series % len(LIGHT)], "marker": marker_of(series)}
