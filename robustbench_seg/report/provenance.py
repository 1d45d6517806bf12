"""What every number carries: protocol, data, view, precision, engine, weights, machine; and what it leaves open."""

import json
from typing import Any

import pandas as pd

from ..store.plan import Plan
from ..studies.counts import blocks_in, unknown_metrics
from ..studies.machines import differing_machines
from ..studies.robustness import Conditions
from ..studies.statistics import (
    HOLD_BLOCKS,
    HOLD_BLOCKS_OF_MIOU,
    LEAST_COVER,
    LEAST_COVER_OF_MIOU,
    least_p,
)
from ..wording import counted
from .evidence import Evidence

__all__ = ["describe_protocol", "describe_setting", "file_name", "group_of", "limits_of", "provenance", "weights_of"]

PAPER_SIZE = (1024, 2048)  # of Cityscapes, on which the paper's tables are
UNKNOWN: dict[str, Any] = {
    "command": "unknown", "robustbench_seg": "unknown", "python": "unknown", "machine": "unknown", "packages": {},
}  # fmt: skip
SHA256 = 64  # characters; random weights have a name in its place


def describe_protocol(name: str, conditions: Conditions) -> str:
    """Name a protocol and its size."""
    cells = sum(len(severities) for severities in conditions.values())
    return f"protocol {name} ({counted(len(conditions), 'corruption')}, {counted(cells, 'condition')} and clean)"


def describe_setting(row: pd.Series, *, view: bool = True) -> str:
    """Name what all numbers of a table share. view: whether that is one of it."""
    shown = f"view {row['view']}; " if view else ""
    return (
        f"dataset {row['dataset']} {row['split']}, {row['images']} of {row['of']} images, fingerprint "
        f"{row['fingerprint'][:12]}; {shown}precision {row['precision']}; engine "
        f"version {row['engine_version']}; seed {row['seed']}"
    )


def weights_of(rows: pd.DataFrame) -> str:
    """Name models with the beginning of their checkpoints' hashes."""
    pairs = dict.fromkeys(zip(rows["model"], rows["checkpoint_sha256"], strict=True))
    return "; ".join(f"{model} {sha256 if len(sha256) < SHA256 else sha256[:12]}" for model, sha256 in pairs)


def provenance(cells: pd.DataFrame) -> list[str]:
    """Say which commands, code, machines, versions and weights made the numbers."""
    about = [UNKNOWN | json.loads(text) for text in dict.fromkeys(cells["environment"])]
    lines = [f"command: `{command}`" for command in dict.fromkeys(a["command"] for a in about)]
    for build in dict.fromkeys((a["robustbench_seg"], a.get("commit") or "unknown", a["python"]) for a in about):
        lines.append("robustbench-seg {}, commit {}, Python {}".format(*build))
    for versions in dict.fromkeys(json.dumps(a["packages"]) for a in about):
        lines.append(", ".join(f"{name} {version}" for name, version in json.loads(versions).items()))
    machines = ((a["machine"], a.get("threads")) for a in about)
    for machine, threads in dict.fromkeys(machines):
        lines.append(f"machine: {machine}" + ("" if threads is None else f"; {counted(threads, 'thread')}"))
    weights = cells[["model", "checkpoint_sha256", "licence", "parameters", "about"]].drop_duplicates()
    for model, sha256, licence, parameters, text in weights.itertuples(index=False):
        lines.append(f"{model}: {text}; {parameters:,} parameters; weights sha256 {sha256}; licence: {licence}")
    return lines


def limits_of(plan: Plan, evidence: Evidence) -> list[str]:
    """Say what the numbers do not tell: what the suite says of itself, and what shows from its cells."""
    found = list(plan.limits)
    first = evidence.cells.iloc[0]
    most = max(len(members) for members in evidence.arms.values())
    single = [arm for arm, members in evidence.arms.items() if len(members) == 1]
    seeds = f", for which there are {most} seeds at most" + (f" ({', '.join(single)}: one)" if single else "")
    found.append(
        "Intervals tell of other images, with the weights as they are; not of another training run"
        + (f"{seeds}." if most > 1 else ", and each arm has one seed.")
    )
    weights = dict(zip(evidence.cells["title"], evidence.cells["checkpoint_sha256"], strict=True))
    found += [
        f"{' and '.join(members)} have the same weights: they are one training run, not several."
        for members in evidence.arms.values()
        if len({weights[model] for model in members}) < len(members)
    ]
    found += limits_of_intervals(evidence)
    if different := differing_machines(evidence.cells["environment"]):
        found.append(different)
    if first["images"] < first["of"]:
        found.append(f"Only {first['images']} of {first['of']} images were used.")
    found += [*smaller_than_windows(evidence.cells), *unknown_metrics(evidence.cells)]
    height, width = first["height"], first["width"]
    if plan.conditions and height * width < PAPER_SIZE[0] * PAPER_SIZE[1]:
        found.append(
            f"Blur, frost and others have a size in pixels: at {height}x{width}, they are relatively stronger than at "
            f"the paper's {PAPER_SIZE[0]}x{PAPER_SIZE[1]}, so figures are not comparable with its Table 5."
        )
    if first["synthetic"]:
        found.append("The images are drawn, not photographed: they tell how models compare here, not on real streets.")
    return found


def smaller_than_windows(cells: pd.DataFrame) -> list[str]:
    """Say of each view by windows how many images are smaller than these."""
    views = cells.drop_duplicates("view")
    return [
        f"{smaller} of {counted(images, 'image')} {'is' if smaller == 1 else 'are'} smaller than the windows of view "
        f"{view}, on one side or both; there the window is the image."
        for view, smaller, images in zip(views["view"], views["below_window"], views["images"], strict=True)
        if smaller
    ]


def limits_of_intervals(evidence: Evidence) -> list[str]:
    """Say what was drawn, and from how many blocks on intervals hold."""
    images, blocks = evidence.cells["images"].iloc[0], evidence.blocks
    drawn = blocks_in(evidence.cells)
    told = len(drawn.names) - drawn.repeated
    found = []
    if told < len(drawn.names):
        found.append(
            f"{drawn.repeated} of {images} images have the counts of another: each is taken to be that image once "
            "more, and drawn with it."
        )
    if len(drawn.names) < images:
        found.append(f"{images - len(drawn.names)} of {images} images have no labelled pixel, and are not drawn.")
    if evidence.few:
        return [*found, f"There are no intervals and no p, and no difference is found, since {evidence.few}."]
    what = f"{blocks} blocks of neighbouring images" if blocks < told else f"{blocks} images"
    found.append(
        f"Intervals are percentiles of {evidence.resamples:,} bootstrap resamples of {what}, paired between models. In "
        f"simulations with blocks of like size, 95 % intervals of differences and of retention hold from {HOLD_BLOCKS} "
        f"blocks on, those of an mIoU with rare classes from {HOLD_BLOCKS_OF_MIOU}; here there are {blocks}."
    )
    if blocks < HOLD_BLOCKS:
        found[-1] += (
            f" With so few they are short: the first held the truth in {100 * LEAST_COVER:.0f} % of the cases or more, "
            f"the others in {100 * LEAST_COVER_OF_MIOU:.0f} %."
        )
    if least_p(blocks) > 2 / evidence.resamples:
        found.append(f"No p is below {least_p(blocks):.2g}, the least that {blocks} blocks allow.")
    return found


def file_name(*parts: str) -> str:
    """Make the file name, without ending, of a kind of table or figure, and perhaps of its view."""
    return "-".join(parts).replace(" ", "-").replace("(", "").replace(")", "")


def group_of(conditions: Conditions) -> str:
    """Name the heading under which scores stand."""
    return "Under corruption" if conditions else "Clean images"
