"""What the study of the zoo's networks says of rankings, as sentences: python examples/zoo/rank.py STORE [--out FILE].

Read from the counts of a store of zoo-camvid-c.yaml; networks without all conditions are left out, and named.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustbench_seg.errors import UsageError
from robustbench_seg.files import write_text
from robustbench_seg.store.cell import CLEAN
from robustbench_seg.studies import ranking
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.studies.robustness import Conditions, headline, scores_of
from robustbench_seg.wording import listed, percent, spaced

JITTER = "zh320_"  # the beginning of the names whose training had colour jitter
COLOUR = ("brightness", "contrast", "saturate")
DRAWS = 100  # of a part of each size
SETTLED = 0.9  # Kendall's tau from which on a ranking is called the same
FRAMES = (5, 10, 20, 40, 78, 120, 233)
SOME_CONDITIONS = (2, 4, 8, 16, 32, 72)


@dataclass(frozen=True)
class Study:
    """Networks with all conditions. values: by quantity of `scores_of`, (1 + resamples, networks)."""

    names: list[str]
    values: dict[str, NDArray[np.float64]]
    blocks: int
    images: int
    of: int
    parameters: NDArray[np.float64]
    conditions: Conditions
    cells: pd.DataFrame

    def interval(self, draws: NDArray[np.float64], networks: int | None = None) -> ranking.Interval:
        """Compute the interval of a statistic over networks, by default all."""
        return ranking.two_way_interval(draws, networks or len(self.names), self.blocks)


def read_study(folder: Path) -> tuple[Study, list[str]]:
    """Read a store; return the study, and the networks that lack a condition. Raises UsageError for fewer than 3."""
    cells = quality_frame(folder)
    plan = max(read_plans(folder, cells), key=lambda plan: len(plan.conditions))
    conditions = dict(plan.conditions)
    wanted = {(CLEAN, 0), *((name, level) for name, levels in conditions.items() for level in levels)}
    have = cells.groupby("model")[["corruption", "severity"]].apply(
        lambda own: {*own.itertuples(index=False, name=None)}
    )
    names = [name for name in dict.fromkeys(cells["model"]) if wanted <= have[name]]
    if len(names) < ranking.LEAST_NETWORKS or not conditions:
        raise UsageError(f"{folder}: {len(names)} networks have all conditions of {plan.suite}; it takes 3")
    own = cells[cells["model"].isin(names)]
    (evidence,) = evidence_of(own)
    scores = {name: scores_of(evidence.miou(name, evidence.views[0]), conditions) for name in names}
    rows = 1 + evidence.resamples
    values = {key: np.stack([scores[name][key][:rows] for name in names], axis=1) for key in scores[names[0]]}
    first = own.iloc[0]
    parameters = own.drop_duplicates("model").set_index("model")["parameters"].loc[names].to_numpy(float)
    study = Study(names, values, evidence.blocks, int(first["images"]), int(first["of"]), parameters, conditions, own)
    return study, [name for name in dict.fromkeys(cells["model"]) if name not in names]


def number(found: ranking.Interval, text: Callable[[float], str] = "{:+.2f}".format) -> str:
    """Write a value with its interval."""
    return f"{text(found.estimate)} (95 % interval {text(found.low)} to {text(found.high)})"


def points(value: float) -> str:
    """Write a difference of fractions in points."""
    return f"{100 * value:+.1f}"


def sentences(study: Study) -> list[str]:
    """State what the ranking shows, each number with an interval over networks and blocks of images."""
    values, networks = study.values, len(study.names)
    clean, mean, kept = (values[name] for name in (CLEAN, "mean", "retention"))
    order = np.argsort(-kept[0])
    rho, tau, size = (
        study.interval(ranking.over_networks(statistic, *pair))
        for statistic, pair in (
            (ranking.spearman, (clean, kept)),
            (ranking.kendall, (clean, mean)),
            (ranking.spearman, (np.broadcast_to(study.parameters, kept.shape), kept)),
        )
    )
    lines = [
        "Most is kept by "
        + listed([f"{study.names[k]} ({percent(kept[0, k])} % of its clean mIoU)" for k in order[:3]], 3)
        + f"; least by {study.names[order[-1]]} ({percent(kept[0, order[-1]])} %).",
        f"Rank correlation of clean mIoU and retention over {networks} networks: {number(rho)}.",
        f"The rankings by clean mIoU and by the mean under corruption agree by Kendall's tau {number(tau)}.",
        *([] if np.isnan(size.estimate) else [f"Rank correlation of parameters and retention: {number(size)}."]),
    ]
    if len(low_and_high := training_sizes(study.names)) >= ranking.LEAST_NETWORKS:
        low, high = (kept[:, [study.names.index(pair[side]) for pair in low_and_high]] for side in (0, 1))
        found = study.interval(ranking.paired_difference(high, low), len(low_and_high))
        lines.append(
            f"Trained at 1024x512 instead of 512x256, {len(low_and_high)} networks keep {number(found, points)} points "
            "more."
        )
    spreads = {name: ranking.over_networks(ranking.spread, values[name] / clean) for name in study.conditions}
    widest = max(spreads, key=lambda name: spreads[name][0])
    lines.append(
        f"Networks differ most under {spaced(widest)}: the share that they keep has the standard deviation "
        f"{number(study.interval(spreads[widest]), percent)} points."
    )
    return [*lines, *augmentation(study), *settling(study)]


def training_sizes(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pair the networks that were trained at 512x256 with those that differ from them in that alone."""
    return [
        (name, larger)
        for name in names
        if (larger := re.sub(r"_512x256$", "_1024x512", name)) != name and larger in names
    ]


def augmentation(study: Study) -> list[str]:
    """Compare what networks with and without colour jitter lose under colour, relative to the other corruptions."""
    jitter = np.array([name.startswith(JITTER) for name in study.names])
    colour = [name for name in COLOUR if name in study.conditions]
    others = [name for name in study.conditions if name not in COLOUR]
    if min(jitter.sum(), (~jitter).sum()) < ranking.LEAST_NETWORKS or not colour or not others:
        return []
    kept = [np.mean([study.values[name] / study.values[CLEAN] for name in some], axis=0) for some in (colour, others)]
    more = kept[0] - kept[1]
    found = study.interval(
        ranking.group_difference(more[:, jitter], more[:, ~jitter]), int(min(jitter.sum(), (~jitter).sum()))
    )
    return [
        f"Under {listed([spaced(name) for name in colour], 3)}, relative to the other corruptions, the {jitter.sum()} "
        f"networks trained with colour jitter keep {number(found, points)} points more than the "
        f"{(~jitter).sum()} without; they "
        "differ in more than that, so it is no proof."
    ]


def settling(study: Study) -> list[str]:
    """State how many frames, and how many conditions, rank the networks as all do."""
    counts = read_counts(study.cells)
    cells = list(counts.cells[["model", "corruption", "severity"]].itertuples(index=False, name=None))
    pairs = [(name, level) for name, levels in study.conditions.items() for level in levels]
    places = np.array([[cells.index((name, *pair)) for pair in pairs] for name in study.names])

    def of_frames(part: NDArray[np.intp]) -> NDArray[np.float64]:
        """Score the networks from these frames: mIoU by condition, (networks, conditions)."""
        sums = {name: terms[:, part].sum(axis=1, dtype=np.float64) for name, terms in counts.terms.items()}
        return counts.metric.score(sums, (len(cells),))[places]

    def headlines(part: NDArray[np.intp]) -> NDArray[np.float64]:
        table = dict(zip(pairs, of_frames(part).T, strict=True))
        return np.asarray(headline(lambda name, level: table[name, level], study.conditions))

    frames = len(counts.blocks)
    every = of_frames(np.arange(frames))
    return [
        settled("frames", headlines, frames, FRAMES),
        settled("conditions", lambda part: every[:, part].mean(axis=1), len(pairs), SOME_CONDITIONS),
    ]


def settled(
    what: str, headlines: Callable[[NDArray[np.intp]], NDArray[np.float64]], total: int, sizes: Sequence[int]
) -> str:
    """State the smallest of these sizes of a part that ranks the networks as all do."""
    found = ranking.settle(headlines, total, [size for size in sizes if size < total], draws=DRAWS)
    for each in found:
        if each.low >= SETTLED:
            return (
                f"{each.size} random {what} of {total} rank the networks as all do: Kendall's tau is {each.low:.2f} or "
                f"more in 95 % of draws, {each.median:.2f} in the middle."
            )
    return f"No part of the {total} {what} that was tried has Kendall's tau {SETTLED} with all in 95 % of draws."


def text_of(folder: Path) -> str:
    """Write the sentences of a store as Markdown."""
    study, lacking = read_study(folder)
    lines = [f"# What the ranking of {len(study.names)} networks shows", ""]
    lines += [
        f"{study.images} of {study.of} images in {study.blocks} blocks; intervals draw networks and blocks at once.",
        "",
    ]
    lines += [f"- {line}" for line in sentences(study)]
    if lacking:
        lines += ["", f"Without all conditions, and left out: {', '.join(lacking)}."]
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = text_of(given.store)
    print(text, end="")
    if given.out:
        write_text(given.out, text)


if __name__ == "__main__":
    main()
