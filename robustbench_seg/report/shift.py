"""Which shifts of the resolution a suite's views let one compare, and what each costs a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..store.cell import CLEAN, View
from ..studies.arms import ArmDifference
from ..studies.resolution import Effect, effects
from ..studies.statistics import Draws
from .evidence import Evidence

__all__ = ["Shift", "effect_differences", "effect_draws", "shift_of", "view_of"]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What a suite's views let one compare. slide: the first windows at scale 1, which are to be of the training crop.
    scales: those at which there is a view of these windows or of the whole image.
    """

    slide: View
    scales: tuple[float, ...]


def shift_of(views: Sequence[str]) -> Shift | None:
    """Find windows at scale 1 and a whole image among views; None where either is missing."""
    parsed = [view for view in map(view_of, views) if view is not None]
    slides = [view for view in parsed if view.mode == "slide" and view.scale == 1]
    if not slides or not any(view.mode == "whole" for view in parsed):
        return None
    first = slides[0]
    same = [view for view in parsed if view.mode == "whole" or (view.crop, view.stride) == (first.crop, first.stride)]
    return Shift(slide=first, scales=tuple(sorted({scale for view in same for scale in view.scales})))


def view_of(text: str) -> View | None:
    """Read what str(View) wrote; None for several scales or a flip, which are no shift of the resolution."""
    view = View.parse(text)
    return view if len(view.scales) == 1 and not view.flip else None


def effect_draws(evidence: Evidence, shift: Shift, title: str, condition: tuple[str, int]) -> dict[str, Draws]:
    """Compute a model's effects, by name ("extent", "scale x2", "joint x2"); only those whose views were asked for."""
    return {name: effect.lost for name, effect in effects_by_name(evidence, shift, title, condition).items()}


def effects_by_name(evidence: Evidence, shift: Shift, title: str, condition: tuple[str, int]) -> dict[str, Effect]:
    have = set(evidence.views)
    return {
        effect.kind if effect.kind == "extent" else f"{effect.kind} x{effect.scale:g}": effect
        for effect in effects(lambda view: evidence.miou(title, view)(*condition), shift.slide, shift.scales)
        if effect.view in have
    }


def effect_differences(
    evidence: Evidence, shift: Shift, condition: tuple[str, int] = (CLEAN, 0)
) -> dict[tuple[tuple[str, str], str], ArmDifference]:
    """Compare arms in their effects, the later of `pairs` minus the earlier: by ((later, earlier), effect).

    Positive: the later loses more.
    """
    each = {title: effects_by_name(evidence, shift, title, condition) for title in evidence.titles}
    if not evidence.resamples:
        return {}
    found = {}
    for first, second in evidence.pairs():
        for name, effect in each[evidence.titles[0]].items():
            values = {title: own[name].lost for title, own in each.items()}
            views = (str(shift.slide), effect.view)
            found[(second, first), name] = evidence.difference(values, second, first, views)
    return found
