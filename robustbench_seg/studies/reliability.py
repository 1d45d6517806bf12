"""How often a model is right at each confidence: the bins of the calibration error, of an arm's runs together.

Under corruption a bin holds the pixels of all cells: each corruption has the same weight, and in it each severity.
Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 2 (reliability diagrams).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..metrics.calibration import BINS, COLUMNS, QUANTA
from ..store.cell import CLEAN
from .robustness import Conditions

__all__ = ["reliability"]


def reliability(cells: pd.DataFrame, arms: Mapping[str, Sequence[str]], conditions: Conditions) -> pd.DataFrame:
    """Make a table with a row per arm, condition ("clean" or "corrupted") and bin, from 1 on.

    Columns: pixels (share of the labelled ones), confidence (mean) and accuracy, all 0-1; the last two are NaN in an
    empty bin, and all three if a cell is missing. cells: of `quality_frame` in one view, with counts of calibration and
    `title`, the models' names.
    """
    counts = {
        place: np.stack([own[name].sum(axis=0) for name in COLUMNS]).astype(np.float64)
        for *place, own in cells[["title", "corruption", "severity", "counts"]].itertuples(index=False, name=None)
        for place in [tuple(place)]
    }
    images = {CLEAN: {CLEAN: (0,)}, **({"corrupted": conditions} if conditions else {})}
    parts = []
    for arm, members in arms.items():
        for kind, some in images.items():
            sums = np.mean([sum_of(counts, title, some) for title in members], axis=0)
            pixels, correct, confidence = sums
            with np.errstate(invalid="ignore"):
                confidence, accuracy = confidence / QUANTA / pixels, correct / pixels
                values = {"pixels": pixels / pixels.sum(), "confidence": confidence, "accuracy": accuracy}
            parts.append(pd.DataFrame({"arm": arm, "condition": kind, "bin": range(1, 1 + BINS), **values}))
    return pd.concat(parts, ignore_index=True)


def sum_of(
    counts: Mapping[tuple[str, str, int], NDArray[np.float64]], title: str, conditions: Conditions
) -> NDArray[np.float64]:
    """Sum COLUMNS, (3, BINS), over the cells of a model: NaN if one is missing."""
    missing = np.full((len(COLUMNS), BINS), np.nan)
    means = [
        np.mean([counts.get((title, name, severity), missing) for severity in severities], axis=0)
        for name, severities in conditions.items()
    ]
    return np.asarray(np.sum(means, axis=0))
