"""Solids for vehicles: a side profile extruded to the vehicle's width, and flat parts on its faces.

A profile is a ring of (forward, up, half width) around the vehicle's side. It has one quad across the width per edge,
and two sides. All in metres from the vehicle's middle on the ground.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from robustbench_seg.streetscenes.canvas import Canvas, boxes, disc
from robustbench_seg.streetscenes.palette import RIM, TYRE
from robustbench_seg.streetscenes.scene import Colour, Road, Thing, TrainId, Vector

Rect = tuple[float, float, float, float]
DETAIL_M = 45.0  # vehicles farther away have no small parts


@dataclass(frozen=True)
class Body:
    """A vehicle's own frame on the canvas: (forward, up, right) metres from its middle on the ground."""

    canvas: Canvas
    centre: Vector
    axes: Vector
    label: TrainId

    @classmethod
    def of(cls, canvas: Canvas, thing: Thing, road: Road, label: TrainId) -> "Body":
        """Put the frame in the middle of the thing's box, rotated by its heading."""
        z = thing.z + thing.length / 2
        yaw = thing.heading + road.yaw(z)
        forward, right = (np.sin(yaw), 0.0, np.cos(yaw)), (np.cos(yaw), 0.0, -np.sin(yaw))
        centre = np.array([road.x(thing.s + thing.width / 2, z), 0.0, z])
        return cls(canvas, centre, np.array([forward, (0.0, 1.0, 0.0), right]), label)

    @cached_property
    def eye(self) -> Vector:
        """The camera in the vehicle's own frame."""
        eye: Vector = self.axes @ (np.array([0.0, self.canvas.camera.height_m, 0.0]) - self.centre)
        return eye

    @property
    def detailed(self) -> bool:
        """Whether the vehicle is near enough for small parts to be visible."""
        return bool(self.centre[2] < DETAIL_M)

    def faces_camera(self, outward: ArrayLike, point: ArrayLike) -> bool:
        """Whether the camera sees the outside of a face, given its normal and one of its points."""
        return float(np.dot(outward, np.asarray(point, np.float64) - self.eye)) < 0

    def face(self, points: Vector, outward: ArrayLike, colour: Colour) -> None:
        """Fill polygons (K, 3) or (N, K, 3) with this outward normal."""
        x, y, z = (np.asarray(outward, np.float64) @ self.axes).tolist()
        self.canvas.fill(self.centre + points @ self.axes, colour, self.label, (x, y, z))

    def solid(self, profile: ArrayLike, colour: Colour, top: Colour | None = None) -> None:
        """Fill the visible faces of a profile (K, 3), the farthest first. top: colour of faces that look up."""
        right = np.asarray(profile, np.float64)
        left, middle = right * [1.0, 1.0, -1.0], right.mean(0) * [1.0, 1.0, 0.0]
        quads = np.stack([left, right, np.roll(right, -1, 0), np.roll(left, -1, 0)], 1)
        outwards, offsets = _normals(quads, middle), quads.mean(1) - self.eye
        visible = np.flatnonzero((outwards * (quads[:, 0] - self.eye)).sum(1) < 0)
        for at in visible[np.argsort(-(offsets[visible] ** 2).sum(1), kind="stable")]:
            upward = top is not None and outwards[at, 1] > 0.9
            self.face(quads[at], outwards[at], top if upward and top is not None else colour)
        for points in (left, right):
            outward = _normals(points[None], middle)[0]
            if self.faces_camera(outward, points[0]):
                self.face(points, outward, colour)

    def side(self, shapes: Vector, half: float, colour: Colour) -> None:
        """Fill (forward, up) polygons (N, K, 2) on the visible side, `half` metres from the middle."""
        for sign in (-1.0, 1.0):
            outward = (0.0, 0.0, sign)
            if self.faces_camera(outward, (0.0, 1.0, sign * half)):
                depth = np.full((*shapes.shape[:-1], 1), sign * half)
                self.face(np.concatenate([shapes, depth], -1), outward, colour)

    def band(self, rect: Rect, half: float, colour: Colour) -> None:
        """Fill one rectangle (forward0, up0, forward1, up1) on the visible side."""
        self.side(boxes(*rect), half, colour)

    def cross(self, forward: float, rects: Sequence[Rect], colour: Colour, facing: int, slope: float = 0.0) -> None:
        """Fill rectangles (right0, up0, right1, up1) across the vehicle, facing back (-1) or ahead (1)."""
        if not self.faces_camera((float(facing), 0.0, 0.0), (forward, 1.0, 0.0)):
            return
        flat = np.concatenate([boxes(*rect) for rect in rects])
        right, up = flat[..., 0], flat[..., 1]
        ahead = forward - facing * slope * (up - up.min())
        self.face(np.stack([ahead, up, right], -1), (float(facing), 0.0, 0.0), colour)

    def tyres(self, forwards: Sequence[float], radius: float, half: float) -> None:
        """Fill the visible part of the wheels below the body, from ahead or behind."""
        for forward, facing in ((min(forwards) - 0.3, -1), (max(forwards) + 0.3, 1)):
            self.cross(forward, mirror_pair(half - 0.26, 0.0, half, radius * 1.2), TYRE, facing)

    def wheels(self, forwards: Sequence[float], radius: float, half: float) -> None:
        """Fill the wheels on the visible side."""
        self.side(np.array([disc(at, radius, radius) for at in forwards]), half, TYRE)
        if self.detailed:
            self.side(np.array([disc(at, radius, radius * 0.6) for at in forwards]), half, RIM)


def mirror_pair(right0: float, up0: float, right1: float, up1: float) -> list[Rect]:
    """Return a rectangle and its mirror image on the other half of the vehicle."""
    return [(right0, up0, right1, up1), (-right1, up0, -right0, up1)]


def _normals(polygons: Vector, middle: Vector) -> Vector:
    """Return unit normals (N, 3) of polygons (N, K, 3), away from the solid's middle."""
    a, b = polygons[:, 1] - polygons[:, 0], polygons[:, 2] - polygons[:, 0]
    normals = a[:, [1, 2, 0]] * b[:, [2, 0, 1]] - a[:, [2, 0, 1]] * b[:, [1, 2, 0]]
    length = np.maximum(np.sqrt((normals**2).sum(1)), 1e-9)
    outside = (normals * (polygons.mean(1) - middle)).sum(1)
    units: Vector = normals / np.where(outside < 0, -length, length)[:, None]
    return units
