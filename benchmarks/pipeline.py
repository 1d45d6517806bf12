"""How close a run is to its bare forward passes, and how far from a plain script.

    python -m benchmarks.pipeline

Drawn scenes are written as files in Cityscapes' layout, and three networks with the weights that ship measure them
under eight conditions with all metrics. Each side is a process of its own, and sides take turns; who goes first changes
each time. `sweep` is a run, `single` the same code with each cell as a sweep of its own or, with `--baseline`, the code
of another checkout; `forward` is every image through every network, and nothing else, as often as there are conditions.
The plain script (Transformers, imagecorruptions, torchmetrics) has one network and the mIoU alone; the run beside it
does the same, and writes a report, too. What workers deliver, read, corrupted and handed over, is measured alone.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from robustbench_seg import environment
from robustbench_seg.corruptions import ENGINE_VERSION
from robustbench_seg.datasets.cityscapes import write_cityscapes
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.files import write_json, write_text
from robustbench_seg.models.registry import WEIGHTS

from .tables import provenance, table

ROOT = Path(__file__).parents[1]
CONDITIONS = "gaussian_noise:3 motion_blur:3 fog:3 snow:3 brightness:3 contrast:3 jpeg_compression:3"
MODELS = {
    "mix": ("segformer-b0", "builtin:streets-b0"),
    "learned": ("segformer-b0", "builtin:streets-b0-learned"),
    "deeplabv3plus": ("deeplabv3plus-mobilenet_v2", "builtin:streets-deeplabv3plus"),
}
PARTS = ("sweep", "script", "prepare")


def main() -> None:
    """Measure what the command line asks for, and write it after each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--size", type=int, nargs=2, default=(512, 1024), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--conditions", nargs="+", default=CONDITIONS.split(), metavar="NAME:SEVERITY")
    parser.add_argument("--script-size", type=int, nargs=2, default=(360, 480), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--script-conditions", nargs="+", metavar="NAME:SEVERITY", help="by default --conditions")
    parser.add_argument("--prepare-size", type=int, nargs=2, default=(1024, 2048), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="of the part prepare")
    parser.add_argument("--run-workers", type=int, default=environment.default_workers("cpu"), help="of the others")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--baseline", type=Path, help="checkout in the place of single sweeps, such as a git worktree")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    about = {
        **environment.describe("cpu"),
        "command": shlex.join(["python", "-m", "benchmarks.pipeline", *sys.argv[1:]]),
        "engine_version": ENGINE_VERSION,
    }
    result: dict[str, Any] = {"about": about}
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            result[part] = {"sweep": sweeps, "script": scripts, "prepare": preparing}[part](options, Path(folder))
        write_json(options.out / "pipeline.json", result)
        write_text(options.out / "pipeline.md", markdown(result))
    print(options.out / "pipeline.md")


def side(name: str, folder: Path, *arguments: object, checkout: Path = ROOT) -> dict[str, Any]:
    """Run a side in a process of its own, on the suite and data of a folder, with a new folder for its results."""
    out = tempfile.mkdtemp(dir=folder)
    command = [sys.executable, str(ROOT / "benchmarks/pipeline_sides.py"), name, str(folder / "suite.yaml")]
    command += [str(folder / "data"), out, *map(str, arguments)]
    path = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=checkout, env={**os.environ, "PYTHONPATH": path}
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def write_task(folder: Path, size: Any, images: int, conditions: list[str], models: Any, **fields: Any) -> None:
    """Write the suite and its images into a folder."""
    write_cityscapes(Streets("val", size=tuple(size), count=images), folder / "data")
    chosen: dict[str, list[int]] = {}
    for text in conditions:
        name, _, severity = text.partition(":")
        chosen.setdefault(name, []).append(int(severity))
    suite = {"name": "pipeline", "description": "A benchmark.", "protocol": "pipeline", "conditions": chosen, **fields}
    suite |= {"dataset": {"name": "cityscapes", "split": "val"}, "views": ["whole"], "models": models}
    write_text(folder / "suite.yaml", yaml.safe_dump(suite))


def sweeps(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run, single sweeps or another checkout, and forward passes, in turn."""
    models = [{"name": name, "model": model, "weights": weights} for name, (model, weights) in MODELS.items()]
    write_task(folder, options.size, options.images, options.conditions, models)
    workers = options.run_workers
    sides: dict[str, Any] = {
        "sweep": lambda: side("sweep", folder, workers),
        "single": lambda: side("single", folder, workers),
        "forward": lambda: side("forward", folder, workers),
    }
    if options.baseline:
        sides["single"] = lambda: side("sweep", folder, workers, checkout=options.baseline.resolve())
    samples = in_turn(sides, options.turns)
    expect_equal(samples["sweep"][0]["miou"], samples["single"][0]["miou"], 0)
    what = {"size": options.size, "images": options.images, "workers": workers, "baseline": bool(options.baseline)}
    return {**what, "samples": samples}


def scripts(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run and the plain script, in turn, with the same weights and files."""
    from segformer import load_checkpoint, save_checkpoint

    save_checkpoint(load_checkpoint(WEIGHTS / "segformer-b0-streets.safetensors"), folder / "b0", format="transformers")
    conditions = options.script_conditions or options.conditions
    models = [{"name": "b0", "model": "segformer-b0", "weights": "builtin:streets-b0"}]
    write_task(folder, options.script_size, options.images, conditions, models, metrics=[])
    sides = {
        "run": lambda: side("reported", folder, options.run_workers),
        "script": lambda: side("script", folder, folder / "b0"),
    }
    samples = in_turn(sides, options.turns)
    own = {name.partition(" ")[2]: value for name, value in samples["run"][0]["miou"].items()}
    largest = expect_equal(own, samples["script"][0]["miou"], None)
    return {"size": options.script_size, "images": options.images, "largest_difference": largest, "samples": samples}


def preparing(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What numbers of workers deliver."""
    models = [{"name": "b0", "model": "segformer-b0", "weights": "builtin:streets-b0"}]
    write_task(folder, options.prepare_size, options.images, options.conditions, models)
    sides = {str(workers): lambda workers=workers: side("prepare", folder, workers) for workers in options.workers}
    samples = in_turn({**sides, "forward": lambda: side("forward", folder, 0)}, options.turns)
    return {"size": options.prepare_size, "images": options.images, "samples": samples}


def in_turn(sides: dict[str, Any], turns: int) -> dict[str, list[dict[str, Any]]]:
    """Take a sample of each side in each turn; the order is turned round each time."""
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for turn in range(turns):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            samples[name].append(sides[name]())
        print(f"turn {turn + 1} of {turns}", file=sys.stderr, flush=True)
    return samples


def expect_equal(one: dict[str, float], other: dict[str, float], most: float | None) -> float:
    """Return by how much scores differ; exit where that is more than `most`, or they are not of the same cells."""
    if one.keys() != other.keys():
        raise SystemExit(f"other cells: {sorted(one.keys() ^ other.keys())}")
    largest = max(abs(one[name] - other[name]) for name in one)
    if most is not None and largest > most:
        raise SystemExit(f"scores differ by {largest}")
    return largest


def markdown(result: dict[str, Any]) -> str:
    """The page."""
    parts = ["# A run beside its forward passes and beside a plain script", " ".join(__doc__.split("\n\n")[2].split())]
    if "sweep" in result:
        own = result["sweep"]
        forward = middle(own["samples"]["forward"])
        names = {
            "single": "another checkout" if own["baseline"] else "single sweeps",
            "forward": "forward passes alone",
        }
        rows = [
            [names.get(name, "run"), f"{middle(some):.1f}", spread(some), f"{middle(some) / forward:.2f}"]
            for name, some in own["samples"].items()
        ]
        parts.append(f"## Three networks, {shape(own)}, {own['samples']['sweep'][0]['cells']} cells, all metrics")
        parts.append(table(["", "seconds", "fastest to slowest", "of forward passes"], rows))
    if "script" in result:
        own = result["script"]
        ours, theirs = (own["samples"][name] for name in ("run", "script"))
        rows = [[name, f"{middle(some):.1f}", spread(some)] for name, some in own["samples"].items()]
        parts.append(f"## One network and the mIoU alone, {shape(own)}")
        parts.append(table(["", "seconds", "fastest to slowest"], rows))
        parts.append(
            f"The script takes {middle(theirs) / middle(ours):.1f} times as long. The largest difference of an mIoU is "
            f"{100 * own['largest_difference']:.2f} points; draws of noise are not the same."
        )
    if "prepare" in result:
        own = result["prepare"]
        counts = [name for name in own["samples"] if name != "forward"]
        per_s = own["images"] * len(own["samples"][counts[0]][0]["images_per_s"]) / middle(own["samples"]["forward"])
        rows = [
            [
                name,
                *(f"{statistics.median(one['images_per_s'][name] for one in own['samples'][n]):.1f}" for n in counts),
            ]
            for name in own["samples"][counts[0]][0]["images_per_s"]
        ]
        parts.append(f"## Images per second that are read, corrupted and handed over, {shape(own)}")
        parts.append(table(["condition", *(f"{n} workers" for n in counts)], rows))
        parts.append(f"The forward pass of SegFormer-B0 beside it: {per_s:.1f} images/s.")
    parts.append("Every sample is in pipeline.json.")
    parts.append("\n".join(f"- {line}" for line in provenance(result["about"])))
    return "\n\n".join(parts) + "\n"


def shape(own: dict[str, Any]) -> str:
    """Write how many images of which size there were."""
    return f"{own['images']} images of {own['size'][0]}x{own['size'][1]}"


def middle(samples: list[dict[str, Any]]) -> float:
    """The median of the wall times, seconds."""
    return statistics.median(sample["wall_s"] for sample in samples)


def spread(samples: list[dict[str, Any]]) -> str:
    """Write the range of the wall times."""
    seconds = [sample["wall_s"] for sample in samples]
    return f"{min(seconds):.1f} to {max(seconds):.1f}"


if __name__ == "__main__":
    main()
