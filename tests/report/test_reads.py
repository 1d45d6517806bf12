"""How often a report opens each file of a cell: counted by the interpreter, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from counted import random_calibration, random_counts, random_rims, write_cell
from whole import write_whole

from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Plan, PlannedCell

PROGRAM = """
import collections, json, sys
opened = collections.Counter()

def count(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".parquet"):
        opened[str(arguments[0])] += 1

sys.addaudithook(count)
from robustbench_seg.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(opened))
"""
IDS = [f"image_{k}" for k in range(12)]


def write_edited(folder: Path) -> None:
    """Clean cells and those of a corruption of a user's own, which was edited after the first of two runs."""
    rng = np.random.default_rng(0)
    clean, old, new = (
        write_cell(
            folder, counts := random_counts(rng, len(IDS), 4), IDS, condition, corruption_source=source,
            boundary=random_rims(rng, counts), calibration=random_calibration(rng, counts), likelihood=[1] * len(IDS),
        )
        for condition, source in ((("clean", 0), ""), (("rain", 3), "old"), (("rain", 3), "new"))
    )  # fmt: skip
    for number, paths in enumerate(((clean, old), (clean, new))):
        records = [read_record(path) for path in paths]
        cells = tuple(PlannedCell(kind="quality", slug=record.cell.slug, key=record.key) for record in records)
        Store(folder).write_plan(
            Plan(
                suite="edited", description=f"run {number}", protocol="p", conditions=(("rain", (3,)),),
                precision="fp32", images=len(IDS), gallery=(), views=("whole",), cells=cells,
            )
        )  # fmt: skip


def opened(*arguments: str) -> dict[str, int]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_report_and_a_comparison_open_each_file_of_a_cell_once(tmp_path: Path) -> None:
    write_whole(tmp_path / "whole")
    write_edited(tmp_path / "edited")
    files = {str(path): 1 for path in tmp_path.rglob("*.parquet")}
    assert len(files) == 3 + 3
    assert opened("report", str(tmp_path / "whole"), str(tmp_path / "edited")) == files
    quality = {path: 2 for path in files if "/latency/" not in path}  # each as BASE and as NEW
    for name in ("whole", "edited"):
        folder = str(tmp_path / name)
        assert opened("compare", folder, folder) == {path: n for path, n in quality.items() if f"/{name}/" in path}
