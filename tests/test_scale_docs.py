"""docs/scale.md quotes committed rates, and its cost follows from them."""

import json
import re
from pathlib import Path
from statistics import median

import pandas as pd

from benchmarks.pipeline_scaling_page import IN_FLIGHT
from robustbench_seg.measure.engines import data
from robustbench_seg.measure.engines.cluster import SENT_PARAMETERS
from robustbench_seg.measure.engines.crew import TRIES
from robustbench_seg.protocols import conditions_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/scale.md").read_text(encoding="utf-8")


def test_the_cost_follows_from_the_committed_rates() -> None:
    images = 500 * (1 + sum(map(len, conditions_of("segformer").values())))
    assert f"{images:,} images for each" in PAGE
    forward = pd.read_csv(ROOT / "benchmarks/results/segformer_forward.csv", comment="#")
    rows = forward.query("size == '1024x2048' and precision == 'fp32' and implementation == 'segformer'")
    seconds = {f"SegFormer-{row.variant.upper()}, forward": row.median_ms / 1000 for row in rows.itertuples()}
    page = (ROOT / "benchmarks/results/corruptions.md").read_text(encoding="utf-8")
    (all_of_them,) = re.findall(r"^\| protocol `segformer`, all: 72 .*? \| ([\d.]+) \|", page, re.MULTILINE)
    seconds["corruption, one core"] = float(all_of_them) / 1000
    block = PAGE.partition("<!-- cost -->")[2].partition("<!-- end -->")[0].strip().splitlines()[2:]
    assert len(block) == 3
    for line in block:
        what, each, one, eight = line.strip("| ").split(" | ")
        hours = images * seconds[what] / 3600
        assert float(each) == round(seconds[what], len(each.partition(".")[2]))
        assert (one, eight) == (f"{hours:.1f}", f"{hours / 8:.1f}")
    assert f"{images / 3600:.1f} / R hours" in PAGE


def test_what_a_run_takes_in_addition_is_the_committed_measurement() -> None:
    parts = json.loads((ROOT / "benchmarks/results/pipeline.json").read_text(encoding="utf-8"))
    seconds = {
        (part, side): median(sample["wall_s"] for sample in samples)
        for part in ("sweep", "script", "glass")
        for side, samples in parts[part]["samples"].items()
    }
    words = " ".join(PAGE.split())
    assert f"{seconds['sweep', 'sweep'] / seconds['sweep', 'forward']:.2f} of the time of forward passes in a" in words
    assert f"the run took {seconds['sweep', 'sweep'] / seconds['sweep', 'kept']:.2f} of its time" in words
    assert f"took {seconds['script', 'script'] / seconds['script', 'run']:.1f} times as long as a run with" in words
    assert f"and {seconds['glass', 'script'] / seconds['glass', 'run']:.1f} times with glass blur" in words


def test_rates_on_a_gpu_are_the_committed_measurement() -> None:
    own = json.loads((ROOT / "benchmarks/results/pipeline.json").read_text(encoding="utf-8"))["gpu"]
    rows = re.findall(r"\| SegFormer-(B\d) \| (.+?) images/s, (.+?) \| (.+?) images/s, (.+?) \|", PAGE)
    assert len(rows) == 2
    rates = {}
    for variant, *values in rows:
        for precision, rate, share in zip(("fp32", "bf16"), values[::2], values[1::2], strict=True):
            samples = own["networks"][f"{variant.lower()}, {precision}"]
            (run,), (forward,) = (samples["samples"][side] for side in ("run", "forward"))
            rates[variant, precision] = (samples["images"] * own["conditions"] - IN_FLIGHT) / run["shown_s"]
            assert float(rate) == round(rates[variant, precision], len(rate.partition(".")[2]))
            assert share == f"{rates[variant, precision] / forward['images_per_s']:.2f}"
    page = " ".join((ROOT / "docs/reproduce.md").read_text(encoding="utf-8").split())
    ((minutes, rate),) = re.findall(r"about (\d+) minutes on an H200, at the .*? ([\d.]+) images/s", page)
    assert float(rate) == round(rates["B5", "fp32"], 1)
    assert abs(int(minutes) - 36_500 / rates["B5", "fp32"] / 60) < 2.5


def test_its_bounds_are_those_of_the_engine() -> None:
    assert data.SENT_BYTES == 2**30
    assert f"models up to {SENT_PARAMETERS / 1e6:.0f} million parameters" in PAGE
    assert TRIES == data.RETRIES + 1 == 3, "tried three times, after the third time"
