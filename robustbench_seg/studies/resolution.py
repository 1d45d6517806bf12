"""What a shift of the resolution costs: the analogue of the SegFormer paper's Table 1c, taken apart.

That table compares windows of the training crop with the whole image, so the number of positions that an encoder sees
changes and the size of objects does not: the extent. Scaling the image under the same windows changes objects and not
positions: the scale. Scaling the whole image changes both.

    extent effect     slide(1x) - whole(1x)
    scale effect      slide(1x) - slide(s)
    joint effect      slide(1x) - whole(s)

Positive is a loss. An effect is arithmetic on whatever an mIoU is: a number, or an array of resamples.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..errors import UsageError
from ..store.cell import View
from .published import read_published

__all__ = ["Effect", "arm_of_table_1c", "effects", "published_extent"]

ARMS = {"mix": "mix_ffn", "learned": "learned_pe"}  # a word in an arm's name: the encoding in the paper's Table 1c

Value = Any  # a float, or an array of Draws
MiouOfView = Callable[[str], Value]  # a view, as str(View) writes it ─▶ mIoU (0-1), NaN where the cell is missing


@dataclass(frozen=True, eq=False)
class Effect:
    """kind: "extent", "scale" or "joint". view: what was compared with slide(1x). lost: mIoU, 0-1."""

    kind: str
    scale: float
    view: str
    lost: Value


def effects(miou: MiouOfView, slide: View, scales: Sequence[float] = ()) -> list[Effect]:
    """Compute the extent effect, then the scale and the joint effect of each scale but 1.

    slide: windows of the training crop at scale 1. Raises UsageError for another view there.
    """
    if slide.mode != "slide" or slide.scale != 1:
        raise UsageError(f"effects are against windows of the training crop at scale 1, got the view {slide}")
    others = [scale for scale in scales if scale != 1]
    compared = [("extent", 1.0, View())]
    compared += [("scale", scale, replace(slide, scale=scale)) for scale in others]
    compared += [("joint", scale, View(scale=scale)) for scale in others]
    base = miou(str(slide))
    return [Effect(kind, scale, str(view), base - miou(str(view))) for kind, scale, view in compared]


def published_extent() -> pd.DataFrame:
    """The extent effect of the SegFormer paper's Table 1c: encoding, slide and whole (mIoU 0-1), points, share."""
    table = read_published("table1c_positional").pivot(
        index="encoding", columns="inference_mode", values="cityscapes_miou"
    )
    slide, whole = table["slide"] / 100, table["whole"] / 100
    lost = slide - whole
    return pd.DataFrame({"slide": slide, "whole": whole, "points": 100 * lost, "share": lost / slide}).reset_index()


def arm_of_table_1c(arm: str) -> str | None:
    """Say which encoding of Table 1c an arm's name tells of; None for another arm, such as a control with both."""
    found = [encoding for word, encoding in ARMS.items() if word in re.split(r"\W", arm)]
    return found[0] if len(found) == 1 else None
