"""How close a run is to its bare forward passes, and how far from a plain script.

    python -m benchmarks.pipeline

Drawn scenes are written as files in Cityscapes' layout, and three networks with the weights that ship measure them
under eight conditions with all metrics. Each side is a process of its own, and sides take turns; who goes first changes
each time.

`sweep` is a run, `single` the same code with each cell as a sweep by itself or, with `--baseline`, the code of another
checkout; `forward` is every image through every network, and nothing else, as often as there are conditions. The plain
script (Transformers, imagecorruptions, torchmetrics) has one network and the mIoU alone; the run beside it does the
same, and writes a report, too. Probes measure parts of a run: see pipeline_probes.py.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from robustbench_seg import environment
from robustbench_seg.corruptions import ENGINE_VERSION
from robustbench_seg.files import write_json, write_text

from .pipeline_page import markdown
from .pipeline_parts import MODELS, PARTS, REAL, all_models, side, write_task

CONDITIONS = "gaussian_noise:3 motion_blur:3 fog:3 snow:3 brightness:3 contrast:3 jpeg_compression:3"
ON_GPU_CONDITIONS = [
    f"{name}:{severity}"
    for name in ("gaussian_noise", "motion_blur", "snow", "fog", "jpeg_compression")
    for severity in range(1, 4)
]
# For the estimate, about: seconds of the plain script beside its forward pass and of imagecorruptions' glass blur, each
# for a megapixel, and of a side's start.
SCRIPT_S, GLASS_S, START_S = 0.5, 8.0, 8.0
PEER = 3.5  # times as long as ours is Transformers' forward pass


def main() -> None:
    """Measure what the command line asks for, and write it after each part, next to the parts that are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=[name for name in PARTS if name != "gpu"], choices=list(PARTS))
    parser.add_argument("--size", type=int, nargs=2, default=(512, 1024), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--images", type=int, default=40, help="of the part sweep")
    parser.add_argument("--conditions", nargs="+", default=CONDITIONS.split(), metavar="NAME:SEVERITY")
    parser.add_argument("--script-size", type=int, nargs=2, default=(360, 480), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--script-images", type=int, default=40)
    parser.add_argument("--glass-images", type=int, default=30)
    parser.add_argument("--prepare-size", type=int, nargs=2, default=(1024, 2048), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--prepare-images", type=int, default=6)
    parser.add_argument("--few-images", type=int, default=6, help="of the parts flips and scaling")
    parser.add_argument("--memory-images", type=int, default=2000)
    parser.add_argument("--memory-size", type=int, nargs=2, default=(64, 96), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="of the part prepare")
    parser.add_argument("--run-workers", type=int, default=environment.default_workers("cpu"), help="of the others")
    parser.add_argument("--gpu-seconds", type=float, default=30.0, help="of a run, if it is as fast as forward passes")
    parser.add_argument("--gpu-conditions", nargs="+", default=ON_GPU_CONDITIONS, metavar="NAME:SEVERITY")
    parser.add_argument("--gpu-batch", type=int, default=16, help="of the forward passes beside; a run chooses its own")
    parser.add_argument("--gpu-workers", type=int, default=environment.default_workers("cuda"))
    parser.add_argument("--turns", type=int, default=1, help="more of them take as many times longer")
    parser.add_argument("--single-turns", type=int, default=1, help="in which `single` is measured, too")
    parser.add_argument("--baseline", type=Path, help="checkout in the place of single sweeps, such as a git worktree")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    about = {
        **environment.describe("cpu"),
        "command": shlex.join(["python", "-m", "benchmarks.pipeline", *sys.argv[1:]]),
        "engine_version": ENGINE_VERSION,
    }
    path = options.out / "pipeline.json"  # has parts that were measured before, each with what made it
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    earlier = result.pop("about", {})  # of all parts, as it stood before each had its own
    result = {name: {"about": earlier, **own} for name, own in result.items()}
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"about {timedelta(seconds=round(estimate(options, Path(folder))))} (h:mm:ss)", file=sys.stderr, flush=True
        )
    for part in options.parts:
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            measured = PARTS[part](options, Path(folder))
        result[part] = {**measured, "part_s": time.perf_counter() - begin, "about": about}
        write_json(path, result)
        write_text(options.out / "pipeline.md", markdown(result))
    print(options.out / "pipeline.md")


def estimate(options: argparse.Namespace, folder: Path) -> float:
    """Estimate the seconds of all parts, from one image that goes through the networks."""
    write_task(folder, options.size, 1, [], all_models())
    alone = side("forward", folder, 0)["wall_s"]
    area = options.size[0] * options.size[1]

    def of(size: Any, models: int) -> float:
        return float(alone / len(MODELS) * models * size[0] * size[1] / area)

    conditions, start = len(options.conditions) + 1, START_S
    passes = conditions * options.images
    megapixels = options.script_size[0] * options.script_size[1] / 1e6
    both = SCRIPT_S * megapixels + of(options.script_size, 1) * (1 + PEER)  # a condition's image, on both sides
    seconds = {
        "sweep": (options.turns + options.single_turns) * (1.1 * passes * alone + start)
        + options.turns * (options.images * alone + start),
        "script": options.turns * (conditions * options.script_images * both + 2 * start),
        "glass": options.turns * (options.glass_images * ((conditions + 1) * both + GLASS_S * megapixels) + 2 * start),
        "prepare": conditions * options.prepare_images * of(options.prepare_size, 1) * len(options.workers) / 2,
        "flips": 4 * options.few_images * alone + start,
        "memory": 2 * options.memory_images * (0.01 + of(options.memory_size, 1)) + start,
        "gpu": 4 * (options.turns * (options.gpu_seconds + 4 * start) + 2 * start),
        "scaling": (2 + 2 * len(REAL) * conditions) * options.few_images * alone + 4 * start,
    }
    return sum(seconds[part] for part in options.parts)


if __name__ == "__main__":
    main()
