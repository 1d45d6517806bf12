"""Paint the ground: terrain, sidewalks, carriageway and cross street, with their markings."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas
from robustbench_seg.streetscenes.palette import GRASS, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Road, TrainId, Vector

FAR_M = 400.0
PIECES = np.geomspace(1.5, FAR_M, 20)  # distances at which the ground is cut, so that it can bend and fade into haze
UP: Colour = (0.0, 1.0, 0.0)
PAINT: Colour = (214.0, 214.0, 206.0)


def _strip(road: Road, s0: float, s1: float, z: Vector) -> Vector:
    """Cut the ground between two offsets along the street at z, into quads (N, 4, 3)."""
    bend = z * (road.heading + 0.5 * road.curvature * z) - road.ego_s
    left, right = (np.stack([s + bend, np.zeros_like(z), z], -1) for s in (s0, s1))
    return np.stack([left[:-1], right[:-1], right[1:], left[1:]], 1)


def _lay(canvas: Canvas, road: Road, edges: tuple[float, float], colour: Colour, label: TrainId) -> None:
    quads = _strip(road, min(edges), max(edges), PIECES)
    for first in range(0, len(quads), 3):  # three quads share one haze colour
        canvas.fill(quads[first : first + 3], colour, label, UP)


def ground(canvas: Canvas, road: Road, rng: Generator) -> None:
    """Paint terrain everywhere, then on each side sidewalk, verge and kerb, then the carriageway and cross street."""
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
    """Paint slab joints across and along the sidewalk, up to the distance where they are visible."""
    z = np.arange(2.0, 30.0, 1.0)
    low, high = min(edges), max(edges)
    across = [_strip(road, low, high, np.array([at, at + 0.05]))[0] for at in z]
    canvas.fill(np.array(across), colour, TrainId.SIDEWALK, UP)
    for s in np.arange(low + 1.0, high - 0.3, 1.0):
        canvas.fill(_strip(road, s, s + 0.03, np.geomspace(2.0, 22.0, 8)), colour, TrainId.SIDEWALK, UP)


def _patches(canvas: Canvas, road: Road, asphalt: Colour, rng: Generator) -> None:
    """Paint repaired asphalt and manhole covers."""
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
    """Paint a line along the street, solid or with (length, gap) in metres; it stops at the cross street."""
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
    """Paint centre line, lane lines, parking and edge lines, tram rails."""
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
    """Paint a street across ours, with stop line and zebra before it."""
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
