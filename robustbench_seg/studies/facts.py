"""Which commands, code, machines, versions, data and weights made numbers, as plain values and in words."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ..wording import BRIEF, counted

__all__ = ["Facts", "facts_of", "provenance"]

UNKNOWN: dict[str, Any] = {
    "command": "unknown", "robustbench_seg": "unknown", "python": "unknown", "machine": "unknown", "packages": {},
}  # fmt: skip
BUILD = ("robustbench_seg", "commit", "python")
DATA = ["dataset", "split", "fingerprint", "images", "of", "engine_version"]
WEIGHTS = ["model", "checkpoint_sha256", "licence", "parameters", "about"]
Facts = dict[str, list[dict[str, Any]]]


def facts_of(cells: pd.DataFrame) -> Facts:
    """List what made the numbers of cells: plain values, each once. cells: of `quality_frame` or `latency_frame`."""
    about = [UNKNOWN | json.loads(text) for text in dict.fromkeys(cells["environment"])]
    data = cells.dropna(subset=["dataset"]) if "dataset" in cells else cells.iloc[:0].reindex(columns=DATA)
    return {
        "commands": once([{"command": a["command"]} for a in about]),
        "builds": once([{name: a.get(name) for name in BUILD} for a in about]),
        "packages": once([a["packages"] for a in about]),
        "machines": once([{"machine": a["machine"], "threads": a.get("threads")} for a in about]),
        "data": once(data[DATA].convert_dtypes().to_dict("records")),
        "weights": once(cells.drop_duplicates(["model", "checkpoint_sha256"])[WEIGHTS].to_dict("records")),
    }


def once(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is there already."""
    return list({tuple(value.items()): value for value in values}.values())


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Write facts, except the weights, in rows: what, and the text. Of many, what they share stands once."""
    rows = []
    for data in facts["data"]:
        text = f"{data['dataset']} {data['split']}, {data['images']} of {data['of']} images, fingerprint "
        rows.append(("data", f"{text}{data['fingerprint'][:BRIEF]}; engine version {data['engine_version']}"))
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
