"""What the ranking of the networks of zoo-camvid-c.yaml shows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.store.cell import CLEAN
from robustbench_seg.studies.ranking import rank_intervals
from robustbench_seg.studies.statistics import LEAST_BLOCKS
from robustbench_seg.wording import counted, listed, percent, spaced

from .names import parse, training_sizes
from .rank_statistics import (
    LEAST_NETWORKS,
    group_difference,
    kendall,
    over_networks,
    paired_difference,
    spearman,
    spread,
)
from .study import Study
from .words import number, points, verdict

__all__ = ["heading", "sentences"]

COLOUR = ("brightness", "contrast", "saturate")
SHOWN = 3  # networks that keep most
FEW_BLOCKS = 50  # below which intervals are too short, see docs/statistics.md


def heading(study: Study) -> list[str]:
    """State what was measured, and how to read the sentences."""
    first = study.cells.iloc[0]
    conditions = sum(map(len, study.conditions.values()))
    origins = listed([f"{name or 'others'} {count}" for name, count in study.repositories.items()], 9)
    short = "; with so few blocks, intervals are too short" if study.blocks < FEW_BLOCKS else ""
    return [
        f"{len(study.names)} networks on {first['images']} of {first['of']} frames of {first['dataset']} "
        f"{first['split']}, clean and under {conditions} conditions of {len(study.conditions)} corruptions. A network "
        "keeps the share retention = (mean mIoU under corruption) / (clean mIoU).",
        "",
        f"Intervals of one network are over {study.blocks} blocks of consecutive frames{short}. Those of statistics of "
        "networks draw networks and blocks at once, as if the networks were independent. They are not: by repository "
        f"they are {origins}. All statements are exploratory.",
    ]


def sentences(study: Study) -> list[str]:
    """State what the ranking shows, each number with an interval."""
    values = study.values
    clean, mean, kept = (values[name] for name in (CLEAN, "mean", "retention"))
    size = np.broadcast_to(study.parameters, kept.shape)
    lines = [
        leaders(study),
        correlated(study, "clean mIoU and retention", spearman, clean, kept)
        + " Chance in clean mIoU lowers this number, since retention is divided by it.",
        correlated(study, "clean mIoU and the points lost under corruption", spearman, clean, clean - mean)
        + " Chance in clean mIoU raises this one.",
        agreement(study, clean, mean),
        correlated(study, "parameters and retention", spearman, size, kept),
        *training(study),
        separation(study),
        *augmentation(study),
        *floor(study),
    ]
    return [line for line in lines if line]


def leaders(study: Study) -> str:
    """Name the networks that keep most, and the one that keeps least."""
    kept = study.values["retention"]
    each = study.over_images("retention")
    ranks = rank_intervals(kept, study.blocks)
    order = np.argsort(-kept[0])

    def share(k: int) -> str:
        clean = percent(float(study.values[CLEAN][0, k]))
        rank, ends = ranks[k]
        place = f"rank {rank}" + (f", {ends[0]} to {ends[1]}" if ends else "")
        return f"{study.names[k]} ({number(each[study.names[k]], percent, '%')}, of a clean mIoU of {clean} %; {place})"

    most = listed([share(k) for k in order[:SHOWN]], SHOWN, "; ")
    mean, best = study.over_images("mean"), study.names[int(study.values["mean"][0].argmax())]
    return (
        f"The largest share is kept by {most}; the smallest by {share(int(order[-1]))}. The highest mean mIoU under "
        f"corruption has {best}: {number(mean[best], percent, '%')}."
    )


def correlated(
    study: Study, what: str, statistic: Callable[..., NDArray[np.float64]], *pair: NDArray[np.float64]
) -> str:
    """State a rank correlation over all networks, and within each repository with many."""
    own = {f"over {len(study.names)} networks": np.arange(len(study.names))}
    own |= {
        f"within {name} ({count})": study.of(name)
        for name, count in study.repositories.items()
        if name and LEAST_BLOCKS <= count < len(study.names)
    }
    parts = []
    for where, places in own.items():
        value = study.interval(over_networks(statistic, *(each[:, places] for each in pair)), len(places))
        parts.append(f"not defined {where}" if np.isnan(value.estimate) else f"{number(value)}, {where}")
    return f"Rank correlation of {what}: {'; '.join(parts)}."


def agreement(study: Study, clean: NDArray[np.float64], mean: NDArray[np.float64]) -> str:
    """State how often the better one of two networks on clean frames is better under corruption too."""
    tau = over_networks(kendall, clean, mean)
    value, share = study.interval(tau), study.interval((1 + tau) / 2)
    if np.isnan(value.estimate):
        return ""
    return (
        "Of two networks, the one with the higher clean mIoU has the higher mean under corruption in "
        f"{number(share, percent, '% of pairs')} (Kendall's tau {number(value)})."
    )


def training(study: Study) -> list[str]:
    """Compare what networks keep that were trained at two sizes, in pairs."""
    pairs = training_sizes(study.names)
    if len(pairs) < LEAST_NETWORKS:
        return []
    low, high = (study.values["retention"][:, [study.names.index(pair[side]) for pair in pairs]] for side in (0, 1))
    value = study.interval(paired_difference(high, low), len(pairs))
    return [
        f"In {len(pairs)} pairs, retention after a second training at 1024x512 minus that after the first, at 512x256, "
        f"is {number(value, points, 'points')}; {verdict(value, len(pairs))}. All are of one repository, and more than "
        "the resolution differs: the second training starts from the first."
    ]


def separation(study: Study) -> str:
    """Name the corruption under which networks differ most, and how sure that is."""
    clean = study.values[CLEAN]
    spreads = {name: over_networks(spread, study.values[name] / clean) for name in study.conditions}
    widest, second, *_ = [*sorted(spreads, key=lambda name: -float(spreads[name][0])), ""]
    first = np.array(list(spreads.values()))[:, 1:].argmax(axis=0) == list(spreads).index(widest)
    leads = f"; it leads in {percent(float(first.mean()))} % of resamples" if study.blocks >= LEAST_BLOCKS else ""
    rival = f", before {spaced(second)} ({percent(float(spreads[second][0]))})" if second else ""
    return (
        f"Networks differ most under {spaced(widest)}: the share that they keep has the standard deviation "
        f"{number(study.interval(spreads[widest]), percent, 'points')}{rival}{leads}."
    )


def augmentation(study: Study) -> list[str]:
    """Compare what networks with and without colour jitter lose under colour, relative to the other corruptions."""
    jitter = np.array([parse(name).jitter for name in study.names])
    colour = [name for name in COLOUR if name in study.conditions]
    others = [name for name in study.conditions if name not in COLOUR]
    fewest = int(min(jitter.sum(), (~jitter).sum()))
    if fewest < LEAST_NETWORKS or not colour or not others:
        return []
    more = study.share(colour) - study.share(others)
    value = study.interval(group_difference(more[:, jitter], more[:, ~jitter]), fewest)
    return [
        f"Under {listed([spaced(name) for name in colour], 3)}, relative to the other corruptions, what is kept by the "
        f"{jitter.sum()} networks with colour jitter in training minus that of the {(~jitter).sum()} without is "
        f"{number(value, points, 'points')}. The former are all of one repository, trained alike, so jitter and the "
        "rest of their recipe cannot be told apart, and no grade is given."
    ]


def floor(study: Study) -> list[str]:
    """State where networks are no better than one class for every pixel, so that their order means little."""
    own = study.cells[study.cells["flag"] != ""]
    if not len(own):
        return []
    counts = own["corruption"].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    every = study.cells["corruption"].value_counts()
    most = [f"{spaced(str(name))} {count} of {every[name]}" for name, count in counts[:SHOWN].items()]
    worst = ", ".join([*most, *([f"others {rest}"] if (rest := counts[SHOWN:].sum()) else [])])
    return [
        f"In {len(own)} of {counted(len(study.cells), 'cell')} a network is no better than one class for every pixel "
        f"({worst}): ranks there are ranks of failures."
    ]
