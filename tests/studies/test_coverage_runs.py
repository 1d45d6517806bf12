"""How often the interval over images and runs is right: the committed simulation, and a part of it with other draws."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.coverage_runs import GAP, Population, simulate

ROOT = Path(__file__).parents[2]
NAMES = ["first_runs", "second_runs", "first_spread", "second_spread"]
TABLE = pd.read_csv(ROOT / "benchmarks/results/coverage-runs.csv").set_index(NAMES)
MARK = "<!-- from benchmarks/results/coverage-runs.md -->"


@pytest.fixture(scope="module")
def population() -> Population:
    return Population()


@pytest.mark.parametrize(("runs", "spread"), [((2, 2), 2), ((3, 3), 1), ((4, 4), 5)])
def test_other_draws_give_the_shares_of_the_committed_table(
    population: Population, runs: tuple[int, int], spread: float
) -> None:
    studies = 250
    row = TABLE.loc[(*runs, spread, spread)]
    for case, gap in (("equal", 0), ("different", GAP)):
        for name, share in simulate(population, runs, (spread, spread), gap, studies, seed=9).items():
            expected = row[f"{case}_{name}"]
            error = np.sqrt(max(expected * (1 - expected), 0.01) * (1 / studies + 1 / row["studies"]))
            print(f"{runs}, spread {spread}, {case}, {name}: {share:.3f}, in the table {expected:.3f}")
            assert share == pytest.approx(expected, abs=4 * error), name


def test_p_agrees_with_the_interval() -> None:
    for case in ("equal", "different"):
        assert (TABLE[f"{case}_p_both"] - TABLE[f"{case}_both_exclude_zero"]).abs().max() <= 0.001


def test_the_documentation_quotes_the_committed_table() -> None:
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    committed = (ROOT / "benchmarks/results/coverage-runs.md").read_text(encoding="utf-8").splitlines()
    (quoted,) = re.findall(f"{MARK}\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert set(quoted.splitlines()) <= set(committed)
