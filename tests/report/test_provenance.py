"""What a report says of the machines behind its numbers."""

from pathlib import Path

import pytest
import synthetic
from synthetic import write_synthetic

from robustbench_seg.report.sections import sections_of

SENTENCE = "Cells were measured with 1 thread and 2 threads: single pixels may differ by that alone."


def test_a_report_says_where_cells_that_it_compares_had_other_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 2):
        monkeypatch.setattr(synthetic, "ENVIRONMENT", {**synthetic.ENVIRONMENT, "threads": threads})
        write_synthetic(tmp_path / str(threads), lambda *cell: 0.8, models=[f"m{threads}"], conditions={}, images=12)
    (both,) = sections_of([tmp_path / "1", tmp_path / "2"], pictures=False)
    (one,) = sections_of([tmp_path / "1"], pictures=False)
    assert SENTENCE in both.limits
    assert SENTENCE not in one.limits
    assert [line for line in both.provenance if line.startswith("machine:")] == [
        "machine: none; 1 thread",
        "machine: none; 2 threads",
    ]
