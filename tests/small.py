"""A suite small enough for tests: two models that need no trained weights, on six tiny drawn scenes."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import yaml

SUITE: dict[str, Any] = {
    "name": "small",
    "description": "for tests",
    "models": [{"name": "constant"}, {"name": "b0", "model": "segformer-b0", "weights": "random"}],
    "dataset": {"name": "streets", "split": "test", "size": [64, 96], "count": 6},
    "protocol": "small",
    "conditions": {"gaussian_noise": [1, 3], "contrast": [2]},
    "views": ["whole", {"mode": "slide", "crop": 64, "stride": 32}],
    "gallery": ["streets_000000_2000001"],
}


def write_suite(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({**SUITE, **changes}, sort_keys=False), encoding="utf-8")
    return path


def stored(folder: Path) -> dict[str, tuple[list[str], pd.DataFrame]]:
    """What decides a store, by file name: column names, and all values."""
    tables = {}
    for path in sorted((folder / "cells").glob("*.parquet")):
        table = pq.read_table(path)
        tables[path.name] = (table.column_names, table.to_pandas())
    return tables


def assert_same_store(one: Path, other: Path, *, keys: bool = True) -> None:
    """keys: False where models differ in code alone, so that the same numbers have other keys."""
    a, b = ({name if keys else name[:-41]: table for name, table in stored(store).items()} for store in (one, other))
    assert a.keys() == b.keys()
    for name in a:
        assert a[name][0] == b[name][0]
        tables = [one[name][1].drop(columns=[] if keys else ["checkpoint_sha256", "key"]) for one in (a, b)]
        pd.testing.assert_frame_equal(*tables)
