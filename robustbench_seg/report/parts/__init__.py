"""The parts of a section, one per heading of the page, in its order. A part of a user's own comes after ours.

A part makes all content under its heading from a panel, the cells of a setting; none where it does not apply.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...family import Family
from ..content import Content
from ..panel import Panel
from . import (
    batchnorm,
    calibration,
    classes,
    clean,
    conditions,
    corruption,
    draws,
    gallery,
    references,
    resolution,
    speed,
    worst,
)  # fmt: skip

__all__ = ["PARTS", "Part"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """heading: over its tables and figures. make: makes them, and sentences on them, of the cells of a setting.

    of: the panels that it makes them of, such as `Panel.each_view`; by default all cells of a setting together. closed:
    whether the page shows them only when asked to.
    """

    heading: str
    make: Callable[[Panel], Content]
    of: Callable[[Panel], Iterable[Panel]] = lambda panel: (panel,)
    closed: bool = False

    def content(self, panel: Panel) -> Content:
        """Make the content under the heading, of a setting."""
        made = sum(map(self.make, self.of(panel)), Content())
        return made.under(self.heading, panel.source.plan.protocol)


PARTS: Family[Part] = Family(
    "part",
    Part,
    {
        "clean": Part(heading="Clean images", make=clean.make),
        "conditions": Part(heading="Conditions of the data", make=conditions.make, of=Panel.each_view),
        "corruption": Part(heading="By corruption", make=corruption.make, of=Panel.corrupted_views),
        "draws": Part(heading="Draws of the corruptions", make=draws.make),
        "batchnorm": Part(heading="Statistics of BatchNorm", make=batchnorm.make),
        "resolution": Part(heading="Resolution", make=resolution.make),
        "classes": Part(heading="Classes", make=classes.make, of=Panel.detailed_views),
        "worst": Part(heading="Worst images", make=worst.make, of=Panel.main_views, closed=True),
        "calibration": Part(heading="Boundary and calibration", make=calibration.make, closed=True),
        "speed": Part(heading="Speed", make=speed.make),
        "references": Part(heading="Next to other results", make=references.make, of=Panel.corrupted_views),
        "gallery": Part(heading="Gallery", make=gallery.make),
    },
)
