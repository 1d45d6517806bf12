"""Persons and riders: flat figures that stand upright in the street."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, box, disc, stroke
from robustbench_seg.streetscenes.cycles import bicycle_end, bicycle_side, motorcycle_end, motorcycle_side
from robustbench_seg.streetscenes.figure import Figure
from robustbench_seg.streetscenes.palette import CLOTHES, DARK, HAIR, PAINTS, SKIN, TROUSERS, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId

PERSON, RIDER = TrainId.PERSON, TrainId.RIDER


def person(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a person who stands or walks: trousers, skirt or coat, sometimes with a rucksack or a bag."""
    pen = Figure(canvas, thing, road, rng)
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
    pen: Figure, u: float, v: float, k: float, skin: Colour, hair: Colour, label: TrainId, *, front: bool
) -> None:
    pen.paint(box(u - 0.05 * k, v - 0.18 * k, u + 0.05 * k, v), shade(skin, 0.8), label)
    pen.paint(disc(u, v + 0.01 * k, 0.115 * k, 1.2), hair, label)
    if front:
        pen.paint(disc(u + 0.015 * k, v - 0.03 * k, 0.09 * k, 1.1), skin, label)


def bicycle_rider(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a cyclist on a bicycle."""
    pen = Figure(canvas, thing, road, rng)
    paint, shirt = vary(rng, pick(rng, PAINTS), 0.2), vary(rng, pick(rng, CLOTHES), 0.25)
    legs, skin = vary(rng, pick(rng, TROUSERS), 0.2), pick(rng, SKIN)
    cap = vary(rng, pick(rng, PAINTS)) if rng.random() < 0.6 else pick(rng, HAIR)
    if thing.crosswise:
        pen.line([(-0.16, 0.95), (0.2, 0.72), (-0.02, 0.2)], 0.13, shade(legs, 0.7), RIDER)
        bicycle_side(pen, paint)
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
    bicycle_end(pen, paint)
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
    """Draw a motorcyclist with a helmet on a motorcycle or scooter."""
    pen = Figure(canvas, thing, road, rng)
    paint, jacket = vary(rng, pick(rng, PAINTS), 0.2), vary(rng, pick(rng, CLOTHES), 0.25)
    legs, helmet = vary(rng, pick(rng, TROUSERS), 0.2), vary(rng, pick(rng, PAINTS))
    visor: Colour = (30.0, 34.0, 40.0)
    ahead = bool(np.cos(thing.heading) < 0)
    if thing.crosswise:
        motorcycle_side(pen, paint, scooter=rng.random() < 0.4)
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
    motorcycle_end(pen, paint, ahead=ahead)
    for sign in (-1, 1):
        pen.line([(sign * 0.14, 0.88), (sign * 0.3, 0.66), (sign * 0.26, 0.3)], 0.17, shade(legs, 0.9), RIDER)
        pen.line([(sign * 0.22, 1.42), (sign * 0.42, 1.24), (sign * 0.38, 1.1)], 0.13, shade(jacket, 0.8), RIDER)
    pen.paint(np.array([(-0.2, 0.84), (-0.26, 1.46), (0.26, 1.46), (0.2, 0.84)]), jacket, RIDER)
    pen.paint(disc(0, 1.6, 0.16, 1.1), helmet, RIDER)
    if ahead:
        pen.paint(box(-0.11, 1.56, 0.11, 1.67), visor, RIDER)


PAINTERS = {
    Kind.PERSON: person,
    Kind.BICYCLE_RIDER: bicycle_rider,
    Kind.MOTORCYCLE_RIDER: motorcycle_rider,
}
