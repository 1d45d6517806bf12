"""The speed and memory of the corruption engine, beside imagecorruptions 1.1.2 made to run on current NumPy.

    python -m benchmarks.corruptions        # everything, about 15 minutes
    python -m benchmarks.corruptions --only fog snow --samples 3 --parts times --out /tmp/quick

Run from the root of a checkout that is installed with its test dependencies. Writes corruptions.md (tables),
corruptions.csv (medians) and corruptions.json (every sample) to `--out`.
"""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
PARTS = ("times", "processes", "scaling")
PEERS = ("imagecorruptions", "scikit-image", "scipy", "numpy", "numba", "opencv-python-headless", "pillow")


def main() -> None:
    """Measure and write."""
    options = parse()
    # Libraries read these when they are imported, so everything that imports them is imported below.
    os.environ.update(ONE_THREAD)
    import numpy as np

    from robustbench_seg.corruptions import CORRUPTIONS
    from robustbench_seg.files import write_json, write_text

    from . import fresh, tables, timing

    unknown = sorted(set(options.only) - CORRUPTIONS.keys())
    if unknown:
        raise SystemExit(f"--only {unknown[0]}: unknown corruption; known are {', '.join(CORRUPTIONS)}")
    names = [name for name in CORRUPTIONS if not options.only or name in options.only]
    image, source = open_image(options)
    result: dict[str, Any] = {"about": describe(source, image.shape[:2])}
    if "times" in options.parts:
        result["times_ms"] = timing.alternately(image, names, options.samples, options.slow_samples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.npy")
        np.save(path, image)
        if "processes" in options.parts:
            result["import_ms"] = fresh.import_times_ms(repeats=options.samples)
            result["processes"] = fresh.first_calls(path, names)
        if "scaling" in options.parts:
            result["images_per_s"] = timing.scaling(path, names)
    write_json(options.out / "corruptions.json", result)
    if "times_ms" in result:
        write_text(options.out / "corruptions.csv", tables.csv(result))
    write_text(options.out / "corruptions.md", tables.markdown(result))
    print(options.out / "corruptions.md")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Speed of the corruption engine beside imagecorruptions.")
    parser.add_argument("--image", type=Path, help="an image file; otherwise a scene of `streets` is drawn")
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 2048), metavar=("H", "W"), help="of the scene")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="corruptions; otherwise all 19")
    parser.add_argument("--samples", type=positive, default=5, help="per condition, on both sides")
    parser.add_argument(
        "--slow-samples", type=positive, default=1, help="of imagecorruptions' glass_blur, 4 to 60 s each"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def positive(text: str) -> int:
    """Read a count."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def open_image(options: argparse.Namespace) -> tuple[Any, str]:
    """Return uint8 RGB (H, W, 3) and what it is."""
    import cv2
    import numpy as np

    from robustbench_seg.datasets.streets import Streets

    if options.image is None:
        scenes = Streets("test", size=tuple(options.size), count=1)
        return scenes.load(scenes.ids[0]).image, f"{scenes.ids[0]}, a drawn scene of the data set `streets`"
    image = cv2.imread(str(options.image))
    if image is None:
        raise SystemExit(f"--image {options.image}: not an image that OpenCV can read")
    return np.ascontiguousarray(image[..., ::-1]), options.image.name


def describe(source: str, size: tuple[int, int]) -> dict[str, Any]:
    """Say what was measured, with what, where and how."""
    from robustbench_seg import environment
    from robustbench_seg.corruptions import ENGINE_VERSION

    about = environment.describe("cpu")
    return {
        **{key: about[key] for key in ("robustbench_seg", "commit", "python", "machine", "time")},
        "command": shlex.join(["python", "-m", "benchmarks.corruptions", *sys.argv[1:]]),
        "engine_version": ENGINE_VERSION,
        "packages": {name: environment.installed_version(name) for name in PEERS},
        "image": source,
        "size": list(size),
    }


if __name__ == "__main__":
    main()
