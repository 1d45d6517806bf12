"""What every number carries: protocol, data, view, precision, engine, weights and machine."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ..studies.arms import arms_of
from ..studies.robustness import Conditions
from ..wording import MOST_NAMES, counted

__all__ = ["Facts", "describe_protocol", "describe_setting", "facts_of", "hashes_of", "provenance"]

UNKNOWN: dict[str, Any] = {
    "command": "unknown", "robustbench_seg": "unknown", "python": "unknown", "machine": "unknown", "packages": {},
}  # fmt: skip
BUILD = ("robustbench_seg", "commit", "python")
DATA = ["dataset", "split", "fingerprint", "images", "of", "engine_version"]
WEIGHTS = ["model", "checkpoint_sha256", "licence", "parameters", "about"]
Facts = dict[str, list[dict[str, Any]]]
SHA256 = 64  # characters; random weights have a name in its place


def describe_protocol(name: str, conditions: Conditions) -> str:
    """Name a protocol and its size."""
    cells = sum(len(severities) for severities in conditions.values())
    return f"protocol {name} ({counted(len(conditions), 'corruption')}, {counted(cells, 'condition')} and clean)"


def describe_setting(row: pd.Series, fingerprint: str, *, view: bool) -> str:
    """Name what all numbers of a table share. fingerprint: what follows the images. view: whether that is one of it."""
    of_view = f"view {row['view']}; " if view else ""
    return (
        f"dataset {row['dataset']} {row['split']}, {row['images']} of {row['of']} images{fingerprint}; "
        f"{of_view}precision {row['precision']}; engine version {row['engine_version']}; seed {row['seed']}"
        + ("; void counted: a class predicted on pixels without a label is wrong" if row["void"] == "counted" else "")
    )


def hashes_of(rows: pd.DataFrame) -> dict[str, str]:
    """Name the images and the weights by the beginnings of their hashes: as a caption does, and in full.

    A caption does not list the models of more than MOST_NAMES arms.
    """
    pairs = dict.fromkeys(zip(rows["model"], rows["checkpoint_sha256"], strict=True))
    names = "; ".join(f"{model} {sha256 if len(sha256) < SHA256 else sha256[:12]}" for model, sha256 in pairs)
    few = len(arms_of(rows["model"])) <= MOST_NAMES
    brief = names if few else f'of {len(pairs)} models, see "Where the numbers come from"'
    fingerprint = f"fingerprint {rows.iloc[0]['fingerprint'][:12]}"
    return {f", {fingerprint}": fingerprint, f"; weights (sha256) {brief}": f"weights (sha256) {names}"}


def facts_of(cells: pd.DataFrame) -> Facts:
    """List which commands, code, machines, versions, data and weights made the numbers: plain values, each once."""
    about = [UNKNOWN | json.loads(text) for text in dict.fromkeys(cells["environment"])]
    data = cells.dropna(subset=["dataset"]) if "dataset" in cells else cells.iloc[:0].reindex(columns=DATA)
    return {
        "commands": once([{"command": a["command"]} for a in about]),
        "builds": once([{name: a.get(name) for name in BUILD} for a in about]),
        "packages": once([a["packages"] for a in about]),
        "machines": once([{"machine": a["machine"], "threads": a.get("threads")} for a in about]),
        "data": once(data[DATA].convert_dtypes().to_dict("records")),
        "weights": once(cells[WEIGHTS].to_dict("records")),
    }


def once(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is there already."""
    return list({tuple(value.items()): value for value in values}.values())


def provenance(cells: pd.DataFrame) -> list[str]:
    """Write `facts_of` in lines."""
    facts = facts_of(cells)
    lines = ["command: `{command}`".format(**fact) for fact in facts["commands"]]
    for build in facts["builds"]:
        commit = build["commit"] or "unknown"
        lines.append(f"robustbench-seg {build['robustbench_seg']}, commit {commit}, Python {build['python']}")
    for versions in facts["packages"]:
        lines.append(", ".join(f"{name} {version}" for name, version in versions.items()))
    for fact in facts["machines"]:
        threads = "" if fact["threads"] is None else f"; {counted(fact['threads'], 'thread')}"
        lines.append(f"machine: {fact['machine']}{threads}")
    for one in facts["weights"]:
        lines.append(
            f"{one['model']}: {one['about']}; {one['parameters']:,} parameters; weights sha256 "
            f"{one['checkpoint_sha256']}; licence: {one['licence']}"
        )
    return lines
