"""The paper's counts are met, and the committed table is what the code counts today."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import published_costs

PUBLISHED = Path(published_costs.__file__).parents[1] / "robustbench_seg" / "studies" / "published"
COMMITTED = Path(published_costs.__file__).parent / "results" / "complexity.csv"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return published_costs.compare_with_paper()


def test_every_flop_figure_of_tables_1a_and_2_is_met_within_0_4_percent(table: pd.DataFrame) -> None:
    macs = table[(table["quantity"] == "GMACs") & table["table"].isin(["1a", "2"])]
    assert len(macs) == 6 * 3 + 3 + 6  # three data sets of six variants; ADE20K and Cityscapes
    assert macs["difference_percent"].abs().max() <= 0.4


def test_a_head_of_150_classes_fits_all_but_four_rows_of_table_2(table: pd.DataFrame) -> None:
    segmentation = table[(table["quantity"] == "GMACs") & table["table"].isin(["1a", "2"])]
    others = segmentation[segmentation["classes"] != 150]
    assert set(others["row"]) == {"SegFormer@768 B0", "SegFormer@640 B0", "SegFormer@512 B0", "SegFormer B5"}
    assert set(others["of"]) == {"Cityscapes"}
    assert set(others["classes"]) == {19}


def test_a_head_with_the_data_sets_classes_fits_worse_where_it_differs(table: pd.DataFrame) -> None:
    differ = table[table["own_head"].notna()]
    assert set(differ["of"]) == {"Cityscapes", "COCO-Stuff"}
    assert ((differ["own_head"] - differ["paper"]).abs() > (differ["ours"] - differ["paper"]).abs()).all()


def test_parameters_are_those_of_the_paper_to_the_digit(table: pd.DataFrame) -> None:
    parameters = table[table["quantity"] == "M parameters"]
    assert len(parameters) == 6 * 2 + 6 + 6
    assert (parameters["ours"].round(1) == parameters["paper"]).all()


def test_flops_of_table_7_are_met_to_the_digit_but_b5s(table: pd.DataFrame) -> None:
    macs = table[(table["quantity"] == "GMACs") & (table["table"] == "7")].set_index("row")
    off = macs[macs["ours"].round(1) != macs["paper"]]
    assert list(macs.index) == ["B0", "B1", "B2", "B3", "B4", "B5"]
    assert list(off.index) == ["B5"]
    assert (round(off.loc["B5", "ours"], 1), off.loc["B5", "paper"]) == (11.7, 11.8)


def test_the_papers_figures_are_those_of_the_published_tables(table: pd.DataFrame) -> None:
    """Every number of FLOPs and parameters in the files, and no other."""
    first, second, seventh = (
        pd.read_csv(PUBLISHED / f"{name}.csv") for name in ("table1a_variants", "table2_main", "table7_imagenet")
    )
    second = second[second["method"].str.startswith("SegFormer")]
    expected = {
        ("1a", "GMACs"): first[["ade20k_gflops", "cityscapes_gflops", "cocostuff_gflops"]],
        ("1a", "M parameters"): pd.concat(
            [first["decoder_params_m"], (first["encoder_params_m"] + first["decoder_params_m"]).round(1)]
        ),
        ("2", "GMACs"): second[["ade20k_gflops", "cityscapes_gflops"]],
        ("2", "M parameters"): second["params_m"],
        ("7", "GMACs"): seventh["gflops_224"],
        ("7", "M parameters"): seventh["params_m"],
    }
    for (name, quantity), figures in expected.items():
        shown = table[(table["table"] == name) & (table["quantity"] == quantity)]["paper"]
        values = figures.to_numpy().ravel()
        assert sorted(shown) == sorted(values[~pd.isna(values)]), (name, quantity)


def test_the_committed_table_is_what_is_counted_today(table: pd.DataFrame) -> None:
    committed = pd.read_csv(COMMITTED, dtype={"table": str}, keep_default_na=False, na_values={"own_head": [""]})
    pd.testing.assert_frame_equal(committed, table, rtol=1e-12)
