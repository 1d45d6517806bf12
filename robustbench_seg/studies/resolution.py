"""What a shift of the resolution costs: the analogue of the SegFormer paper's Table 1c, taken apart.

That table compares windows of the training crop with the whole image, so the number of positions that an encoder sees
changes and the size of objects does not: the extent. Scaling the image under the same windows changes objects and not
positions: the scale. Scaling the whole image changes both.

    extent effect     slide(1x) - whole(1x)
    scale effect      slide(1x) - slide(s)
    joint effect      slide(1x) - whole(s)

Positive is a loss. An effect is arithmetic on whatever an mIoU is: a number, or an array of resamples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UsageError
from ..record import CLEAN, View
from .published import read_published
from .robustness import MODEL, SETTING

__all__ = ["Effect", "effects", "published_extent", "resolution_table"]

Value = Any  # a float, or an array of Draws
MiouOfView = Callable[[str], Value]  # a view, as str(View) writes it ─▶ mIoU (0-1), NaN where the cell is missing


@dataclass(frozen=True, eq=False)
class Effect:
    """kind: "extent", "scale" or "joint". view: what was compared with slide(1x). lost: mIoU, 0-1; share: of slide(1x)
    (NaN where that is 0).
    """

    kind: str
    scale: float
    view: str
    lost: Value
    share: Value


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
    whole = np.where(np.asarray(base) > 0, base, np.nan)
    found = []
    for kind, scale, view in compared:
        lost = base - miou(str(view))
        found.append(Effect(kind, scale, str(view), lost, lost / whole))
    return found


def resolution_table(
    cells: pd.DataFrame, slide: View, scales: Sequence[float] = (), condition: tuple[str, int] = (CLEAN, 0)
) -> pd.DataFrame:
    """One row per model, setting and effect: kind, scale, view, base (mIoU of slide(1x)), miou, points, share.

    cells: of `quality_frame`; those of one condition, a corruption and its severity, are used. points: 100 times the
    loss. Missing cells leave NaN.
    """
    corruption, severity = condition
    chosen = cells[(cells["corruption"] == corruption) & (cells["severity"] == severity)]
    columns = [name for name in [*MODEL, *SETTING] if name != "view"]
    rows = []
    for group, part in chosen.groupby(columns, sort=False):
        by_view = part.set_index("view")["miou"]

        def miou(view: str, by_view: pd.Series = by_view) -> float:
            return float(by_view.get(view, float("nan")))

        fields = {**dict(zip(columns, group, strict=True)), "corruption": corruption, "severity": severity}
        for effect in effects(miou, slide, scales):
            rows.append(
                {
                    **fields,
                    "kind": effect.kind,
                    "scale": effect.scale,
                    "view": effect.view,
                    "base": miou(str(slide)),
                    "miou": miou(effect.view),
                    "points": 100 * effect.lost,
                    "share": float(effect.share),
                }
            )
    return pd.DataFrame(rows)


def published_extent() -> pd.DataFrame:
    """The extent effect of the SegFormer paper's Table 1c: encoding, slide and whole (mIoU 0-1), points, share."""
    table = read_published("table1c_positional").pivot(
        index="encoding", columns="inference_mode", values="cityscapes_miou"
    )
    slide, whole = table["slide"] / 100, table["whole"] / 100
    lost = slide - whole
    return pd.DataFrame({"slide": slide, "whole": whole, "points": 100 * lost, "share": lost / slide}).reset_index()
