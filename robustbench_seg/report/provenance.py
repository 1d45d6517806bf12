"""What every number carries: protocol, data, view, precision, engine, weights and machine."""

import json
import re
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


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Write facts, except the weights, in rows: what, and the text. Of many, what they share stands once."""
    rows = []
    for data in facts["data"]:
        text = f"{data['dataset']} {data['split']}, {data['images']} of {data['of']} images, fingerprint "
        rows.append(("data", f"{text}{data['fingerprint'][:12]}; engine version {data['engine_version']}"))
    rows += [("command", text) for text in commands(fact["command"] for fact in facts["commands"])]
    builds = {name: union(build[name] or "unknown" for build in facts["builds"]) for name in BUILD}
    rows.append(("code", "robustbench-seg {robustbench_seg}, commit {commit}, Python {python}".format(**builds)))
    names = dict.fromkeys(name for versions in facts["packages"] for name in versions)
    texts = (f"{name} {union(some[name] for some in facts['packages'] if name in some)}" for name in names)
    rows += [("packages", text)] if (text := ", ".join(texts)) else []
    for fact in facts["machines"]:
        threads = "" if fact["threads"] is None else f"; {counted(fact['threads'], 'thread')}"
        rows.append(("machine", f"{fact['machine']}{threads}"))
    return rows


def union(values: Iterable[str]) -> str:
    """Name all different values: "2.1 (also 2.0)"."""
    first, *others = dict.fromkeys(values)
    return f"{first} (also {', '.join(others)})" if others else first


def commands(lines: Iterable[str]) -> list[str]:
    """Write commands that differ in their options as one, with the options that any of them had."""
    options: dict[str, list[list[str]]] = {}
    for line in lines:
        command, *own = re.split(r" (?=--)", line)
        options.setdefault(command, []).append(own)
    texts = []
    for command, each in options.items():
        every = " ".join(dict.fromkeys(option for own in each for option in own))
        times = f", {len(each)} times, each with some of these options" if len(each) > 1 else ""
        texts.append(f"`{' '.join(filter(None, [command, every]))}`{times}")
    return texts
