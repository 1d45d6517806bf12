"""The seven pairs that were trained at two sizes, on clean images at several input scales (zoo-resolution.yaml)."""

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.charts import Chart, Curve, lines
from robustbench_seg.studies.statistics import LEAST_BLOCKS, LEVEL, interval, tail_share
from robustbench_seg.wording import percent

from .names import LARGE, SMALL
from .pairs import Arms, Pairs
from .rank_statistics import paired_difference, two_way_interval
from .words import number, points, verdict

__all__ = ["chart", "sentences"]

ARMS = "own arms, trained on CamVid"


def sentences(pairs: Pairs, arms: Arms | None = None) -> list[str]:
    """State where networks peak, what the other size's best scale costs, and what arms with and without PE lose."""
    low, high = pairs.best
    rows = []
    for k, name in enumerate(pairs.names):
        places = [peak(own[:, k], pairs) for own in (pairs.small, pairs.large)]
        rows.append(f"| {name} | {' | '.join(places)} |")
    lines = [
        "Best input scale, in brackets its range over resamples of frames, and the clean mIoU there:",
        "",
        f"| network | trained at {SMALL} | trained on at {LARGE} |",
        "|:--|:--|:--|",
        *rows,
        "",
        f"- On average the networks trained at {SMALL} have their best clean mIoU at x{pairs.scales[low]:g}, those "
        f"trained on at {LARGE} at x{pairs.scales[high]:g}.",
    ]
    for size, draws in {SMALL: cost(pairs, pairs.small, 0), LARGE: cost(pairs, pairs.large, 1)}.items():
        value = two_way_interval(draws, len(pairs.names), pairs.blocks)
        lines.append(
            f"- At the scale that is best for the other size, instead of that for their own, the {len(pairs.names)} "
            f"networks trained at {size} lose {number(value, percent, 'points')}; {verdict(value, len(pairs.names))}. "
            "Both scales are those of the other pairs, so that no network chooses its own."
        )
    return [*lines, *(f"- {line}" for line in encodings(pairs, arms))]


def cost(pairs: Pairs, own: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Compute what networks lose at the other size's best scale: mIoU, of the data and of resamples.

    own: of the networks, (1 + resamples, pairs, scales). side: 0 for those of the smaller size, 1 for the others. The
    scales of a pair are the best ones of the other pairs on average.
    """
    others = [np.delete(each[0], k, axis=0).mean(axis=0).argmax() for k in range(len(pairs.names))
              for each in (pairs.small, pairs.large)]  # fmt: skip
    best = np.array(others).reshape(-1, 2)
    places = np.arange(len(pairs.names))
    return paired_difference(own[:, places, best[:, side]], own[:, places, best[:, 1 - side]])


def peak(draws: NDArray[np.float64], pairs: Pairs) -> str:
    """Write a network's best scale, the range of best scales over resamples of images, and its mIoU there."""
    best = int(draws[0].argmax())
    own = f"x{pairs.scales[best]:g}"
    if pairs.blocks < LEAST_BLOCKS:
        return f"{own}, {percent(draws[0, best])} %"
    tail = tail_share(pairs.blocks, LEVEL)
    ends = np.quantile(draws[1:].argmax(axis=1), [tail, 1 - tail], method="inverted_cdf").astype(int)
    low, high = (f"x{pairs.scales[end]:g}" for end in ends)
    return f"{own} ({low if low == high else f'{low} to {high}'}), {percent(draws[0, best])} %"


def encodings(pairs: Pairs, arms: Arms | None) -> list[str]:
    """State the share of its mIoU at scale 1 that each arm, and the pairs on average, lose at twice the scale."""
    lines = []
    scales = pairs.scales
    if {1.0, 2.0} <= set(scales):
        for size, own in ((SMALL, pairs.small), (LARGE, pairs.large)):
            one, two = (own[:, :, scales.index(scale)] for scale in (1.0, 2.0))
            value = two_way_interval(paired_difference(two / one, np.ones_like(one)), len(pairs.names), pairs.blocks)
            lines.append(
                f"From x1 to x2, these networks, which have no positional encoding, trained at {size}: "
                f"{number(value, points, '% of the mIoU at x1')}."
            )
    if arms and {1.0, 2.0} <= set(arms.scales):
        one_two = [arms.scales.index(scale) for scale in (1.0, 2.0)]
        for arm, draws in arms.curves.items():
            one, two = (draws[:, k] for k in one_two)
            value = interval(two / one - 1, arms.blocks)
            lines.append(
                f"From x1 to x2, our {arm}, trained on CamVid at x1, with an interval over images alone: "
                f"{number(value, points, '% of the mIoU at x1')}."
            )
    return lines


def chart(pairs: Pairs, arms: Arms | None = None) -> Chart:
    """Draw mIoU over input scale, a panel per pair and one for the arms."""

    def curve(name: str, draws: NDArray[np.float64], scales: list[float], series: int, blocks: int) -> Curve:
        own = tuple((scale, interval(draws[:, k], blocks)) for k, scale in enumerate(scales))
        return Curve(arm=name, points=own, series=series)

    panels = {
        name: [
            curve(f"trained at {size}", own[:, k], pairs.scales, series, pairs.blocks)
            for series, (size, own) in enumerate(((SMALL, pairs.small), (LARGE, pairs.large)))
        ]
        for k, name in enumerate(pairs.names)
    }
    if arms:
        panels[ARMS] = [
            curve(arm, draws, arms.scales, 2 + k, arms.blocks) for k, (arm, draws) in enumerate(arms.curves.items())
        ]
    return lines(panels, x_label="input scale", y_label="clean mIoU (%)", across=4)
