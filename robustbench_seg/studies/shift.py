"""Which shifts of the resolution a suite's views let one compare, and what each costs a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..store.cell import CLEAN
from ..store.view import View
from .comparisons import Differences
from .evidence import Evidence
from .resolution import Effect, effects
from .robustness import Conditions, headline
from .statistics import Draws

__all__ = [
    "Shift",
    "costs",
    "costs_by_condition",
    "effect_differences",
    "growth_of_share",
    "lost_by_effect",
    "shift_of",
    "views_by_kind",
]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What a suite's views let one compare. slide: the first windows at scale 1, which are to be of the training crop.
    scales: those at which there is a view of these windows or of the whole image.
    """

    slide: View
    scales: tuple[float, ...]


def shift_of(views: Sequence[View]) -> Shift | None:
    """Find windows at scale 1 and a whole image among views; None where either is missing."""
    single = [view for view in views if is_single(view)]
    slides = [view for view in single if view.mode == "slide" and view.scale == 1]
    if not slides or not any(view.mode == "whole" for view in single):
        return None
    first = slides[0]
    same = [view for view in single if view.mode == "whole" or (view.crop, view.stride) == (first.crop, first.stride)]
    return Shift(slide=first, scales=tuple(sorted({view.scales[0] for view in same})))


def is_single(view: View) -> bool:
    """Whether a view is at one scale, not flipped and not transductive: others are no shift of the resolution."""
    return len(view.scales) == 1 and not view.flip and view.batchnorm is None


def views_by_kind(views: Sequence[View], shift: Shift) -> dict[str, list[View]]:
    """Choose the views whose scores are a curve over scales: the shift's windows, and the whole image."""
    single = [view for view in views if is_single(view)]
    slide = shift.slide
    return {
        f"windows of {slide.crop} pixels": [v for v in single if (v.crop, v.stride) == (slide.crop, slide.stride)],
        "whole image": [view for view in single if view.mode == "whole"],
    }


def costs(evidence: Evidence, shift: Shift, title: str) -> dict[Any, Draws]:
    """Compute a model's clean mIoU by windows, what each effect loses of it, and that as a share ("extent share")."""
    clean, lost = evidence.miou(title, shift.slide)(CLEAN, 0), lost_by_effect(evidence, shift, title)
    return {shift.slide: clean, **lost, **{f"{name} share": own / positive(clean) for name, own in lost.items()}}


def costs_by_condition(evidence: Evidence, shift: Shift, title: str, conditions: Conditions) -> dict[Any, Draws]:
    """Compute what a model loses by each effect under each condition, clean images first.

    Keys are (effect, ("lost", corruption, severity)).
    """
    return {
        (effect, ("lost", name, severity)): lost
        for name, severities in {CLEAN: (0,), **conditions}.items()
        for severity in severities
        for effect, lost in lost_by_effect(evidence, shift, title, (name, severity)).items()
    }


def effects_by_name(evidence: Evidence, shift: Shift, title: str, condition: tuple[str, int]) -> dict[str, Effect]:
    """Compute a model's effects, by name ("extent", "scale x2", "joint x2"); only those whose views there are."""
    return {
        effect.kind if effect.kind == "extent" else f"{effect.kind} x{effect.scale:g}": effect
        for effect in effects(
            lambda view: evidence.miou(title, View.parse(view))(*condition), shift.slide, shift.scales
        )
        if View.parse(effect.view) in evidence.views
    }


def lost_by_effect(
    evidence: Evidence, shift: Shift, title: str, condition: tuple[str, int] = (CLEAN, 0)
) -> dict[str, Draws]:
    """Compute the mIoU that a model loses by each effect."""
    return {name: effect.lost for name, effect in effects_by_name(evidence, shift, title, condition).items()}


def effect_differences(evidence: Evidence, shift: Shift) -> Differences:
    """Compare arms in their effects on clean images. Positive: the first of a pair loses more."""
    if not evidence.pairs():
        return {}
    compared = {
        name: (shift.slide, View.parse(effect.view))
        for name, effect in effects_by_name(evidence, shift, evidence.titles[0], (CLEAN, 0)).items()
    }
    return evidence.differences(lambda title: lost_by_effect(evidence, shift, title), compared.__getitem__)


def growth_of_share(evidence: Evidence, shift: Shift, title: str, conditions: Conditions) -> Mapping[str, Draws]:
    """Compute the extent effect as a share of the windows' mIoU: clean, corrupted (on average), and the growth.

    In points an effect shrinks wherever little mIoU is left to lose. Empty where there is no extent effect.
    """
    if not conditions or View() not in evidence.views:
        return {}

    def lost(corruption: str, severity: int) -> Draws:
        return lost_by_effect(evidence, shift, title, (corruption, severity))["extent"]

    windows = evidence.miou(title, shift.slide)
    clean = lost(CLEAN, 0) / positive(windows(CLEAN, 0))
    corrupted = headline(lost, conditions) / positive(headline(windows, conditions))
    return {"clean": clean, "corrupted": corrupted, "growth": corrupted - clean}


def growth_differences(evidence: Evidence, shift: Shift, conditions: Conditions) -> Differences:
    """Compare arms in the growth of the share that they lose."""

    def growth(title: str) -> dict[str, Draws]:
        shares = growth_of_share(evidence, shift, title, conditions)
        return {"growth": shares["growth"]} if shares else {}

    return evidence.differences(growth, (shift.slide, View()))


def positive(miou: Draws) -> Draws:
    """Replace an mIoU of 0, which has no shares, by NaN."""
    return np.where(miou > 0, miou, np.nan)
