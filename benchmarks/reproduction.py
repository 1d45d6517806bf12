"""What Table 5 costs on this machine: seconds and memory of the suite `cityscapes-c-paper`, before one has data.

    python -m benchmarks.reproduction

Writes a few drawn scenes of 1024x2048 pixels as files in Cityscapes' layout, and runs the suite's own command on them
with `--limit`, random weights and three of its corruptions: neither the weights nor the scene decide the time. Each
model and view has a process of its own. The clean cell comes first and counts as warm-up; a sample is a corrupted cell,
its seconds from file to counts divided by its images. CPU seconds are those of all threads per image, the start of the
process included: seconds that are far above them, divided by the cores, show that the machine was busy. Peak memory is
all that the process ever held.
"""

import argparse
import itertools
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_seg import environment
from robustbench_seg.corruptions import ENGINE_VERSION
from robustbench_seg.datasets.cityscapes import relative_paths, write_cityscapes
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.files import write_text
from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.suites import read_suite

from .tables import provenance, table

RESULTS = Path(__file__).parent / "results"
SUITE = "cityscapes-c-paper"
VIEWS = ("slide-1024-768", "whole")
CORRUPTIONS, SEVERITY = "gaussian_noise,glass_blur,fog", "3"  # one that is quick, the slowest, and one between
IMAGES = 500  # of Cityscapes' validation split
COLUMNS = ["model", "view", "seconds_per_image", "fastest", "slowest", "samples", "cpu_seconds", "hours", "peak_mib"]


def write_data(root: Path, size: tuple[int, int], count: int) -> None:
    """Write scenes; the first ones get the names of the suite's gallery, which must be there."""
    scenes = Streets("val", size=size, count=count)
    write_cityscapes(scenes, root)
    for old, new in zip(scenes.ids, read_suite(SUITE).gallery, strict=False):
        paths = (relative_paths("val", name.partition("_")[0], name, "png", "labelIds") for name in (old, new))
        for source, target in zip(*paths, strict=True):
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            (root / source).rename(root / target)


def measure(model: str, view: str, images: int, data: Path, out: Path) -> dict[str, Any]:
    """Run the suite in a new process; return a row of COLUMNS."""
    command = [sys.executable, "-m", "robustbench_seg", "run", SUITE, "--data", f"cityscapes={data}"]
    command += ["--weights", f"{model}=random", "--view", view, "--corruptions", CORRUPTIONS, "--severities", SEVERITY]
    command += ["--device", "cpu", "--workers", "0", "--limit", str(images), "--out", str(out)]
    process = subprocess.Popen(command, cwd=RESULTS.parents[1], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # else it passes for one that still runs
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)}: exit status {process.returncode}")
    records = [read_record(path) for path in Store(out).files("quality")]
    seconds = [record.timings["total_s"] / record.images for record in records if record.difference]  # not clean
    cpu = (usage.ru_utime + usage.ru_stime) / sum(record.images for record in records)
    cells = 1 + sum(map(len, read_suite(SUITE).conditions.values()))
    middle = statistics.median(seconds)
    row = [model, view, middle, min(seconds), max(seconds), len(seconds)]
    row += [cpu, middle * cells * IMAGES / 3600, usage.ru_maxrss / 1024]
    return dict(zip(COLUMNS, row, strict=True))


def page(rows: pd.DataFrame, options: argparse.Namespace, about: dict[str, Any]) -> str:
    """The table for readers, with what it was made with."""
    heads = [
        "model", "view", "seconds per image", "fastest to slowest", "samples", "CPU seconds", "hours",
        "peak memory (MiB)",
    ]  # fmt: skip
    lines = [
        [
            row.model, row.view, f"{row.seconds_per_image:.1f}", f"{row.fastest:.1f} to {row.slowest:.1f}",
            str(row.samples), f"{row.cpu_seconds:.1f}", f"{row.hours:.0f}", f"{row.peak_mib:.0f}",
        ]
        for row in rows.itertuples()
    ]  # fmt: skip
    height, width = options.size
    parts = [
        "# What Table 5 costs on this machine",
        " ".join(__doc__.split("\n\n")[2].split()),
        f"{height}x{width} pixels, {options.images} images per cell, fp32. Medians over corrupted cells. Hours: of the "
        f"whole suite, {IMAGES} images under 72 conditions and clean.",
        table(heads, lines),
        "\n".join(f"- {line}" for line in [*provenance(about), f"remark: {options.remark or 'none'}"]),
    ]
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> None:
    """Measure what the command line asks for, and write it after each model and view."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["segformer-b0", "segformer-b5"])
    parser.add_argument("--views", nargs="+", default=VIEWS)
    parser.add_argument("--images", type=int, default=2, help="per cell")
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 2048), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--remark", default="", help="for the page, such as that the machine was busy")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    about = {**environment.describe("cpu"), "engine_version": ENGINE_VERSION}
    about["command"] = shlex.join(["python", "-m", "benchmarks.reproduction", *arguments])
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "cityscapes")
        write_data(data, tuple(options.size), max(2, options.images))
        for model, view in itertools.product(options.models, options.views):
            rows.append(measure(model, view, options.images, data, Path(folder, f"{model}-{view}")))
            frame = pd.DataFrame(rows)
            write_text(options.out / "reproduction.csv", frame.to_csv(index=False))
            write_text(options.out / "reproduction.md", page(frame, options, about))
    print(options.out / "reproduction.md")


if __name__ == "__main__":
    main(sys.argv[1:])
