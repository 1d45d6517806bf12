"""Renew the generated parts of docs/corruptions.md: the parameter tables and the contact sheets.

    python docs/make_corruptions.py                 # from the root of a checkout that is installed
    python docs/make_corruptions.py --only fog      # this sheet alone, and all tables

The text of the page is written by hand and stays. A table stands between `<!-- parameters: NAME -->` and
`<!-- end -->`. The sheets show what `corrupt` returns, without loss: WebP's lossless form, pixels doubled.
"""

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from robustbench_seg.corruptions import CORRUPTIONS, corrupt
from robustbench_seg.corruptions.blur import DEFOCUS, GAUSSIAN_SIGMA_PX, GLASS, MOTION, ZOOM
from robustbench_seg.corruptions.digital import CONTRAST, ELASTIC_ALPHA, JPEG_QUALITY, PIXELATE, SATURATE
from robustbench_seg.corruptions.noise import GAUSSIAN_SCALE, IMPULSE_AMOUNT, SHOT_PHOTONS, SPECKLE_SCALE
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.corruptions.weather import BRIGHTNESS, FOG, FROST, SNOW, SPATTER
from robustbench_seg.datasets.streets import Streets

__all__ = ["IMAGES", "PAGE", "sheet", "with_tables"]

PAGE = Path(__file__).with_name("corruptions.md")
IMAGES = PAGE.parent / "img" / "corruptions"
SCENES = Streets("test", size=(192, 384), count=2)
SCENE = SCENES.ids[1]  # a busy crossing
# The part of the scene on a sheet. Lossless compression hardly shrinks noise, so a sheet of much more than 88 x 176 px
# would exceed 300 KB.
WINDOW = (slice(48, 136), slice(88, 264))
SEVERITIES = (1, 2, 3, 4, 5)
ENLARGED, COLUMNS, GAP_PX, LABEL_PX = 2, 2, 8, 20

# name: (what each parameter is, its values at severities 1 to 5)
PARAMETERS: dict[str, tuple[tuple[str, ...], Sequence[Any]]] = {
    "gaussian_noise": (("standard deviation / full scale",), GAUSSIAN_SCALE),
    "shot_noise": (("photon count of white",), SHOT_PHOTONS),
    "impulse_noise": (("share of values replaced",), IMPULSE_AMOUNT),
    "speckle_noise": (("standard deviation / the value",), SPECKLE_SCALE),
    "defocus_blur": (("radius of the disk (px)", "sigma of its edge (px)"), DEFOCUS),
    "glass_blur": (("sigma of both blurs (px)", "reach of the copies (px)", "passes"), GLASS),
    "motion_blur": (("radius (px); the trail has 2 radius + 1 steps", "sigma (px)"), MOTION),
    "zoom_blur": (("end of the factors", "step"), ZOOM),
    "gaussian_blur": (("sigma (px)",), GAUSSIAN_SIGMA_PX),
    "snow": (
        (
            "mean of the normal draws",
            "their standard deviation",
            "zoom",
            "threshold",
            "radius of the motion (px)",
            "sigma of the motion (px)",
            "weight of the image",
        ),
        SNOW,
    ),
    "frost": (("weight of the image", "weight of the ice"), FROST),
    "fog": (("thickness", "decay of the wobble per octave"), FOG),
    "brightness": (("added to the value of HSV",), BRIGHTNESS),
    "spatter": (
        (
            "mean of the normal draws",
            "their standard deviation",
            "sigma of their blur (px)",
            "threshold",
            "strength of the water (1–3), sigma of the mud's blur (px; 4, 5)",
        ),
        SPATTER,
    ),
    "contrast": (("factor on the distance to the mean",), CONTRAST),
    "elastic_transform": (("factor on the smoothed displacement",), ELASTIC_ALPHA),
    "pixelate": (("side of the small image / side of the large one",), PIXELATE),
    "jpeg_compression": (("quality",), JPEG_QUALITY),
    "saturate": (("factor on the saturation", "added to the saturation"), SATURATE),
}


def with_tables(page: str) -> str:
    """Return the page with every parameter table as the code has it."""

    def renewed(match: re.Match[str]) -> str:
        return f"{match[1]}\n\n{parameter_table(match[2])}\n\n{match[3]}"

    return re.sub(r"(<!-- parameters: (\w+) -->)\n.*?(<!-- end -->)", renewed, page, flags=re.DOTALL)


def parameter_table(name: str) -> str:
    """A row per parameter, a column per severity, in Markdown."""
    labels, by_severity = PARAMETERS[name]
    columns = [values if isinstance(values, tuple) else (values,) for values in by_severity]
    rows = [("severity", *map(str, SEVERITIES)), (":--", *["--:"] * len(SEVERITIES))]
    rows += [(label, *(f"{column[k]:g}" for column in columns)) for k, label in enumerate(labels)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def sheet(name: str) -> PIL.Image.Image:
    """Draw the contact sheet of a corruption: the clean scene, then severities 1 to 5."""
    clean = SCENES.load(SCENE).image
    panels = {"clean": clean} | {f"severity {s}": corrupt(clean, name, s, image_id=SCENE) for s in SEVERITIES}
    return arranged((label, image[WINDOW]) for label, image in panels.items())


def arranged(panels: Iterable[tuple[str, Image]]) -> PIL.Image.Image:
    """Put labelled images of one size into rows, on white."""
    tiles = [labelled(label, image) for label, image in panels]
    height, width, _ = tiles[0].shape
    rows = -(-len(tiles) // COLUMNS)
    canvas = np.full((rows * (height + GAP_PX) - GAP_PX, COLUMNS * (width + GAP_PX) - GAP_PX, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // COLUMNS * (height + GAP_PX), k % COLUMNS * (width + GAP_PX)
        canvas[top : top + height, left : left + width] = tile
    return PIL.Image.fromarray(canvas)


def labelled(label: str, image: Image) -> Image:
    """Enlarge an image by repeating its pixels, under its label."""
    enlarged = image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    strip = PIL.Image.new("RGB", (enlarged.shape[1], LABEL_PX), "white")
    font = PIL.ImageFont.load_default(size=15)
    PIL.ImageDraw.Draw(strip).text((2, LABEL_PX // 2), label, fill="black", font=font, anchor="lm")
    return np.concatenate([np.array(strip), enlarged])


def main() -> None:
    """Write the tables and the sheets."""
    parser = argparse.ArgumentParser(description="Renew the tables and pictures of docs/corruptions.md.")
    parser.add_argument("--only", nargs="+", choices=tuple(CORRUPTIONS), default=tuple(CORRUPTIONS), metavar="NAME")
    names = parser.parse_args().only
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = IMAGES / f"{name}.webp"
        sheet(name).save(path, lossless=True, quality=100, method=4)
        print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
