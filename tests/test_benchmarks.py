"""The benchmark program runs, and its figures follow from its samples. Speed is not tested."""

import csv
import importlib
import json
import re
import statistics
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

ROOT = Path(__file__).parents[1]


def benchmark(name: str, *arguments: str) -> None:
    """Run a benchmark's program in this process; those that it starts itself are of its own."""
    with mock.patch.object(sys, "argv", [name, *arguments]), chdir(ROOT):
        importlib.import_module(f"benchmarks.{name}").main()


def test_help_of_the_benchmark_without_options_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = mock.Mock(side_effect=AssertionError("counts"))
    monkeypatch.setattr("benchmarks.complexity.compare_with_paper", counted)
    with pytest.raises(SystemExit, match=r"^0$"):
        benchmark("complexity", "--help")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corruptions on a tiny scene, all parts."""
    out = tmp_path_factory.mktemp("benchmark")
    names = ["--only", "brightness", "glass_blur"]
    benchmark("corruptions", "--size", "48", "64", "--samples", "3", *names, "--out", str(out))
    return out


@pytest.fixture(scope="module")
def raw(results: Path) -> Any:
    return json.loads((results / "corruptions.json").read_text())


def test_every_condition_has_at_least_the_samples_asked_for_and_quick_ones_up_to_five_times_as_many(raw: Any) -> None:
    counts = {key: {side: len(ms) for side, ms in sides.items()} for key, sides in raw["times_ms"].items()}
    assert set(counts) == {f"{name} {s}" for name in ("brightness", "glass_blur") for s in range(1, 6)}
    for key, number in counts.items():
        assert 3 <= number["ours"] <= 15
        if key.startswith("brightness"):
            assert number["oracle"] == number["ours"]
        else:
            assert 1 <= number["oracle"] <= 5  # slow: in the first round alone


def test_the_csv_holds_the_medians_of_the_samples(results: Path, raw: Any) -> None:
    lines = (results / "corruptions.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(rows) == 10
    for row in rows:
        sides = raw["times_ms"][f"{row['corruption']} {row['severity']}"]
        ours, oracle = (statistics.median(sides[side]) for side in ("ours", "oracle"))
        assert float(row["ours_median_ms"]) == pytest.approx(ours, abs=1e-3)
        assert float(row["oracle_median_ms"]) == pytest.approx(oracle, abs=1e-3)
        assert float(row["ratio"]) == pytest.approx(oracle / ours, abs=1e-3)


def test_the_summarys_ratio_is_the_ratio_of_the_mean_medians(results: Path, raw: Any) -> None:
    ours, oracle = (
        statistics.fmean(statistics.median(sides[side]) for sides in raw["times_ms"].values())
        for side in ("ours", "oracle")
    )
    page = (results / "corruptions.md").read_text()
    assert f"all: 10 of its 72 conditions | {ours:.1f} | {oracle:.0f} | {oracle / ours:.1f} |" in page


def test_new_processes_and_workers_are_measured(raw: Any) -> None:
    assert set(raw["processes"]) == {"brightness", "glass_blur"}
    for values in raw["processes"].values():
        assert values.keys() == {"first_call_ms", "peak_mib"}
        assert values["peak_mib"] > 10  # OpenCV and Numba alone need more
    assert set(raw["images_per_s"]) == {"threads 1", "threads 2", "processes 1", "processes 2"}
    assert set(raw["import_ms"]) == {"robustbench_seg", "robustbench_seg.corruptions"}


@pytest.mark.parametrize("name", ["corruptions.md", "corruptions.csv"])
def test_what_is_written_names_command_commit_machine_and_versions(name: str, results: Path, raw: Any) -> None:
    text = (results / name).read_text()
    assert "--size 48 64 --samples 3 --only brightness glass_blur" in text
    for value in (raw["about"]["commit"], raw["about"]["machine"], "imagecorruptions 1.1.2", "engine version"):
        assert value in text


def test_an_unknown_corruption_is_refused_in_one_line() -> None:
    with pytest.raises(SystemExit, match=r"^--only rain: unknown corruption; known are gaussian_noise.*$"):
        benchmark("corruptions", "--only", "rain")


README = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("result", re.findall(r"<!-- from (\S+) -->", README))
def test_the_readme_quotes_committed_tables(result: str) -> None:
    committed = (ROOT / result).read_text(encoding="utf-8").splitlines()
    readme = README.splitlines()
    start = readme.index(f"<!-- from {result} -->")
    quoted = readme[start + 1 : readme.index("<!-- end -->", start)]
    assert len(quoted) > 2
    assert set(quoted) <= set(committed)


def test_the_benchmark_of_the_metrics_states_the_medians_of_its_samples(tmp_path: Path) -> None:
    benchmark("metrics", "--settings", "64x96x5", "--samples", "3", "--out", str(tmp_path))
    raw = json.loads((tmp_path / "metrics.json").read_text())
    off, on = (statistics.median(raw["times_ms"]["64x96x5"][side]) for side in ("off", "on"))
    page = (tmp_path / "metrics.md").read_text()
    assert f"| 64x96, 5 classes | {off:.0f} (" in page
    assert f" | {on / off - 1:+.1%} | 3 |" in page
    assert all(raw["about"][name] in page for name in ("commit", "machine", "command"))


def test_the_benchmark_of_the_reproduction_runs_the_suite_and_states_its_price(tmp_path: Path) -> None:
    reproduction = importlib.import_module("benchmarks.reproduction")
    options = ["--models", "segformer-b0", "--views", "whole", "--images", "1", "--size", "64", "96"]
    reproduction.main([*options, "--remark", "a test", "--out", str(tmp_path)])
    (row,) = csv.DictReader((tmp_path / "reproduction.csv").read_text().splitlines())
    seconds = float(row["seconds_per_image"])
    assert 0 < float(row["fastest"]) <= seconds <= float(row["slowest"])
    assert row["samples"] == "3"  # a corrupted cell each
    assert float(row["hours"]) == pytest.approx(seconds * 36_500 / 3600)
    assert float(row["cpu_seconds"]) > 0
    assert float(row["peak_mib"]) > 100  # torch alone needs more
    page = (tmp_path / "reproduction.md").read_text()
    assert f"| segformer-b0 | whole | {seconds:.1f} |" in page
    assert "--size 64 96 --remark 'a test'" in page
    assert "remark: a test" in page


def test_the_forward_benchmark_compares_three_sides_and_keeps_what_it_has_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("benchmarks.segformer_forward")
    in_own_process, measured_here = module.memory_in_own_process, []

    def memory(name: str, variant: str, size: tuple[int, int], precision: str, folder: Path, threads: int) -> float:
        """Measure one side in a process of its own; the other two would import the same libraries again."""
        if name == module.SMP:
            return in_own_process(name, variant, size, precision, folder, threads)
        measured_here.append(name)
        return module.peak_mib(module.make(name, variant, folder), size, precision)

    monkeypatch.setattr(module, "memory_in_own_process", memory)
    command = ["segformer_forward", "--variants", "b0", "--samples", "2", "--threads", "1", "--go-on"]
    command += ["--out", str(tmp_path), "--sizes", "64x64"]
    benchmark(*command)
    table = tmp_path / "segformer_forward.csv"
    first = table.read_text()
    rows = list(csv.DictReader(first.splitlines()))
    assert [row["implementation"] for row in rows] == ["segformer", "transformers", "smp"]
    medians = {row["implementation"]: float(row["median_ms"]) for row in rows}
    peer = min(medians["transformers"], medians["smp"])
    assert float(rows[0]["speedup_over_faster_peer"]) == pytest.approx(peer / medians["segformer"], rel=1e-4)
    assert all(float(row["difference"]) <= 1e-4 and float(row["peak_mib"]) >= 0 for row in rows)
    page = (tmp_path / "segformer_forward.md").read_text()
    assert f"| B0, 64x64, fp32 | {medians['segformer']:.0f} | {peer:.0f} |" in page
    assert rows[0]["commit"] in page
    assert measured_here == [module.OURS, module.TRANSFORMERS]
    benchmark(*command)
    assert table.read_text() == first


def test_the_forward_benchmark_refuses_what_gives_no_median(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        benchmark("segformer_forward", "--samples", "1")
    assert end.value.code == 2
    assert "--samples must be at least 2, got 1" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_each_module_of_the_benchmarks_finds_what_it_imports(path: Path) -> None:
    importlib.import_module(f"benchmarks.{path.stem}")
