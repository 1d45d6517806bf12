"""Comparisons of models, by the definitions and the paper's own figures."""

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.studies.comparison import (
    corruption_degradation,
    rank_agreement,
    relative_degradation,
    relative_improvement,
)
from robustbench_seg.studies.published import read_published
from robustbench_seg.studies.robustness import MODEL, MODEL_NOTES, SETTING, by_corruption

CONDITIONS = {"fog": (1, 2), "frost": (3,)}
# mIoU of two models: clean, fog-1, fog-2, frost-3
A, R = (0.8, 0.7, 0.5, 0.2), (0.75, 0.6, 0.3, 0.1)


def table_of(models: dict[str, tuple[float, ...]], view: str = "whole") -> pd.DataFrame:
    keys = [("clean", 0), ("fog", 1), ("fog", 2), ("frost", 3)]
    common = dict.fromkeys([*SETTING, *MODEL, *MODEL_NOTES], "x") | {"view": view, "classes": 19, "flag": ""}
    rows = [
        {**common, "model": model, "corruption": corruption, "severity": severity, "miou": value}
        for model, values in models.items()
        for (corruption, severity), value in zip(keys, values, strict=False)
    ]
    return by_corruption(pd.DataFrame(rows), CONDITIONS)


def test_degradation_is_the_ratio_of_sums_over_severities() -> None:
    table = corruption_degradation(table_of({"a": A, "r": R}), CONDITIONS, "r").set_index("model")
    fog = ((1 - 0.7) + (1 - 0.5)) / ((1 - 0.6) + (1 - 0.3))
    frost = (1 - 0.2) / (1 - 0.1)
    assert table.loc["a", "fog"] == pytest.approx(fog)
    assert table.loc["a", "frost"] == pytest.approx(frost)
    assert table.loc["a", "mean"] == pytest.approx((fog + frost) / 2)
    assert table.loc["r", ["fog", "frost", "mean"]].tolist() == pytest.approx([1, 1, 1])


def test_relative_degradation_takes_the_clean_error_off() -> None:
    table = relative_degradation(table_of({"a": A, "r": R}), CONDITIONS, "r").set_index("model")
    fog = ((0.3 - 0.2) + (0.5 - 0.2)) / ((0.4 - 0.25) + (0.7 - 0.25))
    assert table.loc["a", "fog"] == pytest.approx(fog)
    assert table.loc["a", "frost"] == pytest.approx((0.8 - 0.2) / (0.9 - 0.25))


def test_a_reference_that_loses_nothing_and_a_missing_cell_leave_nan() -> None:
    table = relative_degradation(table_of({"a": A, "r": (0.5, 0.5, 0.5, 0.1)}), CONDITIONS, "r").set_index("model")
    assert table["fog"].isna().all()
    assert table["mean"].isna().all()
    assert table["frost"].notna().all()
    missing = corruption_degradation(table_of({"a": A[:2], "r": R}), CONDITIONS, "r").set_index("model")
    assert missing.loc["a", ["fog", "frost", "mean"]].isna().all()
    assert missing.loc["r", ["fog", "frost", "mean"]].tolist() == [1, 1, 1]


def test_each_view_has_its_own_reference_and_needs_one() -> None:
    both = pd.concat([table_of({"a": A, "r": R}), table_of({"a": R, "r": A}, "slide")])
    table = corruption_degradation(both, CONDITIONS, "r").set_index(["view", "model"])
    assert table.loc[("whole", "a"), "frost"] == pytest.approx(0.8 / 0.9)
    assert table.loc[("slide", "a"), "frost"] == pytest.approx(0.9 / 0.8)
    with pytest.raises(UsageError, match="0 rows are of the reference model 'x'; models are: a, r"):
        corruption_degradation(both, CONDITIONS, "x")


def paper_table() -> pd.DataFrame:
    """The paper's Table 5 as `by_corruption` gives ours."""
    table = read_published("table5_cityscapes_c").rename(columns={"method": "model"})
    numbers = table.columns[1:]
    table[numbers] = table[numbers] / 100
    return table.assign(**{name: "x" for name in [*SETTING, *MODEL] if name != "model"})


def test_the_papers_588_percent_on_gaussian_noise_are_against_icnet() -> None:
    table = relative_improvement(paper_table(), PROTOCOLS["segformer"], "ICNet").set_index("model")
    assert round(100 * table.loc["SegFormer-B5", "gaussian_noise"]) == 588


def test_a_row_names_the_worst_corruption_and_the_mean_of_each_category() -> None:
    row = table_of({"a": A}).iloc[0]
    assert (row["worst_corruption"], row["worst"]) == ("frost", 0.2)
    assert row["weather"] == pytest.approx((0.6 + 0.2) / 2)
    assert "noise" not in row
    unfinished = table_of({"a": A[:2]}).iloc[0]
    assert unfinished["worst_corruption"] == ""
    assert np.isnan(unfinished["worst"])


def test_rank_agreement_counts_pairs_of_models_in_the_same_order() -> None:
    first = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": np.nan})
    second = pd.Series({"b": 1.0, "a": 2.0, "c": 3.0, "d": 4.0, "e": 9.0})
    table = rank_agreement({"one": first, "two": second, "three": -first})
    assert table[["first", "second"]].to_numpy().tolist() == [["one", "two"], ["one", "three"], ["two", "three"]]
    assert table["tau"].tolist() == pytest.approx([(5 - 1) / 6, -1, -(5 - 1) / 6])
    assert table["models"].tolist() == [4, 4, 4]
    assert np.isnan(rank_agreement({"one": first[:1], "two": second[:1]})["tau"]).all()
