"""How many frames, and how many conditions, rank the networks as all do: for whoever cannot afford 72 conditions.

A part is compared with the whole that it is a part of, which flatters it; two halves without a shared block show how
far the whole itself can be trusted.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.studies.counts import read_counts

from .rank_statistics import kendall, settle
from .study import Study

__all__ = ["sentences"]

DRAWS = 200  # of a part of each size
SETTLED = 0.9  # Kendall's tau from which on a ranking is called the same
FRAMES = (5, 10, 20, 40, 78, 120, 233)
SOME_CONDITIONS = (2, 4, 8, 16, 32, 48, 64)
Part = NDArray[np.intp]


def sentences(study: Study) -> list[str]:
    """State the smallest number of frames, and of conditions, with which the ranking is the same."""
    counts = read_counts(study.cells)
    cells = list(counts.cells[["title", "corruption", "severity"]].itertuples(index=False, name=None))
    pairs = [(name, level) for name, levels in study.conditions.items() for level in levels]
    places = np.array([[cells.index((name, *pair)) for pair in pairs] for name in study.names])
    weights = np.array([1 / len(study.conditions[name]) for name, _ in pairs])  # means of severities, then corruptions
    every, conditions = np.arange(len(counts.blocks)), np.arange(len(pairs))

    def by_condition(frames: Part) -> NDArray[np.float64]:
        """Score the networks from these frames: mIoU, (networks, conditions)."""
        sums = {name: terms[:, frames].sum(axis=1, dtype=np.float64) for name, terms in counts.terms.items()}
        return np.asarray(counts.metric.score(sums, (len(cells),))[places])

    def mean(scores: NDArray[np.float64], part: Part) -> NDArray[np.float64]:
        return np.asarray(np.average(scores[:, part], axis=1, weights=weights[part]))

    whole = by_condition(every)
    frames, of_frames = settled("frames", lambda part: mean(by_condition(part), conditions), len(every), FRAMES)
    some, of_conditions = settled("conditions", lambda part: mean(whole, part), len(pairs), SOME_CONDITIONS)
    lines = [f"Ranked by the mean mIoU under corruption: {of_frames} {of_conditions}"]
    rng = np.random.default_rng(0)
    if frames and some:
        both = [
            mean(by_condition(rng.choice(every, frames, replace=False)), rng.choice(conditions, some, replace=False))
            for _ in range(DRAWS)
        ]
        lines[0] += f" With both at once, {likeness(both, [mean(whole, conditions)] * DRAWS)}."
    halves = [half(np.asarray(counts.blocks), rng) for _ in range(DRAWS)]
    one, other = (
        [mean(by_condition(np.flatnonzero(own)), conditions) for own in side] for side in zip(*halves, strict=True)
    )
    lines.append(
        f"How sure all {len(every)} frames are: between two random halves of their blocks, {likeness(one, other)}."
    )
    return lines


def half(blocks: NDArray[np.str_], rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Divide frames by their blocks at random: which are in one half, and which in the other."""
    names = np.unique(blocks)
    own = np.isin(blocks, rng.choice(names, len(names) // 2, replace=False))
    return own, ~own


def likeness(some: Sequence[NDArray[np.float64]], others: Sequence[NDArray[np.float64]]) -> str:
    """State how alike rankings are, over draws: (networks,) each."""
    tau = kendall(np.array(some), np.array(others))
    return (
        f"Kendall's tau is {np.nanmedian(tau):.2f} in the middle and {np.nanquantile(tau, 0.05):.2f} or more in 95 % "
        "of draws"
    )


def settled(
    what: str, headlines: Callable[[Part], NDArray[np.float64]], total: int, sizes: Sequence[int]
) -> tuple[int, str]:
    """Find the smallest of these sizes of a part that ranks the networks as all do, 0 for none; and state it."""
    for each in settle(headlines, total, [size for size in sizes if size < total], draws=DRAWS):
        if each.low >= SETTLED:
            return each.size, (
                f"{each.size} random {what} of {total} rank nearly as all {total} do, of which they are a part: "
                f"Kendall's tau is {each.median:.2f} in the middle and {each.low:.2f} or more in 95 % of draws."
            )
    return 0, f"No part of the {total} {what} that was tried has Kendall's tau {SETTLED} with all in 95 % of draws."
