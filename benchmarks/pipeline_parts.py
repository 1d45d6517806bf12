"""The parts of `benchmarks.pipeline`: what each measures, side by side."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from robustbench_seg import environment
from robustbench_seg.datasets.cityscapes import relative_paths, write_cityscapes
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.files import write_text
from robustbench_seg.models.registry import WEIGHTS

__all__ = ["MODELS", "PARTS", "REAL", "all_models", "side", "write_task"]

ROOT = Path(__file__).parents[1]
GLASS = "glass_blur:3"
MODELS = {
    "mix": ("segformer-b0", "builtin:streets-b0"),
    "learned": ("segformer-b0", "builtin:streets-b0-learned"),
    "deeplabv3plus": ("deeplabv3plus-mobilenet_v2", "builtin:streets-deeplabv3plus"),
}
ON_GPU = {"b0": MODELS["mix"], "b5": ("segformer-b5", "random")}
PRECISIONS = ("fp32", "bf16")
PROBES = ("prepare", "handover", "flips", "memory", "stages")  # sides in pipeline_probes.py
DRAWN = 20  # scenes of the parts memory and gpu; the other files have the same content
CLEAN = "clean 0"  # as the sides call this condition
TWO_DIGITS = 5e-5  # of a percentage, as a fraction
BATCH = 4  # of the part flips
MOST_ON_GPU = 500  # images of a condition, as Cityscapes' validation split has
GPU_COMPARED = 2  # images whose counts and logits are compared
HANDED_OVER = 100  # images of the probe handover
REAL = (1, 2)  # workers of real runs beside the simulation


def side(name: str, folder: Path, *arguments: object, checkout: Path = ROOT, **variables: str) -> dict[str, Any]:
    """Run a side in a process of its own, on the suite and data of a folder, with a new folder for its results."""
    out = tempfile.mkdtemp(dir=folder)
    kind = "gpu" if name.startswith("gpu_") else "probes" if name in PROBES else "sides"
    program = f"benchmarks/pipeline_{kind}.py"
    command = [sys.executable, str(ROOT / program), name, str(folder / "suite.yaml")]
    command += [str(folder / "data"), out, *map(str, arguments)]
    path = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    around = {**os.environ, "PYTHONPATH": path, **variables}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=checkout, env=around)
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


def all_models() -> list[dict[str, str]]:
    """The three networks, as a suite has them."""
    return [{"name": name, "model": model, "weights": weights} for name, (model, weights) in MODELS.items()]


def one_model() -> list[dict[str, str]]:
    """SegFormer-B0 alone."""
    return [{"name": "b0", "model": "segformer-b0", "weights": "builtin:streets-b0"}]


def sweeps(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run, single sweeps or another checkout, and forward passes, plain and with memory kept, in turn."""
    write_task(folder, options.size, options.images, options.conditions, all_models())
    workers = options.run_workers
    sides: dict[str, Any] = {
        "sweep": lambda: side("sweep", folder, workers),
        "single": lambda: side("single", folder, workers),
        "forward": lambda: side("forward", folder, workers),
        "kept": lambda: side("kept", folder, workers),
    }
    if options.baseline:
        sides["single"] = lambda: side("sweep", folder, workers, checkout=options.baseline.resolve())
    samples = in_turn(sides, options.turns, {"single": options.single_turns})
    expect_equal(samples["sweep"][0]["miou"], samples["single"][0]["miou"], 0)
    what = {"size": options.size, "images": options.images, "workers": workers, "baseline": bool(options.baseline)}
    return {**what, "conditions": len(options.conditions) + 1, "samples": samples}


def scripts(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run and the plain script, in turn, without glass blur."""
    conditions = [condition for condition in options.conditions if condition != GLASS]
    return beside_script(options, folder, conditions, options.script_images)


def glass(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run and the plain script, in turn, under the same conditions and glass blur: the script takes long for it."""
    return beside_script(options, folder, [*options.conditions, GLASS], options.glass_images)


def beside_script(options: argparse.Namespace, folder: Path, conditions: list[str], images: int) -> dict[str, Any]:
    """A run and the plain script, in turn, with the same weights and files."""
    from segformer import load_checkpoint, save_checkpoint

    save_checkpoint(load_checkpoint(WEIGHTS / "segformer-b0-streets.safetensors"), folder / "b0", format="transformers")
    write_task(folder, options.script_size, images, conditions, one_model(), metrics=[])
    side("prepare", folder, 0)  # compiles the corruptions, once for an installation
    sides = {
        "run": lambda: side("reported", folder, options.run_workers),
        "script": lambda: side("script", folder, folder / "b0"),
    }
    samples = in_turn(sides, options.turns)
    own = {name.partition(" ")[2]: value for name, value in samples["run"][0]["miou"].items()}
    theirs = samples["script"][0]["miou"]
    largest, clean = (
        expect_equal(own, theirs, None),
        expect_equal({CLEAN: own[CLEAN]}, {CLEAN: theirs[CLEAN]}, TWO_DIGITS),
    )
    what = {"size": options.script_size, "images": images, "conditions": len(conditions) + 1}
    what["with"] = ", glass blur among them" if GLASS in conditions else ""
    return {**what, "largest_difference": largest, "clean_difference": clean, "samples": samples}


def preparing(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What numbers of workers deliver."""
    write_task(folder, options.prepare_size, options.prepare_images, options.conditions, one_model())
    sides = {str(workers): lambda workers=workers: side("prepare", folder, workers) for workers in options.workers}
    samples = in_turn({**sides, "forward": lambda: side("forward", folder, 0)}, options.turns)
    handed = side("handover", folder, HANDED_OVER)
    return {"size": options.prepare_size, "images": options.prepare_images, "samples": samples, "handover": handed}


def flips(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Pixels whose class another batch, another number of threads or a GPU changes."""
    write_task(folder, options.size, options.few_images, [], all_models())
    return {"size": options.size, "images": options.few_images, **side("flips", folder, BATCH)}


def memory(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The memory of a run over many small images."""
    write_task(folder, options.memory_size, DRAWN, ["brightness:3"], one_model())
    link_more(folder, options.memory_size, options.memory_images)
    measured = side("memory", folder, options.run_workers)
    return {**measured, "size": options.memory_size, "images": options.memory_images}


def link_more(folder: Path, size: Any, images: int) -> None:
    """Add files to those that are drawn, with the same content, until there are so many."""
    dataset = Streets("val", size=tuple(size), count=images)
    for number, image_id in enumerate(dataset.ids[DRAWN:]):
        twin = dataset.ids[number % DRAWN]
        for one, other in zip(*(relative_paths("val", "streets", each, "png", "labelIds") for each in (twin, image_id)),
                              strict=True):  # fmt: skip
            os.link(folder / "data" / one, folder / "data" / other)


def gpu(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs on a GPU beside bare forward passes there, in turn; counts and logits beside those of the CPU."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("the part gpu needs a CUDA device, and torch sees none here")
    names, networks = options.gpu_conditions, {}
    compiling = folder / "compiling"
    write_task(compiling, options.memory_size, 1, names, one_model())
    side("prepare", compiling, 0)
    for name, (model, weights) in ON_GPU.items():
        own = folder / name
        write_task(own, options.prepare_size, DRAWN, names, [{"name": name, "model": model, "weights": weights}])
        link_more(own, options.prepare_size, MOST_ON_GPU)
        for precision in PRECISIONS:
            forward = partial(side, "gpu_forward", own, precision, options.gpu_batch)
            samples: dict[str, list[Any]] = {"forward": [forward()], "run": []}
            images = round(samples["forward"][0]["images_per_s"] * options.gpu_seconds / (len(names) + 1))
            images = min(MOST_ON_GPU, max(options.gpu_batch, images))
            for turn in range(options.turns):
                samples["run"].append(side("gpu_run", own, precision, images, options.gpu_workers))
                samples["forward"] += [forward()] if turn + 1 < options.turns else []
            compared = side("gpu_counts", own, precision, GPU_COMPARED)
            networks[f"{name}, {precision}"] = {"images": images, "samples": samples, "compared": compared}
            rates = {key: [round(one["images_per_s"], 1) for one in some] for key, some in samples.items()}
            print(f"{name}, {precision}, {images} images: {rates}, {compared}", file=sys.stderr, flush=True)
    what = {"size": options.prepare_size, "workers": options.gpu_workers, "conditions": len(names) + 1}
    return {**what, "cores": environment.available_cores(), "gpu": torch.cuda.get_device_name(), "networks": networks}


def scaling(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The times of the stages on one thread, and runs with real workers; of large images for one model, too."""
    one_thread = {"OMP_NUM_THREADS": "1"}
    large = folder / "large"
    write_task(large, options.prepare_size, options.few_images, options.conditions, one_model())
    write_task(folder, options.size, options.few_images, options.conditions, all_models())
    measured = side("stages", folder, options.gpu_batch, **one_thread)
    runs = {str(workers): side("sweep", folder, workers, **one_thread)["images_per_s"] for workers in REAL}
    what = {"size": options.size, "images": options.few_images, "cores": environment.available_cores()}
    large_stages = {"size": options.prepare_size, **side("stages", large, options.gpu_batch, **one_thread)}
    return {**what, "models": len(MODELS), "stages": measured, "runs": runs, "large": large_stages}


PARTS: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "sweep": sweeps,
    "script": scripts,
    "glass": glass,
    "prepare": preparing,
    "flips": flips,
    "memory": memory,
    "scaling": scaling,
    "gpu": gpu,
}


def in_turn(sides: dict[str, Any], turns: int, fewer: dict[str, int] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Take a sample of each side in each turn; the order is turned round each time. fewer: turns of some sides."""
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for turn in range(turns):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            if turn < (fewer or {}).get(name, turns):
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
