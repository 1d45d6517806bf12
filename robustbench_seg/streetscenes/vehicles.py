"""Cars and trucks."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, boxes
from robustbench_seg.streetscenes.palette import DARK, GLASS, PAINTS, RED, WHITE, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId
from robustbench_seg.streetscenes.solids import Body, mirror_pair

Profile = list[tuple[float, float, float]]


def car(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a hatchback, saloon, estate, off-roader or van."""
    body = Body.of(canvas, thing, road, TrainId.CAR)
    paint, glass = vary(rng, pick(rng, PAINTS)), pick(rng, GLASS)
    style = pick(rng, ("hatch", "saloon", "estate", "tall", "van"))
    size, top, half = thing.own_length, thing.height, thing.own_width / 2
    tail, nose = -size / 2, size / 2
    belt = top * {"tall": 0.58, "van": 0.56}.get(style, 0.62)
    hood = belt - (0.02 if style == "van" else 0.06)
    back = tail + size * {"saloon": 0.16, "hatch": 0.04}.get(style, 0.015)
    wind = nose - size * (0.12 if style == "van" else 0.26)
    roof_back = tail + size * {"saloon": 0.30, "hatch": 0.15, "van": 0.03}.get(style, 0.08)
    roof_front = nose - size * (0.26 if style == "van" else 0.42)
    narrow = half * (0.9 if style == "van" else 0.76)
    wheels = [tail + 0.19 * size, nose - 0.19 * size]
    under: Profile = [
        (tail + 0.1, 0.2, half - 0.1), (tail, 0.55, half), (nose, 0.55, half), (nose - 0.1, 0.2, half - 0.1),
    ]  # fmt: skip
    lower: Profile = [
        (tail, 0.5, half), (tail, belt - 0.08, half * 0.98), (back, belt, half * 0.96), (wind, belt, half * 0.96),
        (nose - 0.15, hood - 0.12, half * 0.95), (nose, 0.5, half),
    ]  # fmt: skip
    cabin: Profile = [
        (back, belt, half * 0.92), (roof_back, top, narrow), (roof_front, top, narrow), (wind, belt, half * 0.92),
    ]  # fmt: skip
    body.tyres(wheels, 0.32, half - 0.02)
    body.solid(under, shade(paint, 0.8))
    body.solid(lower, paint, shade(paint, 1.1))
    body.wheels(wheels, 0.32, half)
    body.solid(cabin, paint, shade(paint, 1.1))
    _car_glass(body, cabin, glass)
    body.cross(tail, mirror_pair(half * 0.66, belt - 0.3, half * 0.96, belt - 0.1), RED, -1)
    body.cross(nose - 0.04, mirror_pair(half * 0.58, 0.58, half * 0.93, 0.74), WHITE, 1)
    if body.detailed:
        body.cross(tail, [(-half * 0.9, 0.32, half * 0.9, 0.52)], shade(DARK, 1.3), -1)
        body.cross(tail, [(-0.27, 0.56, 0.27, 0.68)], WHITE, -1)
        body.cross(nose, [(-half * 0.55, 0.36, half * 0.55, 0.58)], DARK, 1)
        body.cross(nose, [(-0.26, 0.42, 0.26, 0.53)], WHITE, 1)


def _car_glass(body: Body, cabin: Profile, glass: Colour) -> None:
    """Draw rear, front and side windows, inset into the faces of the cabin."""
    ring = np.array(cabin)
    for low, high, facing in ((0, 1, -1), (3, 2, 1)):
        a, b = ring[low], ring[high]
        if body.faces_camera((facing, 0.3, 0.0), (a + b) / 2):
            lower, upper = a + (b - a) * 0.1, a + (b - a) * 0.88
            pane = np.array([lower, lower * [1, 1, -1], upper * [1, 1, -1], upper]) * [1.0, 1.0, 0.88]
            body.face(pane, (0.8 * facing, 0.6, 0.0), shade(glass, 0.8))
            body.face(pane[[0, 3, 2]] * [1.0, 1.0, 0.9], (0.8 * facing, 0.6, 0.0), shade(glass, 1.15))
    for sign in (-1.0, 1.0):
        if not body.faces_camera((0.0, 0.2, sign), ring[1] * [1, 1, sign]):
            continue
        along = np.array([(0.06, 0.36), (0.4, 0.68), (0.72, 0.97)])[..., None]
        low, high = ring[0] + (ring[3] - ring[0]) * along, ring[1] + (ring[2] - ring[1]) * along
        start, end = low + (high - low) * 0.1, low + (high - low) * 0.88
        panes = np.stack([start[:, 0], start[:, 1], end[:, 1], end[:, 0]], 1) * [1.0, 1.0, sign]
        body.face(panes, (0.0, 0.3, 0.95 * sign), glass)


def truck(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a cab, a chassis and a load: closed box, tarpaulin, or an open tipper."""
    body = Body.of(canvas, thing, road, TrainId.TRUCK)
    half, tail, nose = thing.own_width / 2, -thing.own_length / 2, thing.own_length / 2
    axles = [tail + 0.14 * thing.own_length, tail + 0.14 * thing.own_length + 1.15, nose - 1.2]
    body.solid([(tail + 0.2, 0.55, half * 0.45), (tail + 0.2, 1.05, half * 0.45),
                (nose, 1.05, half * 0.45), (nose, 0.55, half * 0.45)], DARK)  # fmt: skip
    body.tyres(axles, 0.5, half)
    body.wheels(axles, 0.5, half)
    if body.eye[0] < 0:  # from behind, the load hides the cab
        _cab(body, thing, rng)
        _load(body, thing, rng)
    else:
        _load(body, thing, rng)
        _cab(body, thing, rng)


def _cab(body: Body, thing: Thing, rng: Generator) -> None:
    half, nose, top = thing.own_width / 2, thing.own_length / 2, min(thing.height, 2.9)
    back = nose - 2.0
    body.solid([(back, 0.6, half * 0.96), (back, top, half * 0.93), (nose - 0.45, top, half * 0.9),
                (nose, 1.75, half * 0.96), (nose, 0.5, half * 0.96)], vary(rng, pick(rng, PAINTS)))  # fmt: skip
    body.cross(nose + 0.02, [(-half * 0.82, 1.75, half * 0.82, top - 0.25)], pick(rng, GLASS), 1, 0.35)
    body.cross(nose + 0.02, [(-half * 0.7, 0.75, half * 0.7, 1.45)], DARK, 1)
    body.cross(nose + 0.03, mirror_pair(half * 0.55, 0.6, half * 0.9, 0.85), WHITE, 1)
    body.band((back + 0.45, 1.7, nose - 0.5, top - 0.35), half * 0.97, GLASS[1])
    body.wheels([nose - 1.2], 0.5, half)


def _load(body: Body, thing: Thing, rng: Generator) -> None:
    half, tail, size = thing.own_width / 2, -thing.own_length / 2, thing.own_length
    paint = vary(rng, pick(rng, (*PAINTS, WHITE, WHITE, (208.0, 206.0, 198.0))), 0.15)
    kind = pick(rng, ("box", "tarpaulin", "tipper"))
    top, front = thing.height * (0.62 if kind == "tipper" else 1.0), size / 2 - 2.35
    body.solid([(tail, 1.0, half), (tail, top, half), (front, top, half), (front, 1.0, half)], paint)
    ribs = np.arange(tail + 0.3, front, 2.2 if kind == "box" else 0.9)
    body.side(boxes(ribs, 1.05, ribs + 0.09, top - 0.05), half + 0.01, shade(paint, 0.75))
    body.band((tail, 1.0, front, 1.18), half + 0.01, shade(paint, 0.6))
    if kind == "box" and rng.random() < 0.6:
        logo = (tail + 0.25 * size, 1.9, front - 0.2 * size, top - 0.6)
        body.band(logo, half + 0.02, vary(rng, pick(rng, PAINTS)))
    body.cross(tail, mirror_pair(0.04, 1.1, half * 0.96, top - 0.12), shade(paint, 0.88), -1)
    bars = [
        bar for right in (0.3 * half, 0.8 * half) for bar in mirror_pair(right - 0.03, 1.15, right + 0.03, top - 0.2)
    ]
    body.cross(tail, bars, shade(paint, 0.6), -1)
    body.cross(tail, [(-half, 0.86, half, 1.06)], DARK, -1)
    body.cross(tail, mirror_pair(half * 0.6, 0.7, half * 0.95, 0.92), RED, -1)
    body.cross(tail, [(-half * 0.9, 0.5, half * 0.9, 0.62)], shade(RED, 0.9), -1)


PAINTERS = {Kind.CAR: car, Kind.TRUCK: truck}
