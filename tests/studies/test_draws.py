"""Means and spreads over draws, where some corruptions draw nothing and are measured once."""

from pathlib import Path
from statistics import stdev

import numpy as np
import pandas as pd
import pytest
from counted import random_counts, random_rims, write_cell
from synthetic import write_synthetic

from robustbench_seg.store.view import View
from robustbench_seg.studies.draws import draws_of, over_draws, with_shared_cells
from robustbench_seg.studies.frame import quality_frame

CONDITIONS = {"fog": [1, 3], "contrast": [2], "pixelate": [1, 2]}
ONCE = ["*-clean-*", "*-contrast-*", "*-pixelate-*"]
PARTS = {"clean": 0.8, "fog": 0.5, "contrast": 0.6, "pixelate": 0.7}


def write_draw(folder: Path, draw: int, skip: list[str], models: tuple[str, ...] = ("a", "b")) -> None:
    def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
        drawn = 0.02 * draw if corruption == "fog" else 0.0
        return PARTS[corruption] - 0.03 * severity + drawn - 0.05 * (model == "b")

    write_synthetic(folder, accuracy, models=models, conditions=CONDITIONS, draw=draw, skip=skip)


def test_a_corruption_that_draws_nothing_counts_in_each_draw_by_its_one_measurement(tmp_path: Path) -> None:
    for draw in (0, 1, 2):
        write_draw(tmp_path, draw, ONCE if draw else [])
    cells = quality_frame(tmp_path)
    table = over_draws(cells, CONDITIONS).set_index("model")
    for model, own in cells.groupby("model"):
        miou = own.set_index(["corruption", "severity", "seed"])["miou"]
        once = {"contrast": miou["contrast", 2, 0], "pixelate": (miou["pixelate", 1, 0] + miou["pixelate", 2, 0]) / 2}
        fog = [(miou["fog", 1, draw] + miou["fog", 3, draw]) / 2 for draw in (0, 1, 2)]
        means = [(value + sum(once.values())) / 3 for value in fog]
        row = table.loc[model]
        assert (row["draws"], row["missing"]) == (3, 0)
        assert row["contrast"] == pytest.approx(once["contrast"], abs=1e-12)
        assert row["contrast_spread"] == pytest.approx(0, abs=1e-12)
        assert row["mean"] == pytest.approx(sum(means) / 3, abs=1e-12)
        assert row["mean_spread"] == pytest.approx(stdev(means), abs=1e-12)
        assert row["retention_spread"] == pytest.approx(stdev(m / miou["clean", 0, 0] for m in means), abs=1e-12)


def test_draws_are_listed_in_their_order_whatever_that_of_the_files(tmp_path: Path) -> None:
    for draw in (2, 0, 1):
        write_draw(tmp_path, draw, [])
    cells = quality_frame(tmp_path).sort_values("seed", ascending=False)
    assert list(over_draws(cells, CONDITIONS)["seeds"]) == [(0, 1, 2)] * 2


def test_a_store_that_measured_each_draw_of_them_keeps_its_own_cells(tmp_path: Path) -> None:
    for draw in (0, 1):
        write_draw(tmp_path, draw, [])
    cells = quality_frame(tmp_path)
    shared = with_shared_cells(cells)
    assert sorted(shared["key"]) == sorted(cells["key"])
    assert not shared.duplicated("key").any()


def test_a_draw_that_lacks_a_corruption_that_draws_still_lacks_it(tmp_path: Path) -> None:
    write_draw(tmp_path, 0, [], ("a",))
    write_draw(tmp_path, 1, [*ONCE, "*-fog-3-*"], ("a",))
    (row,) = over_draws(quality_frame(tmp_path), CONDITIONS).to_dict("records")
    assert (row["draws"], row["missing"]) == (2, 1)
    assert row["fog"] != row["fog"]
    assert row["contrast"] == row["contrast"]


def test_a_mean_that_a_draw_lacks_has_no_spread_over_the_others(tmp_path: Path) -> None:
    for draw in (0, 1, 2):
        write_draw(tmp_path, draw, [*(ONCE if draw else []), *(["*-fog-3-*"] if draw == 2 else [])], ("a",))
    (row,) = over_draws(quality_frame(tmp_path), CONDITIONS).to_dict("records")
    for name in ("fog", "mean", "retention"):
        assert np.isnan([row[name], row[f"{name}_spread"]]).all()
    assert row["contrast_spread"] == pytest.approx(0, abs=1e-12)


def test_folders_with_other_metrics_have_one_table_of_draws(tmp_path: Path) -> None:
    rng, frames, counts = np.random.default_rng(0), [], {}
    for metrics in ([], ["boundary"]):
        folder = tmp_path / str(len(metrics))
        for seed in (0, 1):
            for condition in (("clean", 0), ("fog", 3)):
                own = counts.setdefault((seed, condition), random_counts(rng, 12, 3))
                rims = {name: random_rims(rng, own) for name in metrics}
                write_cell(folder, own, [f"i{k}" for k in range(12)], condition, seed=seed, **rims)
        frames.append(quality_frame(folder))
    both, alone = (pd.concat(some).assign(title="m") for some in (frames, frames[:1]))
    conditions = {"fog": (3,)}
    firsts = [cells[cells["seed"] == 0] for cells in (both, alone)]
    pairs = zip((both, alone), firsts, strict=True)
    table, expected = (draws_of(cells, first, first, conditions) for cells, first in pairs)
    pd.testing.assert_frame_equal(table, expected)
    assert table["draws"].tolist() == [2]
