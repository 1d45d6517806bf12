"""Persons, bicycles, motorcycles and their riders: flat figures that stand upright in the street."""

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, Panel, box, disc, stroke, upright
from robustbench_seg.streetscenes.palette import (
    CLOTHES,
    DARK,
    HAIR,
    PAINTS,
    SKIN,
    STEEL,
    TROUSERS,
    TYRE,
    pick,
    shade,
    vary,
)
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId, Vector

PERSON, RIDER, BICYCLE, MOTORCYCLE = TrainId.PERSON, TrainId.RIDER, TrainId.BICYCLE, TrainId.MOTORCYCLE


class _Figure:
    """A panel with a pen: shapes in metres, mirrored when the figure looks left."""

    def __init__(self, canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
        self.depth = thing.z + thing.length / 2
        panel = upright(road.x(thing.s + thing.width / 2, self.depth), self.depth)
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        self.panel = Panel(panel.origin, panel.across * mirror, panel.up)
        self.canvas = canvas

    def paint(self, shape: Vector, colour: Colour, label: TrainId) -> None:
        self.canvas.fill(self.panel.at(shape), colour, label)

    def line(self, path: list[tuple[float, float]], width: float, colour: Colour, label: TrainId) -> None:
        """Straight strokes along a path, at least a pixel and a half wide at 256 x 512."""
        width = self.canvas.camera.at_least(width, self.depth, 1.2)
        bars = [stroke(*a, *b, width) for a, b in pairwise(path)]
        for bar in bars:
            self.paint(bar, colour, label)


def person(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A person who stands or walks: trousers, skirt or coat, sometimes with a rucksack or a bag."""
    pen = _Figure(canvas, thing, road, rng)
    k = thing.height / 1.75
    top, legs = vary(rng, pick(rng, CLOTHES), 0.2), vary(rng, pick(rng, TROUSERS), 0.2)
    skin, hair = pick(rng, SKIN), pick(rng, HAIR)
    stride, wide = rng.uniform(0.02, 0.3), rng.uniform(0.19, 0.25)
    style = pick(rng, ("plain", "plain", "coat", "skirt"))
    under = skin if style == "skirt" else legs
    for sign, tone in ((-1, 0.75), (1, 1.0)):
        hip, foot = sign * 0.08, sign * (0.07 + stride)
        pen.paint(stroke(hip * k, 0.9 * k, foot * k, 0.04 * k, 0.19 * k, 0.12 * k), shade(under, tone), PERSON)
        pen.paint(box((foot - 0.06) * k, 0, (foot + 0.14) * k, 0.08 * k), DARK, PERSON)
    if rng.random() < 0.25:
        pen.paint(box(-0.34 * k, 0.95 * k, -0.1 * k, 1.42 * k), vary(rng, pick(rng, CLOTHES)), PERSON)
    arm = rng.uniform(0.05, 0.25)
    pen.paint(stroke(-wide * k, 1.4 * k, -(wide + arm) * k, 0.85 * k, 0.12 * k, 0.09 * k), shade(top, 0.7), PERSON)
    hem = {"coat": 0.5, "skirt": 0.62}.get(style, 0.82)
    flare = 0.26 if style in ("coat", "skirt") else 0.18
    body = np.array([(-wide, 1.44), (wide, 1.44), (wide * 0.9, 1.1), (flare, hem), (-flare, hem), (-wide * 0.9, 1.1)])
    pen.paint(body * k, top, PERSON)
    if style == "skirt":
        pen.paint(np.array([(-0.17, 1.0), (0.17, 1.0), (0.27, 0.58), (-0.27, 0.58)]) * k, legs, PERSON)
    pen.paint(
        np.array([(0.0, 1.44), (wide, 1.44), (flare * 0.9, hem), (flare * 0.3, hem)]) * k,
        shade(top, 0.82),
        PERSON,
    )
    hand = (wide + arm * 0.8) * k
    pen.paint(stroke(wide * k, 1.4 * k, hand, 0.85 * k, 0.12 * k, 0.09 * k), shade(top, 0.9), PERSON)
    pen.paint(disc(hand, 0.82 * k, 0.06 * k), skin, PERSON)
    if rng.random() < 0.25:
        pen.paint(box(hand - 0.14 * k, 0.45 * k, hand + 0.14 * k, 0.8 * k), vary(rng, pick(rng, CLOTHES)), PERSON)
    _head(pen, 0.0, 1.6 * k, k, skin, hair, PERSON, front=rng.random() < 0.5)


def _head(
    pen: _Figure, u: float, v: float, k: float, skin: Colour, hair: Colour, label: TrainId, *, front: bool
) -> None:
    pen.paint(box(u - 0.05 * k, v - 0.18 * k, u + 0.05 * k, v), shade(skin, 0.8), label)
    pen.paint(disc(u, v + 0.01 * k, 0.115 * k, 1.2), hair, label)
    if front:
        pen.paint(disc(u + 0.015 * k, v - 0.03 * k, 0.09 * k, 1.1), skin, label)


def _wheel(pen: _Figure, u: float, radius: float, thick: float, label: TrainId) -> None:
    """A wheel from the side: a transparent disc, a tyre, a hub."""
    thick = pen.canvas.camera.at_least(thick, pen.depth, 1.2)
    pen.canvas.veil(pen.panel.at(disc(u, radius, radius)), STEEL, label, 0.35)
    outer, inner = disc(u, radius, radius), disc(u, radius, max(0.05, radius - thick))
    ring = np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])
    pen.paint(ring, TYRE, label)
    pen.paint(disc(u, radius, 0.05), STEEL, label)


def _bicycle_side(pen: _Figure, paint: Colour) -> None:
    for u in (-0.52, 0.52):
        _wheel(pen, u, 0.35, 0.06, BICYCLE)
    rear, crank, saddle, stem, front = (-0.52, 0.35), (-0.06, 0.3), (-0.2, 0.82), (0.34, 0.84), (0.52, 0.35)
    pen.canvas.veil(pen.panel.at(np.array([crank, saddle, stem])), shade(paint, 0.6), BICYCLE, 0.4)
    for path in ([rear, crank, stem, saddle, rear], [saddle, crank], [stem, front]):
        pen.line(path, 0.05, paint, BICYCLE)
    pen.line([(-0.22, 0.9), (-0.2, 0.82)], 0.05, DARK, BICYCLE)
    pen.paint(box(-0.36, 0.88, -0.08, 0.96), DARK, BICYCLE)
    pen.line([stem, (0.36, 1.0), (0.22, 1.02)], 0.05, DARK, BICYCLE)


def _bicycle_end(pen: _Figure, paint: Colour) -> None:
    """A bicycle from ahead or behind."""
    half = pen.canvas.camera.at_least(0.08, pen.depth, 2.0) / 2
    pen.paint(box(-half, 0.0, half, 0.72), TYRE, BICYCLE)
    pen.paint(box(-half * 0.7, 0.6, half * 0.7, 0.95), paint, BICYCLE)
    pen.line([(-0.3, 1.02), (0.3, 1.02)], 0.06, DARK, BICYCLE)
    pen.paint(box(-0.1, 0.86, 0.1, 0.96), DARK, BICYCLE)
    pen.paint(box(-0.16, 0.3, 0.16, 0.36), DARK, BICYCLE)
    pen.paint(disc(0, 0.62, 0.05), (190.0, 30.0, 30.0), BICYCLE)


def bicycle(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A parked bicycle."""
    pen = _Figure(canvas, thing, road, rng)
    paint = vary(rng, pick(rng, PAINTS), 0.2)
    (_bicycle_side if thing.crosswise else _bicycle_end)(pen, paint)


def _motorcycle_side(pen: _Figure, paint: Colour, *, scooter: bool) -> None:
    radius = 0.24 if scooter else 0.33
    for u in (-0.65, 0.68):
        _wheel(pen, u, radius, 0.15, MOTORCYCLE)
        pen.paint(disc(u, radius, radius * 0.55), shade(STEEL, 0.7), MOTORCYCLE)
    if scooter:
        body = [
            (-0.85, 0.4),
            (-0.9, 0.72),
            (-0.15, 0.78),
            (-0.1, 0.32),
            (0.3, 0.28),
            (0.42, 0.98),
            (0.56, 0.95),
            (0.5, 0.3),
            (0.3, 0.2),
            (-0.3, 0.2),
        ]
        pen.paint(np.array(body), paint, MOTORCYCLE)
    else:
        pen.paint(
            np.array([(-0.7, 0.3), (-0.5, 0.62), (0.3, 0.66), (0.4, 0.3), (0.1, 0.2), (-0.3, 0.2)]),
            DARK,
            MOTORCYCLE,
        )
        pen.paint(disc(-0.02, 0.42, 0.2), STEEL, MOTORCYCLE)
        pen.paint(
            np.array(
                [
                    (-0.95, 0.72),
                    (-0.9, 0.9),
                    (-0.1, 0.72),
                    (0.1, 0.95),
                    (0.42, 0.92),
                    (0.5, 0.7),
                    (0.2, 0.58),
                    (-0.5, 0.6),
                ]
            ),
            paint,
            MOTORCYCLE,
        )
        pen.line([(-0.85, 0.34), (-0.1, 0.3)], 0.09, STEEL, MOTORCYCLE)
    pen.paint(np.array([(-0.9, 0.74), (-0.85, 0.86), (-0.05, 0.84), (-0.05, 0.74)]), DARK, MOTORCYCLE)
    pen.line([(0.68, radius), (0.42, 0.95), (0.36, 1.08), (0.22, 1.1)], 0.08, DARK, MOTORCYCLE)
    pen.paint(disc(0.56, 0.86, 0.1), (230.0, 228.0, 210.0), MOTORCYCLE)
    pen.paint(box(-1.0, 0.68, -0.9, 0.8), (190.0, 30.0, 30.0), MOTORCYCLE)


def _motorcycle_end(pen: _Figure, paint: Colour, *, ahead: bool) -> None:
    """A motorcycle from ahead or behind: a broad tyre, a fairing or a seat, mirrors."""
    pen.paint(box(-0.1, 0.0, 0.1, 0.66), TYRE, MOTORCYCLE)
    pen.paint(box(-0.3, 0.32, 0.3, 0.56), shade(DARK, 1.3), MOTORCYCLE)
    pen.paint(np.array([(-0.16, 0.5), (-0.24, 0.9), (0.24, 0.9), (0.16, 0.5)]), paint, MOTORCYCLE)
    pen.line([(-0.42, 1.08), (0.42, 1.08)], 0.07, DARK, MOTORCYCLE)
    for sign in (-1, 1):
        pen.line([(sign * 0.3, 1.08), (sign * 0.38, 1.25)], 0.04, DARK, MOTORCYCLE)
        pen.paint(disc(sign * 0.4, 1.27, 0.08, 0.7), STEEL, MOTORCYCLE)
    lamp: Colour = (240.0, 238.0, 220.0) if ahead else (190.0, 30.0, 30.0)
    pen.paint(disc(0, 0.85, 0.11) if ahead else box(-0.12, 0.7, 0.12, 0.8), lamp, MOTORCYCLE)
    pen.paint(box(-0.11, 0.42, 0.11, 0.56), (220.0, 220.0, 214.0), MOTORCYCLE)


def motorcycle(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A parked motorcycle or scooter."""
    pen = _Figure(canvas, thing, road, rng)
    paint = vary(rng, pick(rng, PAINTS), 0.2)
    if thing.crosswise:
        _motorcycle_side(pen, paint, scooter=rng.random() < 0.4)
    else:
        _motorcycle_end(pen, paint, ahead=bool(np.cos(thing.heading) < 0))


def bicycle_rider(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A cyclist on a bicycle."""
    pen = _Figure(canvas, thing, road, rng)
    paint, shirt = vary(rng, pick(rng, PAINTS), 0.2), vary(rng, pick(rng, CLOTHES), 0.25)
    legs, skin = vary(rng, pick(rng, TROUSERS), 0.2), pick(rng, SKIN)
    cap = vary(rng, pick(rng, PAINTS)) if rng.random() < 0.6 else pick(rng, HAIR)
    if thing.crosswise:
        pen.line([(-0.16, 0.95), (0.2, 0.72), (-0.02, 0.2)], 0.13, shade(legs, 0.7), RIDER)
        _bicycle_side(pen, paint)
        pen.line([(-0.2, 0.98), (0.16, 0.6), (-0.1, 0.34), (0.04, 0.3)], 0.14, legs, RIDER)
        pen.paint(
            np.array([(-0.34, 0.92), (-0.3, 1.2), (0.0, 1.52), (0.16, 1.46), (0.06, 1.2), (-0.08, 0.92)]),
            shirt,
            RIDER,
        )
        pen.line([(0.08, 1.42), (0.18, 1.12), (0.32, 1.04)], 0.1, shade(shirt, 0.85), RIDER)
        pen.paint(disc(0.34, 1.03, 0.06), skin, RIDER)
        _head(pen, 0.14, 1.66, 1.0, skin, cap, RIDER, front=True)
        return
    _bicycle_end(pen, paint)
    for sign, knee in ((-1, 0.62), (1, 0.45)):
        pen.line(
            [(sign * 0.1, 0.98), (sign * 0.17, knee), (sign * 0.13, knee - 0.34)],
            0.14,
            shade(legs, 0.9),
            RIDER,
        )
        pen.line([(sign * 0.2, 1.42), (sign * 0.33, 1.2), (sign * 0.27, 1.04)], 0.1, shade(shirt, 0.8), RIDER)
    pen.paint(np.array([(-0.18, 0.9), (-0.23, 1.46), (0.23, 1.46), (0.18, 0.9)]), shirt, RIDER)
    _head(pen, 0.0, 1.64, 1.0, skin, cap, RIDER, front=bool(np.cos(thing.heading) < 0))


def motorcycle_rider(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A motorcyclist with a helmet on a motorcycle or scooter."""
    pen = _Figure(canvas, thing, road, rng)
    paint, jacket = vary(rng, pick(rng, PAINTS), 0.2), vary(rng, pick(rng, CLOTHES), 0.25)
    legs, helmet = vary(rng, pick(rng, TROUSERS), 0.2), vary(rng, pick(rng, PAINTS))
    visor: Colour = (30.0, 34.0, 40.0)
    ahead = bool(np.cos(thing.heading) < 0)
    if thing.crosswise:
        _motorcycle_side(pen, paint, scooter=rng.random() < 0.4)
        pen.line([(-0.42, 0.88), (0.02, 0.74), (-0.08, 0.36), (0.06, 0.3)], 0.17, legs, RIDER)
        pen.paint(
            np.array([(-0.58, 0.82), (-0.56, 1.2), (-0.3, 1.5), (-0.1, 1.44), (-0.2, 1.15), (-0.26, 0.82)]),
            jacket,
            RIDER,
        )
        pen.line([(-0.2, 1.4), (0.02, 1.16), (0.3, 1.1)], 0.12, shade(jacket, 0.85), RIDER)
        pen.paint(disc(-0.14, 1.62, 0.16, 1.05), helmet, RIDER)
        pen.paint(box(-0.08, 1.58, 0.03, 1.68), visor, RIDER)
        return
    _motorcycle_end(pen, paint, ahead=ahead)
    for sign in (-1, 1):
        pen.line([(sign * 0.14, 0.88), (sign * 0.3, 0.66), (sign * 0.26, 0.3)], 0.17, shade(legs, 0.9), RIDER)
        pen.line([(sign * 0.22, 1.42), (sign * 0.42, 1.24), (sign * 0.38, 1.1)], 0.13, shade(jacket, 0.8), RIDER)
    pen.paint(np.array([(-0.2, 0.84), (-0.26, 1.46), (0.26, 1.46), (0.2, 0.84)]), jacket, RIDER)
    pen.paint(disc(0, 1.6, 0.16, 1.1), helmet, RIDER)
    if ahead:
        pen.paint(box(-0.11, 1.56, 0.11, 1.67), visor, RIDER)


PAINTERS = {
    Kind.PERSON: person,
    Kind.BICYCLE: bicycle,
    Kind.MOTORCYCLE: motorcycle,
    Kind.BICYCLE_RIDER: bicycle_rider,
    Kind.MOTORCYCLE_RIDER: motorcycle_rider,
}
