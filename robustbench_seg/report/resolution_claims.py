"""What was found where the resolution shifts, in sentences with numbers, on clean images and under corruption.

The claim of Xie et al., SegFormer, NeurIPS 2021, is that Mix-FFN keeps its score at another resolution where a
positional encoding does not (Table 1c).
"""

import numpy as np

from ..store.cell import CLEAN, View
from ..studies.arms import ArmDifference
from ..studies.resolution import arm_of_table_1c, published_extent
from ..studies.robustness import Conditions, headline
from ..studies.statistics import Draws
from ..wording import counted
from .claims import MOST, images_of, listed
from .evidence import Evidence
from .shift import Shift, effect_differences, effect_draws
from .tables import percent, signed

__all__ = ["found_in_growth", "found_in_resolution"]


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
    found = {key: each for key, each in effect_differences(evidence, shift).items() if each.measured}
    pairs = [pair for pair, name in found if name == "extent"]
    pair = next((pair for pair in pairs if is_of_table_1c(pair)), next(iter(pairs), None))
    if pair is None:
        return sentences
    each = found[pair, "extent"]
    beside = f"; {beside_table_1c(each)}" if is_of_table_1c(pair) else ""
    arms = " minus ".join(pair)
    sentences.append(f"{arms}: {signed(each.interval)} of that loss, a difference {each.verdict}{beside}.")
    last = next((name.removeprefix("joint ") for name in reversed(rows[0].values) if name.startswith("joint")), "")
    shifts = {f"scale {last}": "by the same windows", f"joint {last}": "whole"}
    parts = [
        f"{where} {signed(found[pair, name].interval)}, a difference {found[pair, name].verdict}"
        for name, where in shifts.items()
        if (pair, name) in found and found[pair, name].known
    ]
    if parts:
        sentences.append(f"{arms}, of the image scaled by {last.removeprefix('x')}: {'; '.join(parts)}.")
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
        f"{row.label} {percent(row.values['clean'][0])} and {percent(row.values['corrupted'][0])}, "
        f"a growth of {signed(evidence.interval(row.values['growth']))}"
        for row in rows
    ]
    sentences = [
        f"The loss from windows to whole images, in % of the windows' mIoU (negative is a gain), on clean images and "
        f"on average over {counted(len(conditions), 'corruption')}: {'; '.join(parts)}."
    ]
    pairs = [(second, first) for first, second in evidence.pairs()] if evidence.resamples else []
    if pairs:
        pair = next(filter(is_of_table_1c, pairs), pairs[0])
        growth = {title: shares(title)["growth"] for title in evidence.titles}
        each = evidence.difference(growth, *pair, (str(shift.slide), str(View())))
        sentences.append(f"{' minus '.join(pair)}: {signed(each.interval)} of growth, a difference {each.verdict}.")
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
    if each.unknown:
        agreement = "cannot judge"
    elif each.found and number.high < 0:
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
