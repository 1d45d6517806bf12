"""The parts of a section, one per heading of the page, in its order. A part of a user's own comes after ours.

A part makes all content under its heading from a panel, the cells of a setting; none where it does not apply.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...family import Family
from .. import references
from ..content import Content
from ..panel import Panel
from . import batchnorm, calibration, classes, clean, conditions, corruption, draws, gallery, resolution, speed, worst

__all__ = ["PARTS", "Part"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """heading: over its tables and figures. make: makes them, and sentences on them, of the cells of a setting.

    closed: whether the page shows them only when asked to.
    """

    heading: str
    make: Callable[[Panel], Content]
    closed: bool = False


PARTS: Family[Part] = Family(
    "part",
    Part,
    {
        "clean": Part(heading="Clean images", make=clean.make),
        "conditions": Part(heading="Conditions of the data", make=conditions.make),
        "corruption": Part(heading="By corruption", make=corruption.make),
        "draws": Part(heading="Draws of the corruptions", make=draws.make),
        "batchnorm": Part(heading="Statistics of BatchNorm", make=batchnorm.make),
        "resolution": Part(heading="Resolution", make=resolution.make),
        "classes": Part(heading="Classes", make=classes.make),
        "worst": Part(heading="Worst images", make=worst.make, closed=True),
        "calibration": Part(heading="Boundary and calibration", make=calibration.make, closed=True),
        "speed": Part(heading="Speed", make=speed.make),
        "references": Part(heading="Next to other results", make=references.make),
        "gallery": Part(heading="Gallery", make=gallery.make),
    },
)
