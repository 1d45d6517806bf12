"""What all networks gain or lose on clean frames of twice the size: they were trained on larger ones than CamVid's."""

from pathlib import Path

import numpy as np

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.studies.statistics import LEAST_BLOCKS, interval
from robustbench_seg.wording import percent

from .pairs import clean, evidence_of_clean
from .rank_statistics import LEAST_NETWORKS, kendall, over_networks, paired_difference, two_way_interval
from .words import number, points, verdict

__all__ = ["sentences"]


def sentences(folder: Path) -> list[str]:
    """State the change from x1 to x2 over networks, whose it is most, and whether the rankings agree.

    Raises UsageError for fewer than 3 networks that have both scales.
    """
    evidence = evidence_of_clean(folder)
    both = {
        title: np.stack([clean(evidence, title, View(scale=scale)) for scale in (1, 2)]) for title in evidence.titles
    }
    names = [name for name, own in both.items() if not np.isnan(own[:, 0]).any()]
    if len(names) < LEAST_NETWORKS:
        raise UsageError(f"{folder}: {len(names)} networks have clean frames at x1 and x2; it takes 3")
    one, two = (np.stack([both[name][k] for name in names], axis=1) for k in (0, 1))
    mean = two_way_interval(paired_difference(two, one), len(names), evidence.blocks)
    each = {name: interval(both[name][1] - both[name][0], evidence.blocks) for name in names}
    gain = sum(value.low > 0 for value in each.values())
    lose = sum(value.high < 0 for value in each.values())
    most, least = (choose(each, key=lambda name: each[name].estimate) for choose in (max, min))
    same = (1 + over_networks(kendall, one, two)) / 2
    share = two_way_interval(same, len(names), evidence.blocks)
    known = evidence.blocks >= LEAST_BLOCKS
    counts = f"{gain} of them gain and {lose} lose, by intervals over images without 0. " if known else ""
    return [
        f"On average over {len(names)} networks, the clean mIoU at twice the size minus that at the size of the frames "
        f"is {number(mean, points, 'points')}; {verdict(mean, len(names))}.",
        f"{counts}The change is from "
        f"{number(each[least], points, 'points')} ({least}), to {number(each[most], points, 'points')} ({most}).",
        f"Of two networks, the better one at one size is the better one at the other in "
        f"{number(share, percent, '% of pairs')}.",
    ]
