"""What every number carries: protocol, data, view, precision, engine, weights and machine."""

import json
from typing import Any

import pandas as pd

from ..studies.arms import arms_of
from ..studies.robustness import Conditions
from ..wording import MOST_NAMES, counted

__all__ = ["describe_protocol", "describe_setting", "hashes_of", "provenance"]

UNKNOWN: dict[str, Any] = {
    "command": "unknown", "robustbench_seg": "unknown", "python": "unknown", "machine": "unknown", "packages": {},
}  # fmt: skip
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


def provenance(cells: pd.DataFrame) -> list[str]:
    """List which commands, code, machines, versions and weights made the numbers."""
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
