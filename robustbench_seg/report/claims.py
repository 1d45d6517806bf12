"""What was found under corruption, and of clean images, in sentences with numbers.

Where a suite can test it: the claim of Xie et al., SegFormer, NeurIPS 2021, that it keeps its score under corruption
where DeepLabV3+ does not (Table 5).
"""

from collections.abc import Sequence

import numpy as np

from ..protocols import PROTOCOLS, categories_of
from ..store.cell import CLEAN
from ..studies.arms import ArmDifference
from ..studies.published import read_published
from ..studies.resolution import arm_of_table_1c
from ..studies.robustness import Conditions
from ..studies.statistics import Interval
from ..wording import counted
from .differences import Differences
from .evidence import Evidence, Row
from .tables import percent, points, signed

__all__ = ["MOST", "found_in_robustness", "found_on_clean", "images_of", "incomplete", "listed"]

MOST = 3  # sentences that a section begins with


def found_on_clean(rows: Sequence[Row], evidence: Evidence, view: str) -> list[str]:
    """Say the clean mIoU of each arm."""
    parts = [f"{row.label} {interval_text(evidence.interval(row.values[CLEAN]))}" for row in rows if row.compared]
    return [f"Clean mIoU ({images_of(evidence)}, view {view}): {listed(parts)}."]


def found_in_robustness(
    evidence: Evidence, view: str, rows: Sequence[Row], differences: Differences, conditions: Conditions
) -> list[str]:
    """Say what each arm keeps, how the two of the paper's claim differ, and whether the paper has it the same way."""
    arms = [row for row in rows if row.compared]
    parts = [
        f"{row.label} has {percent(row.values['mean'][0])} % mIoU of {percent(row.values[CLEAN][0])} % clean and keeps "
        f"{interval_text(evidence.interval(row.values['retention']))}"
        for row in arms
        if not np.isnan(row.values["retention"][0])
    ]
    sentences = []
    if parts:
        sentences.append(
            f"On average over {counted(len(conditions), 'corruption')} ({images_of(evidence)}, view {view}), "
            f"{listed(parts)}."
        )
    pair = robustness_pair(list(dict.fromkeys((first, second) for first, second, _ in differences)))
    if pair:
        mean, retention = (differences[(*pair, what)] for what in ("mean", "retention"))
        if mean.measured and retention.measured:
            sentences.append(
                f"{pair[0]} minus {pair[1]}: {both(mean, retention)}.{by_category(pair, differences, conditions)}"
            )
            if conditions == PROTOCOLS["segformer"]:
                sentences += beside_table_5(pair, differences, conditions)
    elif len(arms) == 1 and parts:
        scores = {name: float(arms[0].values[name][0]) for name in conditions}
        low, high = min(scores, key=scores.__getitem__), max(scores, key=scores.__getitem__)
        sentences.append(
            f"Worst is {spaced(low)} with {percent(scores[low])} %, best {spaced(high)} with {percent(scores[high])} %."
        )
    return sentences[:MOST]


def both(mean: ArmDifference, retention: ArmDifference) -> str:
    """Say how two arms differ under corruption; once, where that is not known."""
    lead = f"mean under corruption {signed(mean.interval)}"
    if mean.unknown == retention.unknown != "":
        return f"{lead}, retention {signed(retention.interval)}, a difference {mean.verdict}"
    return f"{lead}, a difference {mean.verdict}; retention {signed(retention.interval)}, {retention.verdict}"


def by_category(pair: tuple[str, str], differences: Differences, conditions: Conditions) -> str:
    """Say where a mean difference comes from; nothing for a single category."""
    of = {name: differences[(*pair, name)] for name in categories_of(conditions)}
    parts = [f"{name} {points(each.interval.estimate)}{' (found)' if each.found else ''}" for name, each in of.items()]
    return f" By category, in points of mIoU: {', '.join(parts)}." if len(parts) > 1 else ""


def incomplete(rows: Sequence[Row], view: str) -> list[str]:
    """Say which models have no mean under corruption, or no retention, since cells are missing."""
    found = []
    for what, needed in (("mean", "mean under corruption"), ("retention", "retention")):
        names = [row.name for row in rows if np.isnan(row.values[what][0])]
        if names:
            found.append(f"Cells of {listed(names)}, view {view}, are missing, so there is no {needed}.")
    return found[:1]


def robustness_pair(pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Choose the pair of the claim: SegFormer (with Mix-FFN, of several) and DeepLabV3+; else the first."""
    claim = [pair for pair in pairs if is_of_table_5(pair)]
    return next((pair for pair in claim if arm_of_table_1c(pair[0]) == "mix_ffn"), next(iter(claim or pairs), None))


def is_of_table_5(pair: tuple[str, str]) -> bool:
    return pair[0].startswith("segformer") and "learned" not in pair[0] and pair[1].startswith("deeplab")


def beside_table_5(pair: tuple[str, str], differences: Differences, conditions: Conditions) -> list[str]:
    """Compare with the paper, where the two are SegFormer and DeepLabV3+, in that order."""
    if not is_of_table_5(pair):
        return []
    retention = differences[(*pair, "retention")]
    if retention.unknown:
        return [f"Whether the paper's Table 5 is confirmed cannot be judged, since {retention.unknown}."]
    ahead = sum(differences[(*pair, name)].interval.estimate > 0 for name in conditions)
    table = read_published("table5_cityscapes_c").set_index("method")
    corrupted = table.drop(columns=CLEAN)
    theirs = (corrupted.loc["SegFormer-B5"] > corrupted.loc["DLv3+ MBv2"]).sum()
    kept = table.drop(columns=CLEAN).mean(axis=1) / table[CLEAN]
    agree = "agrees in direction" if retention.found and retention.interval.low > 0 else "does not confirm that"
    if retention.found and retention.interval.high < 0:
        agree = "disagrees"
    return [
        f"The paper's Table 5 has SegFormer-B5 keep {percent(kept['SegFormer-B5'])} % and DeepLabV3+ with MobileNetV2 "
        f"{percent(kept['DLv3+ MBv2'])} % on Cityscapes-C: this {agree}. "
        f"SegFormer has more mIoU in {ahead} of {len(conditions)} corruptions, there in {theirs}."
    ]


def images_of(evidence: Evidence) -> str:
    """Say how many of the split's images were used."""
    first = evidence.cells.iloc[0]
    return f"{first['images']} of {first['of']} images"


def interval_text(number: Interval) -> str:
    ends = "" if np.isnan(number.low) else f" (95 % interval {percent(number.low)} to {percent(number.high)})"
    return f"{percent(number.estimate)} %{ends}"


def listed(parts: Sequence[str]) -> str:
    """Write parts with commas and an "and"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def spaced(name: str) -> str:
    return name.replace("_", " ")
