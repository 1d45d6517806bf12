"""What boundary IoU, calibration and likelihood add to an evaluation of SegFormer-B0 on whole images in fp32.

    python -m benchmarks.metrics

The same evaluation runs with these metrics off and on, in turn, and who goes first changes each time. The image and its
label are held in memory, so nothing else is in the time but the network, its classes and the counts: in a real run,
which reads and corrupts images too, the share is smaller. Weights are random, so the prediction is noise and its rims
cover much of the image, which costs more than a trained network's. Medians and quartiles are of `--samples` turns after
one of warm-up.
"""

import argparse
import shlex
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robustbench_seg import environment
from robustbench_seg.corruptions import ENGINE_VERSION
from robustbench_seg.datasets.base import IGNORE, Sample
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.files import write_json, write_text
from robustbench_seg.measure.evaluate import evaluate
from robustbench_seg.measure.workers import Loader
from robustbench_seg.metrics import OPTIONAL
from robustbench_seg.models import RANDOM_WEIGHTS, load_source
from robustbench_seg.models.source import Source
from robustbench_seg.store.cell import Setting

from .tables import provenance, table

SETTINGS = ["360x480x11", "1024x2048x19"]  # CamVid's size and classes, Cityscapes'
ORDERS = ("off", "on"), ("on", "off")


class Held:
    """A data set of one image, which is there already."""

    def __init__(self, height: int, width: int, classes: int) -> None:
        scenes = Streets("test", size=(height, width), count=1)
        scene = scenes.load(scenes.ids[0])
        label = np.where(scene.label == IGNORE, IGNORE, scene.label % classes).astype(np.uint8)
        self.sample = Sample("held", scene.image, label)

    def load(self, image_id: str) -> Sample:
        """Return the image, whichever is asked for."""
        return self.sample


def main() -> None:
    """Measure what the command line asks for, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", default=SETTINGS, metavar="HxWxCLASSES")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--samples", type=int, default=20, help="turns, 2 or more")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    times_ms = {text: alternately(*map(int, text.split("x")), arguments.samples) for text in arguments.settings}
    about = {
        **environment.describe("cpu"),
        "command": shlex.join(["python", "-m", "benchmarks.metrics", *sys.argv[1:]]),
        "engine_version": ENGINE_VERSION,
        "threads": arguments.threads,
    }
    write_json(arguments.out / "metrics.json", {"about": about, "times_ms": times_ms})
    write_text(arguments.out / "metrics.md", markdown(about, times_ms))
    print(arguments.out / "metrics.md")


def alternately(height: int, width: int, classes: int, samples: int) -> dict[str, list[float]]:
    """Time one image with the metrics off and on; {"off": [ms, ...], "on": [ms, ...]}."""
    dataset: Any = Held(height, width, classes)
    names = [f"class {k}" for k in range(classes)]
    source = Source(model="segformer-b0", weights=RANDOM_WEIGHTS)
    model = load_source(source, source.model, names, torch.device("cpu"))
    settings = {"off": Setting(), "on": Setting(metrics=OPTIONAL)}
    times_ms: dict[str, list[float]] = {side: [] for side in settings}
    for turn in range(samples + 1):
        for side in ORDERS[turn % 2]:
            begin = time.perf_counter()
            evaluate(model, dataset, ["held"], Loader(0), settings[side])
            if turn:
                times_ms[side].append(1000 * (time.perf_counter() - begin))
    return times_ms


def markdown(about: dict[str, Any], times_ms: dict[str, dict[str, list[float]]]) -> str:
    """The page."""
    rows = []
    for text, times in times_ms.items():
        height, width, classes = text.split("x")
        off, on = (statistics.median(times[side]) for side in ("off", "on"))
        cells = [f"{statistics.median(ms):.0f} ({quartiles(ms)})" for ms in (times["off"], times["on"])]
        rows.append([f"{height}x{width}, {classes} classes", *cells, f"{on / off - 1:+.1%}", str(len(times["on"]))])
    parts = [
        "# What the optional metrics add to an evaluation",
        " ".join(__doc__.split("\n\n")[2].split()),
        table(["SegFormer-B0, whole, fp32", "off (ms)", "on (ms)", "added", "samples"], rows),
        "Every sample is in metrics.json.",
        "\n".join(f"- {line}" for line in [*provenance(about), f"threads: {about['threads']}"]),
    ]
    return "\n\n".join(parts) + "\n"


def quartiles(samples: list[float]) -> str:
    """Write the first and the third."""
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    return f"{first:.0f}-{third:.0f}"


if __name__ == "__main__":
    main()
