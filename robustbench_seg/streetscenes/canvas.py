"""Camera and canvas: flat faces in the world become filled polygons, far to near.

The canvas has four channels: red, green, blue and trainId. Every face is filled in all four at once, so the label can't
disagree with the image. Texture and shadow change only the brightness, not the fourth channel.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustbench_seg.streetscenes import textures
from robustbench_seg.streetscenes.scene import Colour, Light, TrainId, Vector, Viewpoint

Pixels = NDArray[np.uint8]

NEAR_M = 0.5
FRACTION_BITS = 4  # polygons keep a sixteenth of a pixel
FACING: Colour = (0.0, 0.35, -0.937)  # normal of a face that looks at the camera and a little up


class Camera:
    """A pinhole camera that looks along z with a level horizon, with the field of view of a 2:1 image."""

    def __init__(self, viewpoint: Viewpoint, height: int, width: int) -> None:
        self.unit_px = max(height, width / 2)
        self.focal_px = viewpoint.focal * self.unit_px
        self.centre_px = width / 2 - 0.5
        self.horizon_px = viewpoint.horizon * height - 0.5
        self.height_m = viewpoint.height_m
        self.focal = viewpoint.focal

    def project(self, points: Vector) -> Vector:
        """World points (..., 3) in metres to pixels (..., 2) as (column, row)."""
        scale = self.focal_px / np.maximum(points[..., 2], NEAR_M)
        flat = np.empty((*points.shape[:-1], 2))
        flat[..., 0] = points[..., 0] * scale + self.centre_px
        flat[..., 1] = (self.height_m - points[..., 1]) * scale + self.horizon_px
        return flat

    def at_least(self, width_m: float, depth_m: float, pixels: float) -> float:
        """Return width_m, or the width that covers `pixels` of a 256 x 512 image at this depth if it is larger."""
        return max(width_m, pixels / 256 * depth_m / self.focal)


@dataclass(frozen=True)
class Panel:
    """A plane in the world with its own (u, v) metres: at(u, v) = origin + u * across + v * up."""

    origin: Vector
    across: Vector
    up: Vector

    @property
    def normal(self) -> Colour:
        """Unit normal on the side of the camera, which is far behind z = 0."""
        (a, b, c), (d, e, f) = self.across.tolist(), self.up.tolist()
        x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
        length = max(1e-9, (x * x + y * y + z * z) ** 0.5)
        away = x * float(self.origin[0]) + z * float(self.origin[2])
        length = -length if away > 0 else length
        return x / length, y / length, z / length

    def at(self, uv: ArrayLike) -> Vector:
        """Points (..., 2) on the panel to world points (..., 3)."""
        flat = np.asarray(uv, dtype=np.float64)
        return self.origin + flat[..., :1] * self.across + flat[..., 1:] * self.up


def upright(x: float, z: float) -> Panel:
    """A standing panel that faces the camera, with its foot at (x, 0, z)."""
    return Panel(np.array([x, 0.0, z]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))


def box(u0: float, v0: float, u1: float, v1: float) -> Vector:
    """Corners of a rectangle, (4, 2)."""
    return np.array([(u0, v0), (u1, v0), (u1, v1), (u0, v1)])


def boxes(u0: ArrayLike, v0: ArrayLike, u1: ArrayLike, v1: ArrayLike) -> Vector:
    """Corners of many rectangles, (N, 4, 2); the arguments broadcast."""
    count = max(np.size(value) for value in (u0, v0, u1, v1))
    corners = np.empty((count, 4, 2))
    corners[:, 0, 0] = corners[:, 3, 0] = u0
    corners[:, 1, 0] = corners[:, 2, 0] = u1
    corners[:, 0, 1] = corners[:, 1, 1] = v0
    corners[:, 2, 1] = corners[:, 3, 1] = v1
    return corners


_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], -1)


def disc(u: float, v: float, radius: float, stretch: float = 1.0) -> Vector:
    """A round polygon, (20, 2); stretch scales its height."""
    ring: Vector = np.array([u, v]) + _CIRCLE * np.array([radius, radius * stretch])
    return ring


def stroke(u0: float, v0: float, u1: float, v1: float, width: float, end_width: float | None = None) -> Vector:
    """A straight bar from one point to another, (4, 2)."""
    along = np.array([u1 - u0, v1 - v0])
    side = np.array([-along[1], along[0]]) / max(1e-9, float(np.hypot(*along))) / 2
    start, end = np.array([u0, v0]), np.array([u1, v1])
    far = side * (width if end_width is None else end_width)
    return np.array([start - side * width, end - far, end + far, start + side * width])


class Canvas:
    """The picture in progress; `pixels` is (H, W, 4) uint8: RGB and trainId."""

    def __init__(self, viewpoint: Viewpoint, light: Light, height: int, width: int) -> None:
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        self.camera = Camera(viewpoint, height, width)
        self.light = light

    def fill(self, points: Vector, colour: Colour, label: TrainId, normal: Colour = FACING) -> None:
        """Fill one face (K, 3), or several of one colour (N, K, 3) that do not overlap."""
        flat = self.camera.project(points)
        depth = points[..., 2]
        self.fill_flat(flat, self.light.lit(colour, normal, float(depth.sum()) / depth.size), label)

    def fill_flat(self, flat: Vector, colour: Colour, label: TrainId) -> None:
        """Fill polygons given in pixels, (K, 2) or (N, K, 2), with a colour that is already lit."""
        points = _to_fixed_point(flat)
        polygons = [points] if points.ndim == 2 else list(points)
        cv2.fillPoly(self.pixels, polygons, (*colour, int(label)), cv2.LINE_8, FRACTION_BITS)

    def glow(self, points: Vector, colour: Colour, label: TrainId) -> None:
        """Fill faces that shine by themselves."""
        self.fill_flat(self.camera.project(points), colour, label)

    def veil(self, points: Vector, colour: Colour, label: TrainId, opacity: float) -> None:
        """Fill transparent faces, with their own label."""
        flat = self.camera.project(points)
        window = self._window(flat)
        if window is None:
            return
        before = self.pixels[window].copy()
        self.fill_flat(flat, self.light.lit(colour, FACING, float(points[..., 2].mean())), label)
        after = self.pixels[window]
        blend = cv2.addWeighted(before, 1.0 - opacity, after, opacity, 0.0)
        after[..., :3] = blend[..., :3]

    def texture(self, panel: Panel, outline: Vector, name: str, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Brighten and darken the part of a panel inside `outline` (K, 2) with a material."""
        flat = self.camera.project(panel.at(outline))
        window = self._window(flat)
        if window is None:
            return
        metres = textures.METRES[name]
        depth = max(NEAR_M, float(panel.at(outline)[..., 2].mean()))
        wanted_px = self.camera.focal_px / depth * metres
        level = int(np.clip(np.floor(np.log2(textures.SIZE / wanted_px) + 0.3), 0, 5))
        tile = textures.material(name, level)
        low, high = outline.min(0), outline.max(0)
        corners = box(low[0], low[1], high[0], high[1])
        source = (corners * [1, -1] + shift) * (tile.shape[0] / metres)
        target = self.camera.project(panel.at(corners)) - [window[1].start, window[0].start]
        patch = self.pixels[window]
        warp = cv2.getPerspectiveTransform(target.astype(np.float32), source.astype(np.float32))
        size = (patch.shape[1], patch.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        grey = cv2.warpPerspective(tile, warp, size, flags=flags, borderMode=cv2.BORDER_WRAP)
        factor = cv2.merge([grey, grey, grey, np.full_like(grey, 128)])
        mask = np.zeros(patch.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_to_fixed_point(flat - [window[1].start, window[0].start])], 255, cv2.LINE_8, FRACTION_BITS)
        cv2.copyTo(cv2.multiply(patch, factor, scale=1 / 128), mask, patch)

    def _window(self, flat: Vector) -> tuple[slice, slice] | None:
        """Rows and columns that polygons in pixels may touch, or None if they are off the canvas."""
        height, width = self.pixels.shape[:2]
        points = flat.reshape(-1, 2)
        left, top = np.floor(np.clip(points.min(0) - 1, -1, [width, height])).astype(int)
        right, bottom = np.ceil(np.clip(points.max(0) + 2, 0, [width, height])).astype(int)
        left, top = max(left, 0), max(top, 0)
        if right - left < 1 or bottom - top < 1:
            return None
        return slice(top, bottom), slice(left, right)


def _to_fixed_point(flat: Vector) -> NDArray[np.int32]:
    return (np.minimum(np.maximum(flat, -8000.0), 24000.0) * (1 << FRACTION_BITS) + 0.5).astype(np.int32)
