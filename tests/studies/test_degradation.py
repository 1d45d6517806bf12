"""Comparisons of models, by the definitions and the paper's own figures."""

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.studies.degradation import (
    Measure,
    corruption_degradation,
    rank_agreement,
    ranks_by_protocol,
    relative_degradation,
    relative_improvement,
)
from robustbench_seg.studies.published import read_published
from robustbench_seg.studies.robustness import BASIS, MODEL, MODEL_NOTES, by_corruption

CONDITIONS = {"fog": (1, 2), "frost": (3,)}
# mIoU of two models: clean, fog-1, fog-2, frost-3
A, R = (0.8, 0.7, 0.5, 0.2), (0.75, 0.6, 0.3, 0.1)


def table_of(models: dict[str, tuple[float, ...]], view: str = "whole") -> pd.DataFrame:
    keys = [("clean", 0), ("fog", 1), ("fog", 2), ("frost", 3)]
    common = dict.fromkeys([*BASIS, *MODEL, *MODEL_NOTES], "x") | {"view": view, "classes": 19, "flag": ""}
    rows = [
        {**common, "model": model, "corruption": corruption, "severity": severity, "miou": value}
        for model, values in models.items()
        for (corruption, severity), value in zip(keys, values, strict=False)
    ]
    return by_corruption(pd.DataFrame(rows), CONDITIONS)


def measures(models: dict[str, tuple[float, ...]], measure: Measure) -> pd.DataFrame:
    """A measure of each model against model r, by corruption."""
    table = table_of(models).set_index("model")
    base = table.loc["r"]
    return pd.DataFrame(
        {name: [measure(row[name], row["clean"], base[name], base["clean"]) for _, row in table.iterrows()]
         for name in CONDITIONS},
        index=table.index, dtype=float,
    )  # fmt: skip


def test_degradation_is_the_ratio_of_sums_over_severities() -> None:
    table = measures({"a": A, "r": R}, corruption_degradation)
    assert table.loc["a", "fog"] == pytest.approx(((1 - 0.7) + (1 - 0.5)) / ((1 - 0.6) + (1 - 0.3)))
    assert table.loc["a", "frost"] == pytest.approx((1 - 0.2) / (1 - 0.1))
    assert table.loc["r"].tolist() == pytest.approx([1, 1])


def test_relative_degradation_takes_the_clean_error_off() -> None:
    table = measures({"a": A, "r": R}, relative_degradation)
    fog = ((0.3 - 0.2) + (0.5 - 0.2)) / ((0.4 - 0.25) + (0.7 - 0.25))
    assert table.loc["a", "fog"] == pytest.approx(fog)
    assert table.loc["a", "frost"] == pytest.approx((0.8 - 0.2) / (0.9 - 0.25))


def test_a_reference_that_loses_nothing_and_a_missing_cell_leave_nan() -> None:
    table = measures({"a": A, "r": (0.5, 0.5, 0.5, 0.1)}, relative_degradation)
    assert table["fog"].isna().all()
    assert table["frost"].notna().all()
    missing = measures({"a": A[:2], "r": R}, corruption_degradation)
    assert missing.loc["a"].isna().all()
    assert missing.loc["r"].tolist() == [1, 1]


def test_a_measure_of_resamples_is_the_measure_of_each() -> None:
    rng = np.random.default_rng(0)
    score, clean, reference, reference_clean = (low + 0.1 * rng.random(5) for low in (0.3, 0.7, 0.2, 0.7))
    reference_clean[2] = reference[2]  # a resample in which the reference loses nothing
    for measure in (corruption_degradation, relative_degradation, relative_improvement):
        of_all = measure(score, clean, reference, reference_clean)
        each = [measure(*numbers) for numbers in zip(score, clean, reference, reference_clean, strict=True)]
        np.testing.assert_allclose(of_all, np.array(each, float), rtol=1e-15)
    assert np.isnan(relative_degradation(score, clean, reference, reference_clean)).tolist() == [
        k == 2 for k in range(5)
    ]


def test_the_papers_588_percent_on_gaussian_noise_are_against_icnet() -> None:
    noise = read_published("table5_cityscapes_c").set_index("method")["gaussian_noise"] / 100
    gain = relative_improvement(noise["SegFormer-B5"], np.nan, noise["ICNet"], np.nan)
    assert round(100 * gain) == 588


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


def test_protocols_rank_models_next_to_two_versions_of_a_users_own_corruption() -> None:
    """As where it was edited between the runs of two suites: it is in none of these protocols."""
    common = dict.fromkeys([*BASIS, *MODEL, *MODEL_NOTES], "x") | {"classes": 19, "flag": "", "corruption_source": ""}
    conditions = {**PROTOCOLS["fan"], **PROTOCOLS["semsegbench"], "clean": (0,)}
    rows = [
        {**common, "model": model, "corruption": name, "severity": severity, "miou": miou / (1 + severity)}
        for model, miou in (("a", 0.8), ("b", 0.6))
        for name, severities in conditions.items()
        for severity in {*severities, *PROTOCOLS["fan"].get(name, ())}
    ]
    own = [{**rows[0], "corruption": "rain", "severity": 3, "corruption_source": source} for source in ("1", "2")]
    cells, measured = pd.DataFrame(rows), pd.DataFrame(rows + own)
    ranks = ranks_by_protocol(measured, cells.assign(title=cells["model"]))
    assert ranks["protocols"].tolist() == ["fan and semsegbench"]
    assert ranks["tau"].tolist() == [1]
