"""The cost of a resolution shift: the SegFormer paper's Table 1c, separated into effects.

That table compares windows of the training crop with the whole image. This changes the number of positions that the
encoder sees, but not the size of objects: the extent effect. Scaling the image under the same windows changes the size
of objects, but not the positions: the scale effect. Scaling the whole image changes both: the joint effect.

    extent effect     slide(1x) - whole(1x)
    scale effect      slide(1x) - slide(s)
    joint effect      slide(1x) - whole(s)

A whole image may be padded to a multiple: a suite with both kinds of views has a shift for each. A positive effect is a
loss. Its share is the loss divided by the mIoU by windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..store.cell import CLEAN
from ..store.view import View
from .comparisons import Differences
from .evidence import Evidence
from .published import OwnRun, published_rows, read_published
from .robustness import Conditions, cell_scores, headline
from .statistics import Draws

__all__ = ["ENCODINGS", "Shift", "extent_differs", "published_extent", "shifts_of"]

ENCODINGS = {"mix_ffn": "Mix-FFN", "learned_pe": "learned encoding"}  # the arms of Table 1c, for readers


@dataclass(frozen=True, kw_only=True, eq=False)
class Shift:
    """What the views of a suite let one compare, and what it costs each model, mIoU 0-1 in the data and each resample.

    slide: the first windows at scale 1, which are to be of the training crop. whole: the whole image at scale 1,
    perhaps padded. views: by these windows or of such a whole image, at one scale, without a flip, and with the
    stored statistics. name: of the view `whole`, where another shift leads the report; else "".
    """

    evidence: Evidence
    conditions: Conditions
    slide: View
    whole: View
    views: Sequence[View]
    name: str = ""

    @property
    def image(self) -> str:
        """The whole image in words."""
        padding = f", padded to multiples of {self.whole.pad_to}" if self.whole.pad_to > 1 else ""
        return f"the whole image{padding}"

    @property
    def curves(self) -> dict[str, list[View]]:
        """The views whose scores are a curve over scales."""
        whole = [view for view in self.views if view.mode == self.whole.mode]
        windows = [view for view in self.views if view not in whole]
        return {f"windows of {self.slide.crop} pixels": windows, self.image.removeprefix("the "): whole}

    @property
    def scales(self) -> list[float]:
        """The scales at which there is a view."""
        return sorted({view.scales[0] for view in self.views})

    @cached_property
    def effects(self) -> dict[str, View]:
        """The view that is compared with `slide`, by effect: extent, then scale x2 and joint x2 of each other scale.

        Scale effects are of windows alone, so only the leading shift has them.
        """
        others = [scale for scale in self.scales if scale != 1]
        every = {
            "extent": self.whole,
            **({} if self.name else {f"scale x{scale:g}": replace(self.slide, scale=scale) for scale in others}),
            **{f"joint x{scale:g}": replace(self.whole, scale=scale) for scale in others},
        }
        return {name: view for name, view in every.items() if view in self.views}

    def lost(self, title: str, corruption: str = CLEAN, severity: int = 0) -> dict[str, Draws]:
        """Compute the mIoU that a model loses by each effect."""
        windows, *others = (
            self.evidence.miou(title, view)(corruption, severity) for view in (self.slide, *self.effects.values())
        )
        return {name: windows - other for name, other in zip(self.effects, others, strict=True)}

    def costs(self, title: str) -> dict[Any, Draws]:
        """Compute a model's clean mIoU by windows, what each effect loses of it, and its share ("extent share")."""
        clean, lost = self.evidence.miou(title, self.slide)(CLEAN, 0), self.lost(title)
        return {self.slide: clean, **lost, **{f"{name} share": own / positive(clean) for name, own in lost.items()}}

    def costs_by_condition(self, title: str) -> dict[Any, Draws]:
        """Compute what a model loses: by effect and (corruption, severity), clean images first."""
        every = cell_scores(lambda *condition: self.lost(title, *condition), self.conditions)
        return {(effect, place): own for place, each in every.items() for effect, own in each.items()}

    def shares(self, title: str) -> Mapping[str, Draws]:
        """Compute the share of the extent effect: clean, corrupted (on average), and the growth.

        In points an effect shrinks wherever little mIoU is left to lose. Empty where there is no extent effect.
        """
        if not self.conditions or "extent" not in self.effects:
            return {}
        windows = self.evidence.miou(title, self.slide)
        clean = self.lost(title)["extent"] / positive(windows(CLEAN, 0))
        lost = headline(lambda *condition: self.lost(title, *condition)["extent"], self.conditions)
        corrupted = lost / positive(headline(windows, self.conditions))
        return {"clean": clean, "corrupted": corrupted, "growth": corrupted - clean}

    @cached_property
    def differences(self) -> Differences:
        """Compare arms in their effects on clean images. Positive: the first of a pair loses more."""
        return self.evidence.differences(self.lost, lambda name: (self.slide, self.effects[name]))

    @cached_property
    def growth(self) -> Differences:
        """Compare arms in the growth of the share that they lose."""
        return self.evidence.differences(
            lambda title: {name: own for name, own in self.shares(title).items() if name == "growth"},
            (self.slide, self.whole),
        )


def shifts_of(evidence: Evidence, views: Sequence[View], conditions: Conditions) -> list[Shift]:
    """Find windows at scale 1 and whole images among views: a shift for each kind of whole image, the first leads.

    A primary comparison without a view is of the first.
    """
    single = [view for view in views if len(view.scales) == 1 and not view.flip and view.batchnorm is None]
    slide = next((view for view in single if view.mode == "slide" and view.scale == 1), None)
    if slide is None:
        return []
    modes = dict.fromkeys(view.mode for view in single if view.mode == "whole" or view.pad_to > 1)
    shifts: list[Shift] = []
    for mode in modes:
        same = [view for view in single if view.mode == mode or (view.crop, view.stride) == (slide.crop, slide.stride)]
        with_view = [comparison for comparison in evidence.primary if comparison.view]
        shifts.append(
            Shift(
                evidence=replace(evidence, primary=with_view) if shifts else evidence,
                conditions=conditions,
                slide=slide,
                whole=View(mode=mode),
                views=same,
                name=mode if shifts else "",
            )
        )
    return shifts


def positive(miou: Draws) -> Draws:
    """Replace an mIoU of 0, which has no shares, by NaN."""
    return np.where(miou > 0, miou, np.nan)


def published_extent() -> pd.DataFrame:
    """Return the extent effect in the SegFormer paper's Table 1c: encoding, slide, whole (mIoU 0-1), points, share."""
    table = read_published("table1c_positional").pivot(
        index="encoding", columns="inference_mode", values="cityscapes_miou"
    )
    slide, whole = table["slide"] / 100, table["whole"] / 100
    lost = slide - whole
    return pd.DataFrame({"slide": slide, "whole": whole, "points": 100 * lost, "share": lost / slide}).reset_index()


def extent_differs(shift: Shift, **setting: Any) -> str:
    """Name the differences between the setting of Table 1c and ours; "" if there are none. setting: of `OwnRun`."""
    texts: list[str] = []
    for mode, view in (("slide", shift.slide), ("whole", shift.whole)):
        rows = published_rows("table1c_positional", OwnRun(protocol="clean", view=str(view), **setting))
        texts += rows.loc[rows["inference_mode"] == mode, "differs"].iloc[0].split("; ")
    return "; ".join(dict.fromkeys(filter(None, texts)))
