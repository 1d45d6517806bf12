"""What the studies cost: a whole store as a data frame, and intervals from its counts.

    python -m benchmarks.studies

A store of random counts is written into a temporary folder: Cityscapes' 500 validation images and 19 classes under the
73 conditions of the protocol `segformer`, as many models as asked for. Each step runs in a new process, files in the
system's cache; its peak memory is all that the process ever held, imports included.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from robustbench_seg import environment
from robustbench_seg.files import write_text
from robustbench_seg.metrics import MIOU, ImageCounts
from robustbench_seg.protocols import conditions_of
from robustbench_seg.store.cell import CLEAN, QualityCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.record import Record, quality_key
from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.frame import quality_frame

RESULTS = Path(__file__).parent / "results"
CLASSES, PIXELS = 19, 2**21
CONDITIONS = [(CLEAN, 0), *((name, s) for name, some in conditions_of("segformer").items() for s in some)]


def write_store(folder: Path, cells: int, images: int) -> None:
    """Write cells of random counts, model by model."""
    rng = np.random.default_rng(0)
    labelled = (rng.dirichlet(np.full(CLASSES, 0.3), images) * PIXELS).astype(np.int64)
    ids = [f"city_{k:06d}_000000" for k in range(images)]
    about = environment.describe("cpu")
    for number in range(cells):
        model, condition = divmod(number, len(CONDITIONS))
        corruption, severity = CONDITIONS[condition]
        intersection = (labelled * rng.uniform(0.3, 0.95, labelled.shape)).astype(np.int64)
        predicted = intersection + rng.permuted(labelled - intersection, axis=1)
        cell = QualityCell(
            model=f"m{model}", dataset="cityscapes", split="val", corruption=corruption, severity=severity,
            view=View(), precision="fp32", seed=0,
        )  # fmt: skip
        decides: dict[str, Any] = {"engine_version": 0, "checkpoint_sha256": f"{model:064d}", "fingerprint": ""}
        record = Record(
            kind="quality", key=quality_key(cell, ids=ids, **decides), cell=cell,
            class_names=tuple(map(str, range(CLASSES))), licence="", about="", parameters=0, environment=about,
            timings={}, images=images, of=images, **decides,
        )  # fmt: skip
        rows = [
            ImageCounts(image_id=name, height=1024, width=2048, counts=dict(zip(MIOU.columns, parts, strict=True)))
            for name, *parts in zip(ids, intersection, predicted, labelled, strict=True)
        ]
        Store(folder).write_quality(rows, record)


def load(folder: Path, options: Namespace) -> dict[str, float]:
    """Time the data frame of the whole store."""
    start = time.perf_counter()
    frame = quality_frame(folder)
    return {"cells": len(frame), "frame_s": time.perf_counter() - start}


def resample(folder: Path, options: Namespace) -> dict[str, float]:
    """Time the counts of the first models, and their bootstrap."""
    frame = quality_frame(folder)
    frame = frame[frame["model"].isin([f"m{k}" for k in range(options.models)])]
    start = time.perf_counter()
    counts = read_counts(frame)
    middle = time.perf_counter()
    bootstrap(counts, resamples=options.resamples)
    return {"cells": len(frame), "counts_s": middle - start, "bootstrap_s": time.perf_counter() - middle}


STEPS: dict[str, Callable[[Path, Namespace], dict[str, float]]] = {"load": load, "resample": resample}


def measure(step: str, folder: Path, arguments: list[str]) -> dict[str, float]:
    """Run one step in a new process."""
    command = [sys.executable, "-m", "benchmarks.studies", *arguments, "--step", step, str(folder)]
    done = subprocess.run(command, cwd=RESULTS.parents[1], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def page(options: Namespace, arguments: list[str], loaded: dict[str, float], drawn: dict[str, float]) -> str:
    """Write the figures for readers, with what they were made with."""
    about: dict[str, Any] = environment.describe("cpu")
    packages = ", ".join(f"{name} {about['packages'][name]}" for name in ("numpy", "pandas", "pyarrow"))
    cells, resampled = int(loaded["cells"]), int(drawn["cells"])
    return f"""# What the studies cost

Cells of {options.images} images and {CLASSES} classes, random counts. The method is in the docstring of
[../studies.py](../studies.py).

| step | cells | seconds | peak memory (MiB) |
|:--|--:|--:|--:|
| store to data frame, mIoU of every cell | {cells:,} | {loaded["frame_s"]:.1f} | {loaded["peak_mib"]:.0f} |
| per-image counts to arrays | {resampled:,} | {drawn["counts_s"]:.1f} | |
| bootstrap, {options.resamples:,} resamples | {resampled:,} | {drawn["bootstrap_s"]:.1f} | {drawn["peak_mib"]:.0f} |

Command: `{" ".join(["python -m benchmarks.studies", *arguments])}`; commit {about["commit"]}; {about["machine"]};
Python {about["python"]}, {packages}; {about["time"]}.
"""


def main(arguments: list[str]) -> None:
    """Measure all steps, or be the process of one."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--cells", type=int, default=2000, help="of the whole store")
    parser.add_argument("--models", type=int, default=13, help="that are resampled, 73 cells each")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--step", nargs=2, metavar=("STEP", "FOLDER"), help="for the program itself")
    options = parser.parse_args(arguments)
    if options.step:
        step, folder = options.step
        found = STEPS[step](Path(folder), options)
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**found, "peak_mib": peak_mib}))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder), options.cells, options.images)
        loaded, drawn = (measure(step, Path(folder), arguments) for step in STEPS)
    write_text(options.out / "studies.md", page(options, arguments, loaded, drawn))


if __name__ == "__main__":
    main(sys.argv[1:])
