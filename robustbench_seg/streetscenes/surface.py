"""Give the painted ground its texture, and the shadows of the objects."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from robustbench_seg.streetscenes import textures
from robustbench_seg.streetscenes.canvas import Canvas, Pixels
from robustbench_seg.streetscenes.ground import FAR_M
from robustbench_seg.streetscenes.scene import Kind, Road, Thing, TrainId, Vector

Plane = NDArray[np.float32]

GRAIN_PX_PER_M = 22.0
# Contrast of each ground's texture.
GRAIN = {TrainId.ROAD: 0.16, TrainId.SIDEWALK: 0.12, TrainId.TERRAIN: 0.5}
SHADOWS_M = 60.0
SOFT = 3  # shadows are computed at this fraction of the size


def surface(canvas: Canvas, road: Road, things: Iterable[Thing], rng: Generator) -> None:
    """Multiply the pixels below the horizon by one factor each: texture and shadows of the ground."""
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
    """Compute the noise on the ground, float32 in -1..1, for the rows from `top` down."""
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
    """Compute the brightness of the ground, float32 in (0, 1]: cast shadows, and darkness under every object."""
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
