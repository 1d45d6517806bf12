"""What was found, in sentences with numbers: of the paper's two claims where the suite can test them, and in general.

The claims of Xie et al., SegFormer, NeurIPS 2021: it keeps its score under corruption where DeepLabV3+ does not (Table
5), and Mix-FFN keeps its score at another resolution where a positional encoding does not (Table 1c).
"""

from collections.abc import Sequence

import numpy as np

from ..protocols import PROTOCOLS, categories_of
from ..record import CLEAN
from ..studies.arms import ArmDifference
from ..studies.published import read_published
from ..studies.resolution import arm_of_table_1c, published_extent
from ..studies.robustness import Conditions, headline
from ..studies.statistics import Draws, Interval
from ..wording import counted
from .differences import Differences
from .evidence import Evidence, Row
from .shift import Shift, effect_differences, effect_draws
from .tables import percent, points, signed

__all__ = ["found_in_growth", "found_in_resolution", "found_in_robustness", "found_on_clean", "incomplete"]

MOST = 3  # sentences


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
        if not np.isnan(mean.interval.low + retention.interval.low):
            sentences.append(
                f"{pair[0]} minus {pair[1]}: mean under corruption {signed(mean.interval)}, a difference "
                f"{mean.verdict}; retention {signed(retention.interval)}, {retention.verdict}."
                f"{by_category(pair, differences, conditions)}"
            )
            if conditions == PROTOCOLS["segformer"]:
                sentences += beside_table_5(pair, retention)
    elif len(arms) == 1 and parts:
        scores = {name: float(arms[0].values[name][0]) for name in conditions}
        low, high = min(scores, key=scores.__getitem__), max(scores, key=scores.__getitem__)
        sentences.append(
            f"Worst is {spaced(low)} with {percent(scores[low])} %, best {spaced(high)} with {percent(scores[high])} %."
        )
    return sentences[:MOST]


def by_category(pair: tuple[str, str], differences: Differences, conditions: Conditions) -> str:
    """Say where a mean difference comes from; nothing for a single category."""
    of = {name: differences[(*pair, name)] for name in categories_of(conditions)}
    parts = [f"{name} {points(each.interval.estimate)}{' (found)' if each.found else ''}" for name, each in of.items()]
    return f" By category: {', '.join(parts)}." if len(parts) > 1 else ""


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


def beside_table_5(pair: tuple[str, str], retention: ArmDifference) -> list[str]:
    """Compare with the paper, where the two are SegFormer and DeepLabV3+, in that order."""
    if not is_of_table_5(pair):
        return []
    table = read_published("table5_cityscapes_c").set_index("method")
    kept = table.drop(columns=CLEAN).mean(axis=1) / table[CLEAN]
    agree = "agrees in direction" if retention.found and retention.interval.low > 0 else "does not confirm that"
    if retention.found and retention.interval.high < 0:
        agree = "disagrees"
    return [
        f"The paper's Table 5 has SegFormer-B5 keep {percent(kept['SegFormer-B5'])} % and DeepLabV3+ with MobileNetV2 "
        f"{percent(kept['DLv3+ MBv2'])} % on Cityscapes-C: this {agree}."
    ]


def found_in_resolution(evidence: Evidence, shift: Shift) -> list[str]:
    """Say what each arm loses with the extent, whether arms differ, and whether that agrees with Table 1c."""
    clean = (CLEAN, 0)
    rows = [row for row in evidence.rows(lambda title: effect_draws(evidence, shift, title, clean)) if row.compared]
    if "extent" not in rows[0].values:
        return []
    absent = [row.name for row in rows if np.isnan(row.values["extent"][0])]
    parts = [f"{row.label} {signed(evidence.interval(row.values['extent']))}" for row in rows if row.name not in absent]
    sentences = []
    if absent:
        sentences.append(f"Cells of {listed(absent)} are missing, so there is no extent effect.")
    if parts:
        sentences.insert(
            0,
            f"From windows of {shift.slide.crop} pixels to whole images ({images_of(evidence)}), the loss of clean "
            f"mIoU (negative is a gain) is: {listed(parts)}.",
        )
    found = {key: each for key, each in effect_differences(evidence, shift).items() if each.known}
    pairs = [pair for pair, name in found if name == "extent"]
    pair = next((pair for pair in pairs if is_of_table_1c(pair)), next(iter(pairs), None))
    if pair is None:
        return sentences
    each = found[pair, "extent"]
    beside = f"; {beside_table_1c(each)}" if is_of_table_1c(pair) else ""
    arms = " minus ".join(pair)
    sentences.append(f"{arms}: {signed(each.interval)} of extent effect, a difference {each.verdict}{beside}.")
    joint = [name for name in rows[0].values if name.startswith("joint")]
    if joint and (pair, joint[-1]) in found:
        last = found[pair, joint[-1]]
        sentences.append(
            f"In the joint effect at {joint[-1].removeprefix('joint ')}, {arms}: {signed(last.interval)}, a difference "
            f"{last.verdict}."
        )
    return sentences[:MOST]


def found_in_growth(evidence: Evidence, shift: Shift, conditions: Conditions) -> list[str]:
    """Say whether corruption makes the extent effect larger, on average over corruptions, and whether arms differ.

    The effect is told as a share of the windows' mIoU: in points it shrinks wherever little mIoU is left to lose.
    """
    if not conditions or "extent" not in effect_draws(evidence, shift, evidence.titles[0], (CLEAN, 0)):
        return []

    def shares(title: str) -> dict[str, Draws]:
        def lost(corruption: str, severity: int) -> Draws:
            return effect_draws(evidence, shift, title, (corruption, severity))["extent"]

        windows = evidence.miou(title, str(shift.slide))
        clean = lost(CLEAN, 0) / positive(windows(CLEAN, 0))
        corrupted = headline(lost, conditions) / positive(headline(windows, conditions))
        return {"clean": clean, "corrupted": corrupted, "growth": corrupted - clean}

    rows = [row for row in evidence.rows(shares) if row.compared]
    if any(np.isnan(row.values["growth"][0]) for row in rows):
        return []
    parts = [
        f"{row.label} {percent(row.values['clean'][0])} % and {percent(row.values['corrupted'][0])} %, "
        f"{signed(evidence.interval(row.values['growth']))} more"
        for row in rows
    ]
    sentences = [
        f"From windows to whole images, of the windows' mIoU on clean images and on average over "
        f"{counted(len(conditions), 'corruption')} are lost: {'; '.join(parts)}."
    ]
    pairs = [(second, first) for first, second in evidence.pairs()] if evidence.resampled else []
    if pairs:
        pair = next(filter(is_of_table_1c, pairs), pairs[0])
        growth = {title: shares(title)["growth"] for title in evidence.titles}
        each = evidence.difference(growth, *pair)
        sentences.append(
            f"{' minus '.join(pair)}: {signed(each.interval)} of that growth, a difference {each.verdict}."
        )
    return sentences


def positive(miou: Draws) -> Draws:
    """Replace an mIoU of 0, of which there is no share, by NaN."""
    return np.where(miou > 0, miou, np.nan)


def is_of_table_1c(pair: tuple[str, str]) -> bool:
    return tuple(map(arm_of_table_1c, pair)) == ("learned_pe", "mix_ffn")


def beside_table_1c(each: ArmDifference) -> str:
    """Compare the difference of two arms' extent effects with the paper's."""
    lost = published_extent().set_index("encoding")["points"]
    theirs, number = (lost["learned_pe"] - lost["mix_ffn"]) / 100, each.interval
    if each.found and number.high < 0:
        agreement = "contradicts in direction"
    elif each.found:
        agreement = "confirms in direction" + ("" if number.low <= theirs <= number.high else ", not in size")
    else:
        agreement = (
            "neither confirms nor excludes"
            if number.low <= theirs <= number.high
            else "does not confirm and, at that size, excludes"
        )
    return (
        f"the paper's Table 1c has {100 * theirs:.1f} points ({lost['learned_pe']:.1f} with a positional encoding, "
        f"{lost['mix_ffn']:.1f} with Mix-FFN), which this {agreement}"
    )


def images_of(evidence: Evidence) -> str:
    first = evidence.cells.iloc[0]
    return f"{first['images']} of {first['of']} images"


def interval_text(number: Interval) -> str:
    ends = "" if np.isnan(number.low) else f" (95 % interval {percent(number.low)} to {percent(number.high)})"
    return f"{percent(number.estimate)} %{ends}"


def listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def spaced(name: str) -> str:
    return name.replace("_", " ")
