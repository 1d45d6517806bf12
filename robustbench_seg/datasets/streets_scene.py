"""A synthetic street scene, drawn from a seed: image and label, no camera and no data behind it.

The scene is procedural: a perspective street with buildings, plants, furniture, traffic and people, painted from far
to near with flat polygons and noise textures. It stands in for driving data where none is available; what a network
scores on it means nothing for real streets.
"""

from collections.abc import Callable
from hashlib import blake2b

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from robustbench_seg.streetscenes import (
    backdrop,
    buildings,
    cycles,
    finish,
    furniture,
    ground,
    layout,
    people,
    plants,
    surface,
    transit,
    vehicles,
)
from robustbench_seg.streetscenes.canvas import Canvas
from robustbench_seg.streetscenes.scene import Kind, Road, Scene, Thing

PAINTERS: dict[Kind, Callable[[Canvas, Thing, Road, Generator], None]] = {
    **buildings.PAINTERS,
    **plants.PAINTERS,
    **vehicles.PAINTERS,
    **transit.PAINTERS,
    **people.PAINTERS,
    **cycles.PAINTERS,
    **furniture.PAINTERS,
}


def render(seed: int, index: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw scene `index` of the series `seed`: image (height, width, 3) uint8 RGB and label (height, width) uint8.

    Labels are Cityscapes' train ids 0-18, and 255 where nothing is to be learnt (the own bonnet, bins). The same
    arguments give the same bytes, except for single values off by 1 on a processor without AVX2. The same scene at
    another size is the same street at another resolution.

    Raises:
        ValueError: if a side is below 32 pixels.
    """
    if min(height, width) < 32:
        raise ValueError(f"a scene is at least 32 x 32 pixels, not {height} x {width}")
    key = blake2b(f"{seed}/{index}".encode(), digest_size=16).digest()
    scene = layout.invent(np.random.default_rng(int.from_bytes(key, "little")))
    return paint(scene, height, width)


def paint(scene: Scene, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a scene at one size; see `render`."""
    canvas = Canvas(scene.viewpoint, scene.light, height, width)
    rng = np.random.default_rng(scene.seed)
    backdrop.sky(canvas, rng)
    backdrop.skyline(canvas, rng)
    ground.ground(canvas, scene.road, rng)
    surface.surface(canvas, scene.road, scene.things, rng)
    for thing in far_to_near(scene, reach=1.1 * canvas.camera.centre_px / canvas.camera.focal_px):
        PAINTERS[thing.kind](canvas, thing, scene.road, np.random.default_rng(thing.seed))
    finish.bonnet(canvas, scene.bonnet, rng)
    colours, label = cv2.cvtColor(canvas.pixels, cv2.COLOR_RGBA2RGB), cv2.extractChannel(canvas.pixels, 3)
    return finish.sensor(colours.astype(np.uint8, copy=False), rng), label.astype(np.uint8, copy=False)


def far_to_near(scene: Scene, reach: float) -> list[Thing]:
    """The things within `reach` (x / z) of the view's middle, so ordered that each hides only what comes before it.

    Of two boxes that share a line of sight, the one that ends before the other starts is nearer; where they overlap
    along the street, it is the one closer to the camera's own line.
    """
    things = sorted(scene.things, key=lambda thing: -thing.z)
    z0 = np.array([max(thing.z, 1.0) for thing in things])
    z1 = np.maximum(z0 + 0.1, [thing.z + thing.length for thing in things])
    left = np.array([thing.s for thing in things]) - scene.road.ego_s
    right = left + [thing.width for thing in things]
    bend0, bend1 = (z * (scene.road.heading + 0.5 * scene.road.curvature * z) for z in (z0, z1))
    edges = np.stack([(left + bend0) / z0, (left + bend1) / z1, (right + bend0) / z0, (right + bend1) / z1])
    first, last = edges.min(0), edges.max(0)
    meet = (first[:, None] < last[None, :]) & (first[None, :] < last[:, None])
    aside = np.where((left < 0) & (right > 0), 0.0, np.minimum(np.abs(left), np.abs(right)))
    is_apart = z0[:, None] >= z1[None, :]
    overlap = (z0[:, None] < z1[None, :]) & (z0[None, :] < z1[:, None])
    behind = meet & (is_apart | (overlap & (aside[:, None] > aside[None, :])))
    blockers = behind.sum(0)
    order = []
    for _ in things:
        first_free = int(np.argmin(blockers))
        blockers = blockers - behind[first_free]
        blockers[first_free] = len(things) ** 2
        if first[first_free] < reach and last[first_free] > -reach:
            order.append(things[first_free])
    return order
