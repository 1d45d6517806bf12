"""Paint the backdrop, before any object: sky, skyline, the ground with its markings, and the shadows on it."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from robustbench_seg.streetscenes import textures
from robustbench_seg.streetscenes.canvas import Canvas, Pixels
from robustbench_seg.streetscenes.palette import FACADES, GRASS, LEAVES, pick, shade, vary
from robustbench_seg.streetscenes.plants import GRID, foliage
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId, Vector

Plane = NDArray[np.float32]

FAR_M = 400.0
GRAIN_PX_PER_M = 22.0
SHADOWS_M = 60.0
SOFT = 3  # sky and shadows are computed at this fraction of the size
PIECES = np.geomspace(1.5, FAR_M, 20)  # distances at which the ground is cut, so that it can bend and fade into haze
UP: Colour = (0.0, 1.0, 0.0)
PAINT: Colour = (214.0, 214.0, 206.0)


def sky(canvas: Canvas, rng: Generator) -> None:
    """A gradient from zenith to haze, with clouds that shrink towards the horizon."""
    pixels, light, camera = canvas.pixels, canvas.light, canvas.camera
    width = pixels.shape[1]
    rows = int(np.clip(np.ceil(camera.horizon_px) + 1, 1, pixels.shape[0]))
    small = -(-rows // SOFT), -(-width // SOFT)  # clouds are soft, so a third of the size is enough
    row = ((np.arange(small[0]) + 0.5) * rows / small[0] / (camera.horizon_px + 0.5)).clip(0, 1)
    column = ((np.arange(small[1]) + 0.5) / small[1] - 0.5) * width / (2 * camera.unit_px)
    far, shift, stretch = 1.0 / (1.12 - row), rng.uniform(0, textures.SIZE, 2), rng.uniform(160, 330)
    map_x = (column * far[:, None] * stretch + shift[0]).astype(np.float32)
    map_y = np.repeat((far * 90 + shift[1])[:, None], small[1], 1).astype(np.float32)
    tile = textures.noise(31, 4, 0.55)
    cover = cv2.remap(tile, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(np.float32)
    height = (1 - row[:, None]) ** 0.8
    amount = 0.9 * np.clip((cover - 190 + 150 * light.clouds) / 60, 0, 1) * np.minimum(1.0, height * 4 + 0.2)
    soft = np.empty((*small, 4), np.uint8)
    for channel in range(3):
        zenith, haze = light.zenith[channel], light.haze[channel]
        clear = haze + (zenith - haze) * height
        cloud = light.cloud[channel] * (0.82 + 0.18 / 255 * cover)
        soft[..., channel] = np.clip(clear + (cloud - clear) * amount, 0, 255)
    soft[..., 3] = int(TrainId.SKY)
    pixels[..., 3] = int(TrainId.SKY)
    cv2.resize(soft, (width, rows), dst=pixels[:rows], interpolation=cv2.INTER_LINEAR)


def skyline(canvas: Canvas, rng: Generator) -> None:
    """Far houses and trees that close the street at the horizon."""
    x, end = -230.0, 230.0
    while x < end:
        z, wide = rng.uniform(190, 260), rng.uniform(16, 44)
        tree, tall = rng.random() < 0.45, rng.uniform(6, 26)
        colour = vary(rng, pick(rng, LEAVES if tree else FACADES))
        if tree:
            u = np.linspace(-1, 1, GRID, dtype=np.float32)
            field = 0.8 - np.abs(u[None, :]) ** 3 - np.linspace(1.2, 0, GRID)[:, None] ** 3
            corners = np.array([(x - 3, -0.5, z), (x + wide + 3, min(tall, 15.0), z)])
            foliage(canvas, corners, field.astype(np.float32), colour, rng, 2.0)
        else:
            face = np.array([(x, 0, z), (x + wide, 0, z), (x + wide, tall, z), (x, tall, z)])
            canvas.fill(face, colour, TrainId.BUILDING)
        x += wide * rng.uniform(0.5, 1.0)


def _strip(road: Road, s0: float, s1: float, z: Vector) -> Vector:
    """Ground between two offsets along the street, cut at z, as quads (N, 4, 3)."""
    bend = z * (road.heading + 0.5 * road.curvature * z) - road.ego_s
    left, right = (np.stack([s + bend, np.zeros_like(z), z], -1) for s in (s0, s1))
    return np.stack([left[:-1], right[:-1], right[1:], left[1:]], 1)


def _lay(canvas: Canvas, road: Road, edges: tuple[float, float], colour: Colour, label: TrainId) -> None:
    quads = _strip(road, min(edges), max(edges), PIECES)
    for first in range(0, len(quads), 3):  # three quads share one haze colour
        canvas.fill(quads[first : first + 3], colour, label, UP)


def ground(canvas: Canvas, road: Road, rng: Generator) -> None:
    """Terrain everywhere, then on each side sidewalk, verge and kerb, then the carriageway and cross street."""
    grass = vary(rng, pick(rng, GRASS))
    paving = vary(rng, pick(rng, ((164, 158, 150), (150, 148, 146), (172, 152, 138), (138, 136, 134), (176, 170, 156))))
    asphalt = vary(rng, pick(rng, ((98, 98, 102), (84, 85, 90), (112, 110, 108), (104, 100, 98))))
    for z0, z1 in zip(PIECES[:-1:2], [*PIECES[2::2], FAR_M], strict=True):
        wide = 3.0 * z1 + 60
        face = np.array([(-wide, 0, z0), (wide, 0, z0), (wide, 0, z1), (-wide, 0, z1)])
        canvas.fill(face, grass, TrainId.TERRAIN, UP)
    for side in (road.left, road.right):
        at = [side.sign * d for d in (side.kerb, side.kerb + 0.25, side.kerb + 0.25 + side.verge_m, side.front)]
        _lay(canvas, road, (at[0], at[3]), paving, TrainId.SIDEWALK)
        if side.verge_m > 0.5:
            _lay(canvas, road, (at[1], at[2]), shade(grass, 1.06), TrainId.TERRAIN)
        _paving_joints(canvas, road, (at[2], at[3]), shade(paving, rng.uniform(0.72, 0.85)))
        _lay(canvas, road, (at[0], at[1]), shade(paving, 1.18), TrainId.SIDEWALK)
    _lay(canvas, road, (-road.left.kerb, road.right.kerb), asphalt, TrainId.ROAD)
    _patches(canvas, road, asphalt, rng)
    _markings(canvas, road, rng)
    if road.crossing_m:
        _cross_street(canvas, road, asphalt)


def _paving_joints(canvas: Canvas, road: Road, edges: tuple[float, float], colour: Colour) -> None:
    """Slab joints across and along the sidewalk, up to the distance where they are visible."""
    z = np.arange(2.0, 30.0, 1.0)
    low, high = min(edges), max(edges)
    across = [_strip(road, low, high, np.array([at, at + 0.05]))[0] for at in z]
    canvas.fill(np.array(across), colour, TrainId.SIDEWALK, UP)
    for s in np.arange(low + 1.0, high - 0.3, 1.0):
        canvas.fill(_strip(road, s, s + 0.03, np.geomspace(2.0, 22.0, 8)), colour, TrainId.SIDEWALK, UP)


def _patches(canvas: Canvas, road: Road, asphalt: Colour, rng: Generator) -> None:
    """Repaired asphalt and manhole covers."""
    for _ in range(int(rng.integers(1, 6))):
        s, z = rng.uniform(-road.left.kerb, road.right.kerb - 1.5), rng.uniform(4, 30)
        quad = _strip(road, s, s + rng.uniform(0.6, 1.5), np.array([z, z + rng.uniform(1, 7)]))
        canvas.fill(quad, shade(asphalt, rng.uniform(0.8, 1.15)), TrainId.ROAD, UP)
    for _ in range(int(rng.integers(0, 3))):
        x, z = road.x(rng.uniform(-3, 3), 0), rng.uniform(5, 18)
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        cover = np.stack([x + 0.35 * np.cos(angle), 0 * angle, z + 0.35 * np.sin(angle)], -1)
        canvas.fill(cover, shade(asphalt, 0.6), TrainId.ROAD, UP)


def _line(canvas: Canvas, road: Road, s: float, dash: tuple[float, float] | None) -> None:
    """A painted line along the street, solid or with (length, gap) in metres; it stops at the cross street."""
    if dash is None:
        quads = _strip(road, s - 0.07, s + 0.07, PIECES[PIECES < 120])
    else:
        starts = np.arange(2.0, 90.0, sum(dash))
        quads = np.concatenate([_strip(road, s - 0.07, s + 0.07, np.array([z, z + dash[0]])) for z in starts])
    for near, far in ((0.0, 12.0), (12.0, 30.0), (30.0, 200.0)):
        some = quads[(quads[:, 0, 2] >= near) & (quads[:, 0, 2] < far)]
        if len(some):
            canvas.fill(some, PAINT, TrainId.ROAD, UP)


def _markings(canvas: Canvas, road: Road, rng: Generator) -> None:
    """Centre line, lane lines, parking and edge lines, tram rails."""
    dash = (rng.uniform(2.0, 4.0), rng.uniform(3.0, 6.0))
    _line(canvas, road, 0.0, dash if road.dashed else None)
    for side in (road.left, road.right):
        for lane in range(1, side.lanes):
            _line(canvas, road, side.sign * lane * side.lane_m, dash)
        if side.parking_m or rng.random() < 0.4:
            _line(canvas, road, side.sign * (side.lanes * side.lane_m - 0.1), None)
    if road.tram_s is not None:
        for rail in (-0.72, 0.72):
            for offset, tone in ((-0.1, 62.0), (0.0, 150.0)):
                s = road.tram_s + rail + offset
                _lay(canvas, road, (s, s + 0.1), (tone, tone, tone + 4), TrainId.ROAD)


def _cross_street(canvas: Canvas, road: Road, asphalt: Colour) -> None:
    """A street across ours, with stop line and zebra before it."""
    z0, z1 = road.crossing_z, road.crossing_z + road.crossing_m
    for s0, s1 in ((-90.0, -road.left.kerb + 0.1), (road.right.kerb - 0.1, 90.0)):
        x0, x1 = road.x(s0, z0), road.x(s1, z0)
        face = np.array([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)])
        canvas.fill(face, asphalt, TrainId.ROAD, UP)
    canvas.fill(
        _strip(road, -road.left.kerb, road.right.kerb, np.array([z0 - 0.3, z1 + 0.3])),
        asphalt,
        TrainId.ROAD,
        UP,
    )
    if road.zebra:
        for start in (z0 - 4.2, z1 + 1.0):
            s = np.arange(-road.left.kerb + 0.4, road.right.kerb - 0.5, 1.0)
            bars = np.concatenate([_strip(road, at, at + 0.5, np.array([start, start + 3.0])) for at in s])
            canvas.fill(bars, PAINT, TrainId.ROAD, UP)
    stop = _strip(road, 0.2, road.right.lanes * road.right.lane_m, np.array([z0 - 5.6, z0 - 5.2]))
    canvas.fill(stop, PAINT, TrainId.ROAD, UP)


GRAIN = {
    TrainId.ROAD: 0.16,
    TrainId.SIDEWALK: 0.12,
    TrainId.TERRAIN: 0.5,
}  # contrast of each ground's texture


def surface(canvas: Canvas, road: Road, things: Iterable[Thing], rng: Generator) -> None:
    """Texture and shadows of the ground: one factor per pixel below the horizon."""
    pixels, camera = canvas.pixels, canvas.camera
    top = int(np.clip(np.ceil(camera.horizon_px + 1), 0, pixels.shape[0] - 1))
    part = pixels[top:]
    rows = part.shape[0]
    depth = camera.focal_px * camera.height_m / (np.arange(rows) + top - camera.horizon_px)
    contrast = np.zeros(256, np.float32)
    for label, amount in GRAIN.items():
        contrast[int(label)] = amount
    fade = np.minimum(1.0, 0.75 * camera.focal_px / (np.minimum(depth, FAR_M) * GRAIN_PX_PER_M))
    factor: Plane = np.asarray(cv2.LUT(cv2.extractChannel(part, 3), contrast), np.float32)
    factor *= fade.astype(np.float32)[:, None]
    factor *= _grain(canvas, top, rng.uniform(0, textures.SIZE, 2))
    factor += 1
    factor *= _shadows(canvas, road, things, top)
    grey = cv2.convertScaleAbs(factor, alpha=128)
    cv2.multiply(part, cv2.merge([grey, grey, grey, np.full_like(grey, 128)]), dst=part, scale=1 / 128)


def _grain(canvas: Canvas, top: int, shift: Vector) -> Plane:
    """Noise on the ground, float32 in -1..1, for the rows from `top` down."""
    camera, (height, width) = canvas.camera, canvas.pixels.shape[:2]
    scale, drop = camera.height_m * GRAIN_PX_PER_M, top - camera.horizon_px
    ground = np.array([  # from pixel to noise tile
        [scale, shift[0], shift[0] * drop - camera.centre_px * scale],
        [0.0, shift[1], shift[1] * drop + camera.focal_px * scale],
        [0.0, 1.0, drop],
    ])  # fmt: skip
    size = -(-width // 2), -(-(height - top) // 2)  # half the size is enough
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    tile = textures.noise(41, 8, 0.85)
    half = ground @ np.diag([2.0, 2.0, 1.0])
    grain = cv2.warpPerspective(tile, half, size, flags=flags, borderMode=cv2.BORDER_WRAP)
    whole = cv2.resize(grain, (width, height - top), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.LUT(whole, ((np.arange(256) - 128) / 128).astype(np.float32)), np.float32)


def _shadows(canvas: Canvas, road: Road, things: Iterable[Thing], top: int) -> Plane:
    """Brightness of the ground, float32 in (0, 1]: cast shadows, and darkness under every object."""
    height, width = canvas.pixels.shape[:2]
    small = -(-(height - top) // SOFT), -(-width // SOFT)
    cast, under = np.full(small, 255, np.uint8), np.full(small, 255, np.uint8)
    light = canvas.light
    shift = np.array([-light.sun[0], 0.0, -light.sun[2]]) / max(0.25, light.sun[1])
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], -1) / 2
    for thing in things:
        if thing.z > SHADOWS_M:
            continue
        s1, z1 = thing.s + thing.width, thing.z + thing.length
        plan = ((thing.s, thing.z), (s1, thing.z), (s1, z1), (thing.s, z1))
        foot = np.array([(road.x(s, z), 0.0, z) for s, z in plan])
        reach = shift * thing.height
        if thing.kind is Kind.TREE:
            _darken(canvas, cast, foot.mean(0) + 0.85 * reach + circle * thing.width, top)
            continue
        if sum(light.direct) > 0.4:
            _darken(canvas, cast, np.concatenate([foot, foot + reach]), top)
        if thing.height < 5 and thing.kind is not Kind.HEDGE:
            _darken(canvas, under, foot.mean(0) + (foot - foot.mean(0)) * 1.12, top)
    blur = max(1, round(canvas.camera.unit_px / 128 / SOFT)) * 2 + 1
    sky_share = sum(light.ambient) / (sum(light.ambient) + sum(light.direct) * light.sun[1])
    sunlit, open_air = (
        cv2.GaussianBlur(mask, (blur, blur), 0).astype(np.float32) / np.float32(255) for mask in (cast, under)
    )
    left = (np.float32(sky_share) + np.float32(1 - sky_share) * sunlit) * (np.float32(0.5) + np.float32(0.5) * open_air)
    return np.asarray(cv2.resize(left, (width, height - top), interpolation=cv2.INTER_LINEAR), np.float32)


def _darken(canvas: Canvas, mask: Pixels, points: Vector, top: int) -> None:
    """Fill the hull of ground points in a shadow mask. The mask starts at row `top` and is SOFT times smaller."""
    if points[:, 2].max() < 1.0:
        return
    points = points.copy()
    points[:, 2] = np.maximum(points[:, 2], 1.0)
    flat = (canvas.camera.project(points) - [0, top]) / SOFT
    hull = cv2.convexHull(np.clip(flat, -4000, 12000).astype(np.float32))[:, 0]
    cv2.fillConvexPoly(mask, np.rint(hull * 16).astype(np.int32), 0, cv2.LINE_8, 4)
