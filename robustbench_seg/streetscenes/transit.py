"""Buses and trams."""

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, boxes, disc
from robustbench_seg.streetscenes.palette import AMBER, DARK, GLASS, PAINTS, RED, WHITE, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId
from robustbench_seg.streetscenes.solids import Body, mirror_pair


def bus(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a city bus: one long band of windows, doors on the right, a lit destination."""
    body = Body.of(canvas, thing, road, TrainId.BUS)
    half, tail, nose, top = thing.own_width / 2, -thing.own_length / 2, thing.own_length / 2, thing.height
    paint, glass, stripe = vary(rng, pick(rng, PAINTS)), pick(rng, GLASS), vary(rng, pick(rng, PAINTS))
    wheels = [tail + 2.6, nose - 2.4]
    body.tyres(wheels, 0.48, half - 0.03)
    shell = [
        (tail, 0.3, half), (tail + 0.1, top - 0.15, half * 0.96), (tail + 0.4, top, half * 0.9),
        (nose - 0.3, top, half * 0.9), (nose, top - 0.3, half * 0.96), (nose, 0.3, half),
    ]  # fmt: skip
    body.solid(shell, paint, shade(paint, 1.1))
    body.band((tail, 0.3, nose, 0.75), half + 0.01, stripe)
    body.band((tail + 0.5, 1.35, nose - 0.1, top - 0.55), half + 0.01, shade(glass, 0.6))
    pitch = rng.uniform(1.2, 1.7)
    panes = np.arange(tail + 0.6, nose - pitch, pitch)
    body.side(boxes(panes, 1.42, panes + pitch - 0.14, top - 0.62), half + 0.02, glass)
    if body.faces_camera((0.0, 0.0, 1.0), (0.0, 1.0, half)):
        doors = np.array([nose - 1.7, -0.6])
        body.side(boxes(doors, 0.4, doors + 1.2, top - 0.6), half + 0.03, shade(glass, 0.8))
    body.side(np.array([disc(at, 0.5, 0.6) for at in wheels]), half + 0.02, DARK)
    body.wheels(wheels, 0.48, half + 0.03)
    _bus_ends(body, thing, glass)


def _bus_ends(body: Body, thing: Thing, glass: Colour) -> None:
    half, nose, top = thing.own_width / 2, thing.own_length / 2 + 0.01, thing.height
    body.cross(-nose, [(-half * 0.8, 1.55, half * 0.8, top - 0.6)], glass, -1)
    body.cross(-nose, [(-half * 0.6, 0.6, half * 0.6, 1.15)], shade(DARK, 1.4), -1)
    body.cross(-nose, mirror_pair(half * 0.72, 0.6, half * 0.93, 1.2), RED, -1)
    body.cross(-nose, [(-half * 0.4, top - 0.5, half * 0.4, top - 0.22)], AMBER, -1)
    body.cross(nose, [(-half * 0.9, 1.1, half * 0.9, top - 0.5)], glass, 1)
    body.cross(nose, [(-half * 0.88, 1.1, -half * 0.1, top - 0.5)], shade(glass, 1.2), 1)
    body.cross(nose, [(-half * 0.7, top - 0.45, half * 0.7, top - 0.12)], DARK, 1)
    body.cross(nose, [(-half * 0.6, top - 0.39, half * 0.6, top - 0.18)], AMBER, 1)
    body.cross(nose, mirror_pair(half * 0.6, 0.55, half * 0.92, 0.8), WHITE, 1)
    body.cross(nose, [(-0.3, 0.42, 0.3, 0.55)], WHITE, 1)


def train(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a tram of several cars with skirts down to the rails, a dark band of windows and a pantograph."""
    body = Body.of(canvas, thing, road, TrainId.TRAIN)
    paint, accent, glass = vary(rng, pick(rng, PAINTS)), vary(rng, pick(rng, PAINTS)), pick(rng, GLASS)
    upper = vary(rng, pick(rng, (WHITE, paint, paint)))
    top, count = thing.height, max(2, round(thing.own_length / 8))
    cuts = np.linspace(-thing.own_length / 2, thing.own_length / 2, count + 1).tolist()
    cars = list(pairwise(cuts))
    for tail, nose in cars if body.eye[0] > 0 else cars[::-1]:
        _tram_car(body, thing, (tail + 0.2, nose - 0.2), (paint, accent, upper, glass))
        _tram_end(body, thing, tail + 0.2, -1, glass if tail == cuts[0] else None)
        _tram_end(body, thing, nose - 0.2, 1, glass if nose == cuts[-1] else None)
    lower_arm = [(-0.8, top), (0.2, top + 0.7), (0.3, top + 0.7), (-0.6, top)]
    upper_arm = [(0.2, top + 0.7), (-0.7, top + 1.4), (-0.6, top + 1.4), (0.3, top + 0.7)]
    body.side(np.array([lower_arm, upper_arm]), 0.3, DARK)


def _tram_car(body: Body, thing: Thing, ends: tuple[float, float], colours: tuple[Colour, ...]) -> None:
    """Draw one car of a tram from tail to nose."""
    half, top, (tail, nose) = thing.own_width / 2, thing.height, ends
    paint, accent, upper, glass = colours
    shell = [
        (tail, 0.15, half * 0.94), (tail, 1.1, half),
        (tail + 0.3, top - 0.25, half * 0.97), (tail + 0.5, top, half * 0.75),
        (nose - 0.5, top, half * 0.75), (nose - 0.3, top - 0.25, half * 0.97),
        (nose, 1.1, half), (nose, 0.15, half * 0.94),
    ]  # fmt: skip
    body.solid(shell, paint, shade(upper, 0.9))
    body.band((tail, 0.15, nose, 0.42), half + 0.01, shade(DARK, 1.3))
    body.band((tail, 0.85, nose, 1.15), half + 0.01, accent)
    body.band((tail + 0.1, top - 0.75, nose - 0.1, top - 0.3), half + 0.01, upper)
    body.band((tail + 0.1, 1.25, nose - 0.1, top - 0.75), half + 0.01, shade(glass, 0.5))
    count = max(3, int((nose - tail) / 1.5))
    pitch = (nose - tail - 0.4) / count
    panes = tail + 0.3 + np.arange(count) * pitch
    body.side(boxes(panes, 1.35, panes + pitch - 0.2, top - 0.85), half + 0.02, shade(glass, 1.1))
    door = float(panes[count // 2])
    body.band((door, 0.35, door + pitch - 0.1, top - 0.8), half + 0.03, shade(glass, 0.8))
    body.band((door + pitch / 2 - 0.1, 0.35, door + pitch / 2, top - 0.8), half + 0.04, accent)


def _tram_end(body: Body, thing: Thing, at: float, facing: int, glass: Colour | None) -> None:
    """Draw the front of a tram, or the dark passage between two cars if `glass` is None."""
    half, top, on = thing.own_width / 2, thing.height, at + 0.02 * facing
    if glass is None:
        body.cross(at, [(-half * 0.7, 0.4, half * 0.7, top - 0.3)], DARK, facing)
        return
    body.cross(on, [(-half * 0.84, 1.25, half * 0.84, top - 0.55)], shade(glass, 0.75), facing, 0.2)
    body.cross(on, [(-half * 0.5, top - 0.5, half * 0.5, top - 0.2)], AMBER, facing, 0.2)
    body.cross(on, mirror_pair(half * 0.5, 0.7, half * 0.8, 0.9), WHITE if facing > 0 else RED, facing)
    body.cross(on, [(-half * 0.9, 0.2, half * 0.9, 0.5)], DARK, facing)


PAINTERS = {Kind.BUS: bus, Kind.TRAIN: train}
