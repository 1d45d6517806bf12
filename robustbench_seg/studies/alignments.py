"""Sentences on the effect on scores if the classes of a model differ from the classes of the data set."""

import pandas as pd

from ..store.cell import CLEAN
from ..wording import listed

__all__ = ["limits_of_classes", "unmapped_share"]

EXAMPLES = 4


def limits_of_classes(cells: pd.DataFrame) -> list[str]:
    """Name the classes without a partner in the model or the data set, and the share of pixels that this affects.

    cells: from `quality_frame`, with the column `title`. There is one sentence per model and direction. The share is
    over clean images in the first view.
    """
    sentences = []
    for title, own in cells.groupby("title", sort=False):
        first = (own[own["corruption"] == CLEAN] if (own["corruption"] == CLEAN).any() else own).iloc[0]
        alignment, classes = first["alignment"], first["class_names"]
        if unused := [name for name, target in alignment if target is None]:
            images = "clean images" if first["corruption"] == CLEAN else f"images under {first['corruption']}"
            share = f"{100 * unmapped_share(first):.1f} %"
            pixels = "pixels" if first["void"] == "counted" else "labelled pixels"
            sentences.append(
                f"{title}: of the model's {len(alignment)} classes, {len(unused)} "
                f"{'maps' if len(unused) == 1 else 'map'} to nothing ({listed(unused, EXAMPLES)}); {share} of the "
                f"{pixels} of {images} are predicted as such, and count as wrong."
            )
        targets = {target for _, target in alignment}
        if alignment and (unreached := [name for name in classes if name not in targets]):
            these = "this class occurs, its" if len(unreached) == 1 else "these occur, their"
            sentences.append(
                f"{title}: no class of the model maps to {listed(unreached, EXAMPLES)}; where {these} IoU is 0 and "
                "counts in the mean."
            )
    return sentences


def unmapped_share(cell: pd.Series) -> float:
    """Compute the share of a cell's counted pixels whose predicted class maps to nothing, 0-1."""
    counts = cell["counts"]
    counted = counts["height"] @ counts["width"] if cell["void"] == "counted" else counts["labelled"].sum()
    return 1 - int(counts["predicted"].sum()) / int(counted) if counted else float("nan")
