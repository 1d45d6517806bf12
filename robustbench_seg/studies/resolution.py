"""The cost of a resolution shift: the SegFormer paper's Table 1c, separated into effects.

That table compares windows of the training crop with the whole image. This changes the number of positions that the
encoder sees, but not the size of objects: the extent effect. Scaling the image under the same windows changes the size
of objects, but not the positions: the scale effect. Scaling the whole image changes both: the joint effect.

    extent effect     slide(1x) - whole(1x)
    scale effect      slide(1x) - slide(s)
    joint effect      slide(1x) - whole(s)

A positive effect is a loss. An mIoU may be a number or an array of resamples.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..errors import UsageError
from ..store.view import View
from .published import OwnRun, published_rows, read_published

__all__ = ["ENCODINGS", "Effect", "arm_of_table_1c", "effects", "extent_differs", "published_extent"]

ARMS = {"mix": "mix_ffn", "learned": "learned_pe"}  # word in an arm's name: encoding in the paper's Table 1c
ENCODINGS = {"mix_ffn": "Mix-FFN", "learned_pe": "learned encoding"}  # their names for readers

Value = Any  # a float, or an array of Draws
MiouOfView = Callable[[str], Value]  # label of a View ─▶ mIoU (0-1), NaN for a missing cell


@dataclass(frozen=True, eq=False)
class Effect:
    """kind: "extent", "scale" or "joint". view: the one compared with slide(1x). lost: mIoU, 0-1."""

    kind: str
    scale: float
    view: str
    lost: Value


def effects(miou: MiouOfView, slide: View, scales: Sequence[float] = ()) -> list[Effect]:
    """Compute the extent effect, then the scale and the joint effect of each scale except 1.

    slide: windows of the training crop at scale 1. Raises UsageError for any other view.
    """
    if slide.mode != "slide" or slide.scale != 1:
        raise UsageError(f"effects are relative to windows of the training crop at scale 1, got the view {slide}")
    others = [scale for scale in scales if scale != 1]
    comparisons = [("extent", 1.0, View())]
    comparisons += [("scale", scale, replace(slide, scale=scale)) for scale in others]
    comparisons += [("joint", scale, View(scale=scale)) for scale in others]
    base = miou(slide.label)
    return [Effect(kind, scale, view.label, base - miou(view.label)) for kind, scale, view in comparisons]


def published_extent() -> pd.DataFrame:
    """Return the extent effect in the SegFormer paper's Table 1c: encoding, slide, whole (mIoU 0-1), points, share."""
    table = read_published("table1c_positional").pivot(
        index="encoding", columns="inference_mode", values="cityscapes_miou"
    )
    slide, whole = table["slide"] / 100, table["whole"] / 100
    lost = slide - whole
    return pd.DataFrame({"slide": slide, "whole": whole, "points": 100 * lost, "share": lost / slide}).reset_index()


def extent_differs(slide: View, **setting: Any) -> str:
    """Name the differences between the setting of Table 1c and ours; "" if there are none.

    slide: our windows. setting: of `OwnRun`.
    """
    texts: list[str] = []
    for mode, view in (("slide", slide), ("whole", View())):
        rows = published_rows("table1c_positional", OwnRun(protocol="clean", view=str(view), **setting))
        texts += rows.loc[rows["inference_mode"] == mode, "differs"].iloc[0].split("; ")
    return "; ".join(dict.fromkeys(filter(None, texts)))


def arm_of_table_1c(arm: str) -> str | None:
    """Return the encoding of Table 1c that an arm's name contains; None for none or for both, as in a control."""
    encodings = [encoding for word, encoding in ARMS.items() if word in re.split(r"\W", arm)]
    return encodings[0] if len(encodings) == 1 else None
