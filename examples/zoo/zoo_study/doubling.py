"""What all networks gain or lose on clean frames of twice the size: they were trained on larger ones than CamVid's."""

from pathlib import Path

import numpy as np

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.studies import ranking
from robustbench_seg.studies.statistics import interval

from .pairs import clean, evidence_of_clean
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
    if len(names) < ranking.LEAST_NETWORKS:
        raise UsageError(f"{folder}: {len(names)} networks have clean frames at x1 and x2; it takes 3")
    one, two = (np.stack([both[name][k] for name in names], axis=1) for k in (0, 1))
    mean = ranking.two_way_interval(ranking.paired_difference(two, one), len(names), evidence.blocks)
    each = {name: interval(both[name][1] - both[name][0], evidence.blocks) for name in names}
    gain = sum(value.low > 0 for value in each.values())
    lose = sum(value.high < 0 for value in each.values())
    most, least = (choose(each, key=lambda name: each[name].estimate) for choose in (max, min))
    tau = ranking.two_way_interval(ranking.over_networks(ranking.kendall, one, two), len(names), evidence.blocks)
    return [
        f"At twice the size, {len(names)} networks have {number(mean, points, 'points')} of clean mIoU on average; "
        f"{verdict(mean, len(names))}.",
        f"{gain} of them gain and {lose} lose, by intervals over images without 0. The change is from "
        f"{number(each[least], points, 'points')} ({least}), to {number(each[most], points, 'points')} ({most}).",
        f"Kendall's tau of the rankings at both sizes: {number(tau)}; {verdict(tau, len(names), None)}.",
    ]
