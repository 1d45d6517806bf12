"""How many frames, and how many conditions, rank the networks as all do: for whoever cannot afford 72 conditions."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.studies import ranking
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.robustness import headline

from .ranking import Study

__all__ = ["sentences"]

DRAWS = 100  # of a part of each size
SETTLED = 0.9  # Kendall's tau from which on a ranking is called the same
FRAMES = (5, 10, 20, 40, 78, 120, 233)
SOME_CONDITIONS = (2, 4, 8, 16, 32, 72)


def sentences(study: Study) -> list[str]:
    """State the smallest number of frames, and of conditions, with which the ranking is the same."""
    counts = read_counts(study.cells)
    cells = list(counts.cells[["model", "corruption", "severity"]].itertuples(index=False, name=None))
    pairs = [(name, level) for name, levels in study.conditions.items() for level in levels]
    places = np.array([[cells.index((name, *pair)) for pair in pairs] for name in study.names])

    def of_frames(part: NDArray[np.intp]) -> NDArray[np.float64]:
        """Score the networks from these frames: mIoU by condition, (networks, conditions)."""
        sums = {name: terms[:, part].sum(axis=1, dtype=np.float64) for name, terms in counts.terms.items()}
        return np.asarray(counts.metric.score(sums, (len(cells),))[places])

    def headlines(part: NDArray[np.intp]) -> NDArray[np.float64]:
        table = dict(zip(pairs, of_frames(part).T, strict=True))
        return np.asarray(headline(lambda name, level: table[name, level], study.conditions))

    frames = len(counts.blocks)
    every = of_frames(np.arange(frames))

    def of_conditions(part: NDArray[np.intp]) -> NDArray[np.float64]:
        """Average a part of the conditions; all of them as the headline does, by corruption first."""
        return headlines(np.arange(frames)) if len(part) == len(pairs) else np.asarray(every[:, part].mean(axis=1))

    return [
        settled("frames", headlines, frames, FRAMES),
        settled("conditions", of_conditions, len(pairs), SOME_CONDITIONS),
    ]


def settled(
    what: str, headlines: Callable[[NDArray[np.intp]], NDArray[np.float64]], total: int, sizes: Sequence[int]
) -> str:
    """State the smallest of these sizes of a part that ranks the networks as all do."""
    for each in ranking.settle(headlines, total, [size for size in sizes if size < total], draws=DRAWS):
        if each.low >= SETTLED:
            return (
                f"{each.size} random {what} of {total} rank the networks as all do: Kendall's tau is {each.low:.2f} or "
                f"more in 95 % of draws, {each.median:.2f} in the middle."
            )
    return f"No part of the {total} {what} that was tried has Kendall's tau {SETTLED} with all in 95 % of draws."
