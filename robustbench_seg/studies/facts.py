"""Which commands, code, machines, versions, data and weights made numbers."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["BUILD", "Facts", "facts_of"]

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
        "weights": once(cells[WEIGHTS].to_dict("records")),
    }


def once(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is there already."""
    return list({tuple(value.items()): value for value in values}.values())
