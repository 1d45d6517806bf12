"""Trees and hedges: a crown is noise inside a smooth shape, lit from the sun's side."""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from robustbench_seg.streetscenes import textures
from robustbench_seg.streetscenes.buildings import corners
from robustbench_seg.streetscenes.canvas import Canvas, Pixels, stroke, upright
from robustbench_seg.streetscenes.palette import AUTUMN, LEAVES, pick, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId, Vector

Field = NDArray[np.float32]

GRID = 32  # cells of a crown's shape, however large it is drawn
RAMP = np.linspace(0.25, 1.5, 256)[:, None]  # brightness of a leaf from its tone
VEGETATION = TrainId.VEGETATION


@cache
def _axes() -> tuple[Field, Field]:
    v, u = np.mgrid[0:GRID, 0:GRID] / (GRID - 1) * 2 - 1
    return u.astype(np.float32), -v.astype(np.float32)


def _crown(rng: Generator) -> Field:
    """Height field (GRID, GRID) of one crown in [-1, 1] x [-1, 1], positive inside."""
    u, v = _axes()
    form = pick(rng, ("round", "round", "round", "oval", "cone"))
    field: Field
    if form == "cone":
        field = 0.9 - 0.9 * np.abs(u) / np.clip(0.52 - 0.5 * v, 0.02, 2.0) - np.maximum(0, -v - 0.75) * 4
    elif form == "oval":
        field = 0.9 - (u / 0.75) ** 2 - np.abs(v / 0.92) ** 3
    else:
        field = 0.9 - (u / 0.7) ** 2 - (v / 0.72) ** 2
        for _ in range(5):
            cu, cv, radius = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.45), rng.uniform(0.34, 0.46)
            field = np.maximum(field, 0.9 - ((u - cu) ** 2 + (v - cv) ** 2) / radius**2)
    return field


def foliage(
    canvas: Canvas, corners_m: Vector, field: Field, colour: Colour, rng: Generator, leaf_m: float = 0.3
) -> None:
    """Fill the box between two opposite world corners (2, 3) with leaves where field plus noise is positive."""
    (left, bottom), (right, top) = np.rint(canvas.camera.project(corners_m)).astype(int).tolist()
    area = left, top, right - left, bottom - top
    rows, columns = canvas.pixels.shape[:2]
    if min(area[2:]) < 2 or right <= 0 or bottom <= 0 or left >= columns or top >= rows:
        return
    across_m, up_m = abs(corners_m[1, 0] - corners_m[0, 0]), corners_m[1, 1] - corners_m[0, 1]
    cells = [min(200, max(24, int(size / leaf_m * 8))) for size in (across_m, up_m)]
    row, column = rng.integers(0, textures.SIZE - 200, 2).tolist()
    leaves = textures.noise(21, 16, 0.9)[row : row + cells[1], column : column + cells[0]]
    clump = cv2.resize(leaves, (GRID, GRID), interpolation=cv2.INTER_AREA).astype(np.float32) - 128
    fine = _cut(leaves, area, rows, columns)
    tone = cv2.convertScaleAbs(np.maximum(_shape_tone(field, canvas.light.sun[0]) + 0.4 * clump, 0))
    edge = cv2.convertScaleAbs(np.maximum(128 + 200 * field + 1.5 * clump, 0))
    tone = cv2.addWeighted(_cut(tone, area, rows, columns), 1.0, fine, 0.75, -96)
    inside = cv2.addWeighted(_cut(edge, area, rows, columns), 1.0, fine, 0.5, -64)
    table = _leaf_colours(canvas, colour, float(corners_m[0, 2]))
    x0, y0 = max(left, 0), max(top, 0)
    window = canvas.pixels.view(np.uint32)[y0 : y0 + tone.shape[0], x0 : x0 + tone.shape[1], 0]
    np.copyto(window, table[tone], where=inside > 128)


def _shape_tone(field: Field, sun_x: float) -> Field:
    """Brightness of a crown without its leaves: higher in the middle, on top, and on the sun's side."""
    u, v = _axes()
    tone: Field = 96 + 60 * np.clip(field, -0.5, 1) + 34 * v + np.float32(40 * sun_x) * u
    return tone


def _leaf_colours(canvas: Canvas, colour: Colour, depth_m: float) -> NDArray[np.uint32]:
    """Table (256,) from tone to the four bytes of a canvas pixel."""
    lit = np.array(canvas.light.lit(colour, (0.0, 0.6, -0.8), depth_m))
    haze = np.array(canvas.light.lit((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), depth_m))
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.clip(haze + (lit - haze) * RAMP, 0, 255)
    table[:, 3] = int(VEGETATION)
    return table.view(np.uint32)[:, 0]


def _cut(tile: NDArray[Any], area: tuple[int, int, int, int], rows: int, columns: int) -> Pixels:
    """The part on the canvas of the tile stretched over `area` (left, top, width, height)."""
    left, top, width, height = area
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, columns), min(top + height, rows)
    sx, sy = tile.shape[1] / width, tile.shape[0] / height
    warp = np.array([[sx, 0, (x0 - left + 0.5) * sx - 0.5], [0, sy, (y0 - top + 0.5) * sy - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(tile, warp, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return part.astype(np.uint8, copy=False)


def tree(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A trunk with two boughs and a crown; conifers and bushes have their crown near the ground."""
    z = thing.z + thing.length / 2
    panel = upright(road.x(thing.s + thing.width / 2, z), z)
    colour = vary(rng, pick(rng, AUTUMN if rng.random() < 0.12 else LEAVES), 0.2)
    bark = vary(rng, (92.0, 76.0, 60.0), 0.2)
    field = _crown(rng)
    clear = rng.uniform(0.18, 0.34) * thing.height if thing.height > 3 else 0.0
    thick = canvas.camera.at_least(0.05 * thing.height, z, 2.0)
    if clear:
        canvas.fill(panel.at(stroke(0, 0, 0, thing.height * 0.6, thick, thick * 0.6)), bark, VEGETATION)
        for lean in (-0.45, 0.4):
            bough = stroke(0, clear, lean * thing.width / 2, thing.height * 0.5, thick * 0.6, thick * 0.3)
            canvas.fill(panel.at(bough), bark, VEGETATION)
    half = thing.width / 2
    foliage(canvas, panel.at([(-half, clear * 0.75), (half, thing.height)]), field, colour, rng)


def hedge(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A clipped hedge along the street, drawn as overlapping bushes from far to near."""
    near, far, _, _ = corners(thing, road)
    colour = vary(rng, pick(rng, LEAVES), 0.15)
    count = max(2, int(thing.length / 1.8))
    u, v = _axes()
    field = 0.8 - np.abs(u) ** 6 - np.maximum(v, 0) ** 8
    for step in range(count, -1, -1):
        x, _, z = near + (far - near) * step / count
        if z < 1.5:
            continue
        panel = upright(float(x), float(z))
        top = thing.height * rng.uniform(0.93, 1.07)
        foliage(canvas, panel.at([(-1.1, -0.05), (1.1, top)]), field, colour, rng, 0.25)


PAINTERS = {Kind.TREE: tree, Kind.HEDGE: hedge}
