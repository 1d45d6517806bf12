"""What the numbers of a plan do not show, in sentences: from its suite, and from its cells."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..store.plan import Plan
from ..store.view import View
from ..wording import MOST_NAMES, conjoin, counted
from .alignments import limits_of_classes
from .arms import Entry
from .counts import blocks_in, unknown_metrics
from .evidence import Evidence
from .machines import differing_machines
from .statistics import HOLD_BLOCKS, HOLD_BLOCKS_OF_MIOU, LEAST_COVER, LEAST_COVER_OF_MIOU, least_p

__all__ = ["incomplete", "limits_of", "mixed_data", "transductive_notes", "untrusted"]

PAPER_SIZE = (1024, 2048)  # of Cityscapes, on which the paper's tables are
FINGERPRINT = 12  # characters of it that tell it from others


def limits_of(plan: Plan, evidence: Evidence) -> list[str]:
    """State what the numbers do not show: the suite's own limits, and what follows from its cells."""
    lines = [*plan.limits, *plan.cautions]
    first = evidence.cells.iloc[0]
    lines += limits_of_runs(plan, evidence)
    lines += [
        f"{' and '.join(same)} have the same weights: they are one training run, not several."
        for members in evidence.arms.values()
        for run in evidence.runs(members)
        if len(same := [model for model in members if evidence.weights[model] == evidence.weights[run]]) > 1
    ]
    lines += versions_of(evidence.cells)
    lines += limits_of_intervals(evidence)
    if different := differing_machines(evidence.cells["environment"]):
        lines.append(different)
    if first["images"] < first["of"]:
        lines.append(f"Only {first['images']} of {first['of']} images were used.")
    lines += [*smaller_than_windows(evidence.cells), *unknown_metrics(evidence.cells)]
    lines += limits_of_classes(evidence.cells)
    lines += [f"{note[0].upper()}{note[1:]}." for note in transductive_notes(evidence.cells)]
    height, width = first["height"], first["width"]
    if plan.conditions and height * width < PAPER_SIZE[0] * PAPER_SIZE[1]:
        lines.append(
            f"Blur, frost and others have a size in pixels: at {height}x{width}, they are relatively stronger than at "
            f"the paper's {PAPER_SIZE[0]}x{PAPER_SIZE[1]}, so only the direction of a difference is comparable with "
            "its Table 5."
        )
    if first["synthetic"]:
        lines.append("The images are drawn, not photographed: they show how models compare here, not on real streets.")
    return lines


def limits_of_runs(plan: Plan, evidence: Evidence) -> list[str]:
    """State what the training runs support, and which comparisons are primary."""
    if evidence.few:
        return []
    runs = {arm: len(evidence.runs(members)) for arm, members in evidence.arms.items()}
    most, single = max(runs.values()), [arm for arm, number in runs.items() if number == 1]
    lines = ["Intervals of scores are over other images, with the weights as they are."]
    if most == 1:
        lines[0] += " Each arm has one training run, so a difference holds for these weights at most."
    else:
        lines[0] += (
            f" Differences have a second interval, over images and training runs; an arm has at most {most} runs"
            f"{f' ({conjoin(single)}: one, so no second interval)' if single else ''}. It takes the runs of the two "
            "arms to vary alike; if one arm varies six times as much as the other, it misses in about 1 of 10 cases."
        )
    present = [comparison for comparison in plan.primary if set(comparison.arms) <= evidence.arms.keys()]
    absent = [str(comparison) for comparison in plan.primary if comparison not in present]
    if present:
        lines.append(
            f"Primary comparisons: {'; '.join(map(str, present))}. All others are exploratory: of many, some seem "
            "significant by chance."
        )
    elif len(evidence.arms) > 1:
        lines.append(
            "The suite names no primary comparison of these arms, so all comparisons are exploratory: of many, some "
            "seem significant by chance."
        )
    if absent and present:
        lines.append(f"Primary comparisons without results here: {'; '.join(absent)}.")
    return lines


def versions_of(cells: pd.DataFrame) -> list[str]:
    """State which titles have one name, with other weights or code, here or in another section."""
    titles = cells.groupby("model", sort=False)["title"].unique()
    return [
        f"{conjoin(list(own))} have one name, and other weights or code; in a report of one folder, the last run "
        "is without a number."
        if len(own) > 1
        else f"{own[0]} has other weights or code than {name}, whose name it has, in another section."
        for name, own in titles.items()
        if list(own) != [name]
    ]


def transductive_notes(cells: pd.DataFrame) -> list[str]:
    """State for each view that re-estimates the statistics of BatchNorm what its numbers mean, without a full stop."""
    views = cells.drop_duplicates("view")
    return [
        f"view {view}: before each condition, the statistics of every BatchNorm are re-estimated on "
        f"{min(estimated, images)} of its test images, without labels; the model has seen test images, so its numbers "
        "are a diagnosis and no fair score"
        for view, images in zip(views["view"], views["images"], strict=True)
        if (estimated := View.parse(view).batchnorm)
    ]


def smaller_than_windows(cells: pd.DataFrame) -> list[str]:
    """Count for each view by windows the images that are smaller than these."""
    views = cells.drop_duplicates("view")
    return [
        f"{smaller} of {counted(images, 'image')} {'is' if smaller == 1 else 'are'} smaller than the windows of view "
        f"{view}, on one side or both; there the window is the image."
        for view, smaller, images in zip(views["view"], views["below_window"], views["images"], strict=True)
        if smaller
    ]


def limits_of_intervals(evidence: Evidence) -> list[str]:
    """State what was drawn, and from how many blocks on intervals hold."""
    images, blocks = evidence.cells["images"].iloc[0], evidence.blocks
    drawn = blocks_in(evidence.cells)
    distinct = len(drawn.names) - drawn.repeated
    lines = []
    if distinct < len(drawn.names):
        lines.append(
            f"{drawn.repeated} of {images} images have the counts of another: each is taken to be that image once "
            "more, and drawn with it."
        )
    if len(drawn.names) < images:
        lines.append(f"{images - len(drawn.names)} of {images} images have no labelled pixel, and are not drawn.")
    if evidence.few:
        return [*lines, f"There are no intervals and no p, and no difference is significant, since {evidence.few}."]
    what = f"{blocks} blocks of neighbouring images" if blocks < distinct else f"{blocks} images"
    lines.append(
        f"Intervals are percentiles of {evidence.resamples:,} bootstrap resamples of {what}, paired between models. In "
        f"simulations with blocks of like size, 95 % intervals of differences and of retention hold from {HOLD_BLOCKS} "
        f"blocks on, intervals of an mIoU with rare classes from {HOLD_BLOCKS_OF_MIOU}; here there are {blocks}."
    )
    if blocks < HOLD_BLOCKS:
        lines[-1] += (
            f" With so few they are short: the first held the truth in {100 * LEAST_COVER:.0f} % of the cases or more, "
            f"the others in {100 * LEAST_COVER_OF_MIOU:.0f} %."
        )
    if least_p(blocks) > 2 / evidence.resamples:
        lines.append(f"No p is below {least_p(blocks):.2g}, the least that {blocks} blocks allow.")
    return lines


def mixed_data(cells: pd.DataFrame, main: pd.DataFrame) -> list[str]:
    """State which data have cells of several versions, without a full stop.

    main: the cells that a report leads with. Another number of images is a choice of images, and no other version.
    """
    if not len(cells):
        return []
    leading = main["fingerprint"].iloc[0]
    versions = [
        (f"{name} {split}", sorted(part["fingerprint"].unique(), key=lambda own: own != leading))
        for (name, split, _), part in cells.groupby(["dataset", "split", "images"], sort=False)
    ]
    return [
        f"{data}: {len(own)} versions of these data have results here, with the fingerprints "
        f"{conjoin([each[:FINGERPRINT] for each in own])}: their numbers do not compare"
        + (f"; the title and its sentences are of {leading[:FINGERPRINT]}" if leading in own else "")
        for data, own in versions
        if len(own) > 1
    ]


def untrusted(cells: pd.DataFrame) -> list[str]:
    """State which models deserve no trust in which view, and in how many cells."""
    return [
        f"⚠ {title}, view {view}: {' and '.join(f'{flag} in {n}' for flag, n in flags.items())} of "
        f"{counted(len(part), 'cell')}; such numbers deserve no trust."
        for (title, view), part in cells.groupby(["title", "view"], sort=False)
        if (flags := part.loc[part["flag"] != "", "flag"].value_counts().to_dict())
    ]


def incomplete(entries: Sequence[Entry], view: View) -> list[str]:
    """State which models have no mean under corruption, or no retention, since cells are missing."""
    absent = {name: [each.name for each in entries if np.isnan(each.values[name][0])] for name in ("mean", "retention")}
    # Without a mean there is no retention either, which needs no second line.
    absent["retention"] = [name for name in absent["retention"] if name not in absent["mean"]]
    texts = {"mean under corruption": absent["mean"], "retention": absent["retention"]}
    return [
        f"Cells of {conjoin(names, MOST_NAMES)}, view {view}, are missing, so there is no {what}."
        for what, names in texts.items()
        if names
    ]
