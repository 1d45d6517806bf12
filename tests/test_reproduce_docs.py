"""docs/reproduce.md quotes the published tables and committed results, and its commands name what there is."""

import json
import re
import statistics
from pathlib import Path

import pandas as pd
import pytest

from robustbench_seg.protocols import PROTOCOLS, categories_of
from robustbench_seg.studies.published import read_published
from robustbench_seg.suites import read_suite

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
TABLE_5 = read_published("table5_cityscapes_c").set_index("method")
OTHER = read_published("semsegbench_sev3").set_index("model")


def higher(theirs: str, ours: str) -> pd.Series:
    """By how much SemSegBench's row is above one of Table 5, in the corruptions that both have."""
    shared = [name for name in PROTOCOLS["segformer"] if name in OTHER]
    return OTHER.loc[theirs, shared].astype(float) - TABLE_5.loc[ours, shared]


def row_of(name: str) -> str:
    """A corruption's row of the page as the published files have it; a dash where a source has no such corruption."""
    paper = TABLE_5.loc["SegFormer-B5", name]
    if name not in OTHER:
        return f"| {name.replace('_', ' ')} | {paper:.1f} | – | – |"
    difference = higher("SegFormer-B5", "SegFormer-B5")[name]
    return f"| {name.replace('_', ' ')} | {paper:.1f} | {OTHER.loc['SegFormer-B5', name]:.1f} | {difference:+.1f} |"


def test_the_expected_numbers_equal_the_published_tables() -> None:
    block = PAGE.partition("<!-- expected: ")[2].partition("<!-- end -->")[0]
    assert block.strip().splitlines()[3:] == [row_of(name) for name in PROTOCOLS["segformer"]]


def test_the_clean_scores_to_expect_are_the_papers_and_semsegbenchs() -> None:
    variants = read_published("table1a_variants").set_index("variant")["cityscapes_miou_ss"]
    table_2 = read_published("table2_main").set_index(["method", "encoder"])["cityscapes_miou"]
    assert variants["B5"] == TABLE_5.loc["SegFormer-B5", "clean"]
    assert variants["B0"] == table_2["SegFormer@1024", "B0"]
    for variant in ("B5", "B0"):
        start = f"| {variant}, authors, Transformers | `slide-1024-768` "
        assert f"{start}| {variants[variant]} | ±0.2 |" in PAGE
        clean = OTHER.loc[f"SegFormer-{variant}", "clean"]
        assert f"| {variant}, MMSegmentation | `slide-1024-768` | {clean} | ±0.2 |" in PAGE


def test_mean_retention_and_categories_are_those_of_the_table() -> None:
    mean = TABLE_5.drop(columns="clean").mean(axis=1)
    kept = mean / TABLE_5["clean"]
    assert f"corruptions: {mean['SegFormer-B5']:.1f}, retention {kept['SegFormer-B5']:.1%}".replace("%", " %") in PAGE
    means = pd.DataFrame({name: TABLE_5[list(some)].mean(axis=1) for name, some in categories_of(mean_names()).items()})
    ours = [f"{name} {means.loc['SegFormer-B5', name]:.1f}" for name in ("noise", "blur", "digital", "weather")]
    assert f"By category, {', '.join(ours)};" in PAGE
    theirs = re.search(r"the same table has ([\d.]+), ([\d.]+), ([\d.]+) and ([\d.]+)\.", PAGE)
    assert theirs
    expected = means.loc["DLv3+ MBv2", ["noise", "blur", "digital", "weather"]].tolist()
    assert list(map(float, theirs.groups())) == pytest.approx(expected, abs=0.051)


def mean_names() -> list[str]:
    return [name for name in TABLE_5.columns if name != "clean"]


def test_the_contradiction_between_the_sources_is_stated_with_its_numbers() -> None:
    differences = higher("SegFormer-B5", "SegFormer-B5")
    assert (differences > 0).all()
    assert f"all {len(differences)} corruptions that both sources have, by {differences.min():.1f} to " in PAGE
    assert f"{differences.max():.1f} points:" in PAGE
    lower = TABLE_5.loc["SegFormer-B5", "clean"] - OTHER.loc["SegFormer-B5", "clean"]
    assert f"whose clean score is {lower:.2f} points *lower*" in PAGE
    for text, name in {"Snow differs by ": "snow", "frost by ": "frost", "glass blur by ": "glass_blur"}.items():
        assert f"{text}{differences[name]:.1f}" in PAGE
    assert f"jpeg compression by {differences['jpeg_compression']:.1f}." in PAGE
    noise = OTHER.loc["SegFormer-B5", "gaussian_noise"], TABLE_5.loc["SegFormer-B5", "gaussian_noise"]
    assert f"Gaussian noise is {noise[0]:.1f} at severity 3, and {noise[1]} as a mean\n" in PAGE
    deeplab, clean = higher("DeepLabV3+ R50", "DLv3+ R50"), OTHER.loc["DeepLabV3+ R50", "clean"]
    assert f"by {deeplab.min():.1f} to {deeplab.max():.1f} points (its clean score by " in PAGE
    assert f"by {clean - TABLE_5.loc['DLv3+ R50', 'clean']:.1f})." in PAGE


def test_the_sharp_check_has_semsegbenchs_numbers() -> None:
    sharp = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}
    page = " ".join(PAGE.split())
    for name in sharp:
        assert f"{name.replace('_', ' ')} {OTHER.loc['SegFormer-B0', name]:.2f}" in page


def test_the_price_of_table_1c_follows_from_table_1a() -> None:
    variants = read_published("table1a_variants").set_index("variant")["cityscapes_gflops"]
    macs = variants["B2"] * 1e9 * 768**2 / (1024 * 2048)
    operations = 3 * 2 * macs * 8 * 40_000
    assert f"about {operations / 1e17:.1f} x 10^17 floating-point operations" in PAGE
    assert f"takes {operations / 1e13 / 3600:.0f} hours per arm" in PAGE
    assert 28 <= operations / 1.4e11 / 86_400 <= 33  # "a month"


@pytest.mark.parametrize("result", re.findall(r"<!-- from (\S+) -->", PAGE))
def test_quoted_lines_are_those_of_committed_results(result: str) -> None:
    quoted = PAGE.partition(f"<!-- from {result} -->\n")[2].partition("<!-- end -->")[0].splitlines()
    assert len(quoted) > 2
    assert set(quoted) <= set((ROOT / result).read_text(encoding="utf-8").splitlines())


def test_the_hours_on_free_cores_follow_from_committed_benchmarks() -> None:
    forward = pd.read_csv(ROOT / "benchmarks/results/segformer_forward.csv", comment="#")
    ours = forward.query("implementation == 'segformer' and size == '1024x2048' and precision == 'fp32'")
    network = ours.set_index("variant")["median_ms"] / 1000
    samples = json.loads((ROOT / "benchmarks/results/metrics.json").read_text())["times_ms"]["1024x2048x19"]["on"]
    small = statistics.median(samples) / 1000
    large = small - network["b0"] + network["b5"]
    page = " ".join(PAGE.split())
    assert f"B0 takes {small:.2f} s with all metrics" in page
    assert f"the network has {network['b0']:.2f} s; B5's network takes {network['b5']:.1f} s" in page
    assert f"so about {large:.1f} s with all metrics" in page
    corrupt = 0.0125  # the mean over the protocol's conditions
    assert "| 12.5 | 751 | 59.9 |" in (ROOT / "benchmarks/results/corruptions.md").read_text(encoding="utf-8")
    hours = [36_500 * (seconds + corrupt) / 3600 for seconds in (small, large)]
    assert f"about {hours[0]:.0f} hours (B0) and {hours[1]:.0f} hours (B5)" in page


def test_the_price_of_windows_is_the_committed_measurement() -> None:
    rows = pd.read_csv(ROOT / "benchmarks/results/reproduction.csv").set_index(["model", "view"])["seconds_per_image"]
    b0, b5 = (rows[f"segformer-{name}", "slide-1024-768"] / rows[f"segformer-{name}", "whole"] for name in ("b0", "b5"))
    assert f"B0 takes {b0:.1f} times as long as on whole images, and B5 as long" in " ".join(PAGE.split())
    assert round(b5, 1) == 1
    scale = " ".join((ROOT / "docs/scale.md").read_text(encoding="utf-8").split())
    assert f"cost [{b5:.1f} (B5) to {b0:.1f} (B0) times]" in scale
    seconds = (f"{rows[f'segformer-{name}', 'whole']:.1f} s ({name.upper()})" for name in ("b0", "b5"))
    assert f"whole runs took [{' and '.join(seconds)}]" in scale


def test_the_size_of_the_store_is_that_of_a_committed_one_with_as_many_classes() -> None:
    cells = list((ROOT / "reports/streets-c/cells").glob("*.parquet"))
    images = sum(len(pd.read_parquet(path, columns=["image_id"])) for path in cells)
    per_image = sum(path.stat().st_size for path in cells) / images
    assert f"{per_image:.0f} bytes per image and condition" in PAGE
    assert f"about {per_image * 36_500 / 1e6:.0f} MB" in PAGE


def test_the_commands_name_suites_that_ship_with_the_paper_s_windows() -> None:
    for name in re.findall(r"robustbench-seg run (\S+)", PAGE):
        read_suite(name)
    paper, clean, whole = map(read_suite, ("cityscapes-c-paper", "cityscapes-clean", "cityscapes-c"))
    assert [str(view) for view in paper.views] == ["slide-1024-768"]
    assert paper.conditions == whole.conditions
    assert {*paper.views, *whole.views} == {*clean.views}
    assert clean.conditions == {}
