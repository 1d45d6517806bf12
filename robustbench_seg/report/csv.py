"""A table as CSV: a line per number, with all digits; every file has the same columns.

Fractions are 0-1, differences of them too; what a table shows in % or in points is not multiplied here.
"""

import pandas as pd

from .table import Table

__all__ = ["SCHEMA", "csv"]

SCHEMA = (
    "row", "models", "quantity", "value", "low", "high",
    "p", "p_holm", "low_runs", "high_runs", "p_runs", "comparison", "grade", "seed_pairs", "same_sign", "significant",
    "metric", "view", "corruption", "severity", "condition", "group", "effect", "class", "setup",
    "protocol", "dataset", "split", "images", "of", "fingerprint", "precision", "engine_version", "seed", "weights",
)  # fmt: skip


def csv(table: Table) -> str:
    """Write each number of a table, whether people see its column or not; an empty field for a missing one."""
    lines = [
        {"quantity": column.name, **table.where, **row.where, **column.where}
        | {"value": cell.value, "low": cell.low, "high": cell.high, **cell.test}
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if column.name and cell.value is not None
    ]
    columns = list(dict.fromkeys([*SCHEMA, *(name for line in lines for name in line)]))
    return str(pd.DataFrame(lines, columns=columns, dtype=object).to_csv(index=False, lineterminator="\n"))
