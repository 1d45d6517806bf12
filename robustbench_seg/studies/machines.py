"""What cells were computed with, as far as single pixels depend on it: processor, threads, libraries."""

import json
from collections.abc import Iterable

from ..wording import counted

__all__ = ["differing_machines"]

OF_NO_PIXEL = ("pyarrow", "pandas")  # they keep and read counts, and make none


def differing_machines(environments: Iterable[str]) -> str:
    """Say that cells were not all computed with the same, and in what they differ; nothing where they were.

    environments: of `quality_frame`. Of what a record does not say, as older ones, nothing is said.
    """
    known: dict[str, dict[str, None]] = {}
    for text in dict.fromkeys(environments):
        for name, value in measured_with(text).items():
            known.setdefault(name, {})[value] = None
    different = [" and ".join(sorted(values)) for values in known.values() if len(values) > 1]
    if not different:
        return ""
    return f"Cells were measured with {'; '.join(different)}: single pixels may differ by that alone."


def measured_with(environment: str) -> dict[str, str]:
    """Name the parts of a record's environment that may move the last digit of a sum."""
    about = json.loads(environment)
    found = {"machine": about["machine"]} if "machine" in about else {}
    if about.get("threads") is not None:
        found["threads"] = counted(about["threads"], "thread")
    packages = about.get("packages", {})
    return found | {name: f"{name} {version}" for name, version in packages.items() if name not in OF_NO_PIXEL}
