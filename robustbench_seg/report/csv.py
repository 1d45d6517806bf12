"""A table as CSV: a line per number, with all digits; every file has the same columns.

Fractions are 0-1, differences of them too; what a table shows in % or in points is not multiplied here.
"""

from typing import Any

import pandas as pd

from .table import Table

__all__ = ["SCHEMA", "columns_of", "csv", "lines_of"]

SCHEMA = (
    "row", "models", "quantity", "value", "low", "high",
    "p", "p_holm", "low_runs", "high_runs", "p_runs", "comparison", "grade", "seed_pairs", "same_sign", "significant",
    "metric", "view", "corruption", "severity", "condition", "group", "effect", "class", "setup",
    "protocol", "dataset", "split", "images", "of", "fingerprint", "precision", "engine_version", "seed", "weights",
)  # fmt: skip


def lines_of(table: Table) -> list[dict[str, Any]]:
    """List each number of a table, whether people see its column or not, by column of SCHEMA as far as it has it."""
    return [
        {"quantity": column.name, **table.where, **row.where, **column.where}
        | {"value": cell.value, "low": cell.low, "high": cell.high, **cell.test}
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if column.name and cell.value is not None
    ]


def columns_of(lines: list[dict[str, Any]]) -> list[str]:
    """List SCHEMA, then what a user's own part adds to it."""
    return list(dict.fromkeys([*SCHEMA, *(name for line in lines for name in line)]))


def csv(table: Table) -> str:
    """Write the lines of a table; an empty field for what is missing."""
    lines = lines_of(table)
    frame = pd.DataFrame(lines, columns=columns_of(lines), dtype=object)
    return str(frame.to_csv(index=False, lineterminator="\n"))
