"""Compare what may change single pixels between cells: processor, threads, libraries."""

import json
from collections.abc import Iterable

from ..wording import counted

__all__ = ["differing_machines"]

OF_NO_PIXEL = ("pyarrow", "pandas")  # they store and read counts, but compute none


def differing_machines(environments: Iterable[str]) -> str:
    """Write a sentence on the differences between the environments of cells, "" without any.

    environments: from `quality_frame`. A part that a record lacks, as older ones do, is not compared.
    """
    values_by_part: dict[str, dict[str, None]] = {}
    for text in dict.fromkeys(environments):
        for name, value in sensitive_parts(text).items():
            values_by_part.setdefault(name, {})[value] = None
    different = [" and ".join(sorted(values)) for values in values_by_part.values() if len(values) > 1]
    if not different:
        return ""
    return f"Cells were measured with {'; '.join(different)}: single pixels may differ by that alone."


def sensitive_parts(environment: str) -> dict[str, str]:
    """Name the parts of a record's environment that may change the last digit of a sum."""
    about = json.loads(environment)
    parts = {"machine": about["machine"]} if "machine" in about else {}
    if about.get("threads") is not None:
        parts["threads"] = counted(about["threads"], "thread")
    packages = about.get("packages", {})
    return parts | {name: f"{name} {version}" for name, version in packages.items() if name not in OF_NO_PIXEL}
