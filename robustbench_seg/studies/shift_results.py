"""What a resolution shift costs, in sentences: on clean images, or how much more under corruption."""

from math import isnan

from ..wording import MOST_NAMES, conjoin, counted, percent
from .arms import Entry
from .claims import TABLE_1C, judge
from .resolution import Shift
from .selection import Selection
from .statements import signed, state, verdict

__all__ = ["results_of_shift"]

SCALED = {"scale": "by the same windows", "joint": "whole"}  # of the last scale, how an effect is measured


def results_of_shift(setting: Selection, shift: Shift) -> list[str]:
    """State the growth of the loss under corruption, if every arm has one, else the loss on clean images."""
    return results_of_growth(setting, shift) or results_of_extent(setting, shift)


def results_of_extent(setting: Selection, shift: Shift) -> list[str]:
    """State what each arm loses with the extent, whether arms differ, and whether that agrees with Table 1c."""
    if "extent" not in shift.effects:
        return []
    entries, differences = setting.arms(shift.lost), shift.differences
    absent = [entry.name for entry in entries if isnan(entry.values["extent"][0])]
    parts = state(
        [entry for entry in entries if entry.name not in absent],
        lambda entry: -float(entry.values["extent"][0]),
        lambda entry: signed(setting.interval(entry.values["extent"])),
    )
    sentences = []
    if parts:
        sentences.append(
            f"From windows of {shift.slide.crop} pixels to {shift.image} ({setting.images}), the loss of clean mIoU "
            f"(negative is a gain) is: {conjoin(parts)}."
        )
    if absent:
        sentences.append(f"Cells of {conjoin(absent, MOST_NAMES)} are missing, so there is no extent effect.")
    pair = TABLE_1C.pair(differences, "extent")
    if pair is None:
        return sentences
    extent = differences[*pair, "extent"]
    paper = f"; the {TABLE_1C.statement}, which this {judge(TABLE_1C, extent)}" if TABLE_1C.fits(pair) else ""
    turn, arms = extent.interval.estimate < 0, f"{extent.positive.first} minus {extent.positive.second}"
    sentences.append(f"{arms}: {verdict(extent.positive, ' of that loss')}{paper}.")
    if scale := next((f"x{each:g}" for each in reversed(shift.scales) if f"joint x{each:g}" in shift.effects), ""):
        measured = {where: differences.get((*pair, f"{kind} {scale}")) for kind, where in SCALED.items()}
        parts = [
            f"{where} {verdict(each.turned if turn else each)}"
            for where, each in measured.items()
            if each and not each.obstacle
        ]
        if parts:
            sentences.append(f"{arms}, the loss with the image scaled by {scale[1:]}: {'; '.join(parts)}.")
    return sentences


def results_of_growth(setting: Selection, shift: Shift) -> list[str]:
    """State whether corruption makes the extent effect larger, on average over corruptions, and whether arms differ."""
    entries = setting.arms(shift.shares)
    if any(not entry.values or isnan(entry.values["growth"][0]) for entry in entries):
        return []

    def text(entry: Entry) -> str:
        clean, corrupted = (percent(entry.values[name][0]) for name in ("clean", "corrupted"))
        return f"{clean} and {corrupted}, a growth of {signed(setting.interval(entry.values['growth']))}"

    parts = state(entries, lambda entry: -float(entry.values["growth"][0]), text)
    sentences = [
        f"The loss from windows to {shift.image}, in % of the windows' mIoU (negative is a gain), on clean images and "
        f"on average over {counted(len(setting.conditions), 'corruption')}: {'; '.join(parts)}."
    ]
    if pair := TABLE_1C.pair(shift.growth, "growth"):
        each = shift.growth[*pair, "growth"].positive
        sentences.append(f"{each.first} minus {each.second}: {verdict(each, ' of growth')}.")
    return sentences
