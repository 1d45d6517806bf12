"""Street furniture along the kerb: lamp posts, signs, traffic lights, and bins (void)."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, Panel, box, boxes, disc, stroke, upright
from robustbench_seg.streetscenes.palette import STEEL, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId, Vector

POLE, SIGN, LIGHT = TrainId.POLE, TrainId.TRAFFIC_SIGN, TrainId.TRAFFIC_LIGHT
POSTS: tuple[Colour, ...] = ((126, 130, 132), (86, 92, 96), (58, 66, 62), (150, 152, 150), (104, 96, 84))
WHITE: Colour = (236.0, 236.0, 232.0)
RED: Colour = (196.0, 34.0, 38.0)
BLUE: Colour = (32.0, 84.0, 168.0)
YELLOW: Colour = (238.0, 190.0, 40.0)
BLACK: Colour = (26.0, 27.0, 28.0)


def _post(canvas: Canvas, thing: Thing, road: Road, rng: Generator, width_m: float) -> tuple[Panel, float, Colour]:
    """A standing pole as high as the thing, with its shaded half; returns its panel, depth and colour."""
    z = thing.z + thing.length / 2
    panel = upright(road.x(thing.s + thing.width / 2, z), z)
    width = canvas.camera.at_least(width_m, z, 2.2)
    colour = vary(rng, pick(rng, POSTS))
    canvas.fill(panel.at(box(-width / 2, 0, width / 2, thing.height)), colour, POLE)
    canvas.fill(panel.at(box(0, 0, width / 2, thing.height)), shade(colour, 0.75), POLE)
    return panel, z, colour


def lamp(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A street lamp with an arm over the carriageway, or a globe on top."""
    panel, z, colour = _post(canvas, thing, road, rng, 0.17)
    over = -1.0 if thing.s > 0 else 1.0
    top = thing.height
    if rng.random() < 0.75:
        reach, thick = over * rng.uniform(1.2, 2.4), canvas.camera.at_least(0.1, z, 1.6)
        canvas.fill(panel.at(stroke(0, top - 0.1, reach, top + 0.3, thick)), colour, POLE)
        head = panel.at(box(min(reach, reach + over * 0.7), top + 0.22, max(reach, reach + over * 0.7), top + 0.42))
        (canvas.glow if canvas.light.lamps_on else canvas.fill)(head, (232.0, 222.0, 190.0), POLE)
    else:
        globe = panel.at(disc(0, top + 0.2, 0.3))
        (canvas.glow if canvas.light.lamps_on else canvas.fill)(globe, (238.0, 230.0, 205.0), POLE)


def _triangle(size: float, up: float) -> Vector:
    return np.array([(-size, -0.8 * size * up), (size, -0.8 * size * up), (0.0, 0.9 * size * up)])


def _octagon(size: float) -> Vector:
    angle = np.arange(8) * np.pi / 4 + np.pi / 8
    return np.stack([np.cos(angle), np.sin(angle)], -1) * size


def _plates(form: str, size: float, colour: Colour) -> list[tuple[Vector, Colour]]:
    """The coloured shapes of one sign around its middle, the largest first."""
    square = box(-0.85 * size, -0.85 * size, 0.85 * size, 0.85 * size)
    bar = box(-0.6 * size, -0.16 * size, 0.6 * size, 0.16 * size)
    glyph = box(-0.14 * size, -0.4 * size, 0.14 * size, 0.35 * size)
    digits = box(-0.4 * size, -0.3 * size, -0.06 * size, 0.3 * size)
    forms: dict[str, list[tuple[Vector, Colour]]] = {
        "limit": [
            (disc(0, 0, size), RED),
            (disc(0, 0, 0.72 * size), WHITE),
            (digits, BLACK),
            (-digits, BLACK),
        ],
        "no entry": [(disc(0, 0, size), RED), (bar, WHITE)],
        "order": [
            (disc(0, 0, size), BLUE),
            (glyph, WHITE),
            (_triangle(0.4 * size, 1.0) + np.array([0.0, 0.4 * size]), WHITE),
        ],
        "warning": [
            (_triangle(1.1 * size, 1.0), RED),
            (_triangle(0.68 * size, 1.0), WHITE),
            (glyph * 0.7, BLACK),
        ],
        "yield": [(_triangle(1.1 * size, -1.0), RED), (_triangle(0.62 * size, -1.0), WHITE)],
        "stop": [(_octagon(1.05 * size), WHITE), (_octagon(0.95 * size), RED), (bar * [1, 1.3], WHITE)],
        "parking": [
            (square, BLUE),
            (glyph * [1, 1.5], WHITE),
            (disc(0.2 * size, 0.25 * size, 0.26 * size), WHITE),
        ],
        "priority": [(_octagon(size)[::2], WHITE), (_octagon(0.75 * size)[::2], YELLOW)],
        "guide": [
            (box(-2.0 * size, -0.75 * size, 2.0 * size, 0.75 * size), WHITE),
            (box(-1.9 * size, -0.65 * size, 1.9 * size, 0.65 * size), colour),
            (box(-1.5 * size, 0.1 * size, 1.1 * size, 0.35 * size), WHITE),
            (box(-1.5 * size, -0.4 * size, 0.6 * size, -0.15 * size), WHITE),
        ],
    }
    return forms[form]


FORMS = ("limit", "no entry", "order", "warning", "yield", "stop", "parking", "priority", "guide")


def sign(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """One or two traffic signs on a pole."""
    panel, z, _ = _post(canvas, thing, road, rng, 0.11)
    size = canvas.camera.at_least(rng.uniform(0.36, 0.52), z, 4.0)
    guide = pick(rng, (BLUE, YELLOW, (30.0, 110.0, 70.0), WHITE))
    middle = thing.height - size
    for _ in range(1 + int(rng.random() < 0.35)):
        form = pick(rng, FORMS)
        if rng.random() < 0.12:
            back = (
                disc(0, middle, size)
                if form in ("limit", "no entry", "order")
                else box(-size, middle - size, size, middle + size)
            )
            canvas.fill(panel.at(back), STEEL, SIGN)
        else:
            for shape, colour in _plates(form, size, guide):
                canvas.fill(panel.at(shape + np.array([0.0, middle])), vary(rng, colour, 0.08), SIGN)
        middle -= 2.1 * size


def _lamps(canvas: Canvas, panel: Panel, u: float, top: float, size: float, rng: Generator) -> None:
    """One traffic light head: a housing, sometimes a backboard, and three lamps, one of them lit."""
    wide, tall = 0.5 * size, 1.25 * size
    housing = vary(rng, pick(rng, (BLACK, (44.0, 52.0, 46.0), (62.0, 62.0, 60.0), (200.0, 160.0, 40.0))), 0.2)
    if rng.random() < 0.4:
        edge = 0.14 * size
        canvas.fill(
            panel.at(box(u - wide / 2 - edge, top - tall - edge, u + wide / 2 + edge, top + edge)),
            WHITE,
            LIGHT,
        )
        inner = 0.08 * size
        canvas.fill(
            panel.at(box(u - wide / 2 - inner, top - tall - inner, u + wide / 2 + inner, top + inner)),
            BLACK,
            LIGHT,
        )
    canvas.fill(panel.at(box(u - wide / 2, top - tall, u + wide / 2, top)), housing, LIGHT)
    state = pick(rng, (0, 0, 1, 2, 2))
    colours: tuple[Colour, ...] = ((255.0, 50.0, 40.0), (255.0, 190.0, 40.0), (60.0, 240.0, 150.0))
    for index, colour in enumerate(colours):
        bulb = panel.at(disc(u, top - tall * (index + 0.5) / 3, 0.16 * size))
        if index == state:
            canvas.glow(bulb, colour, LIGHT)
        else:
            canvas.fill(bulb, shade(colour, 0.22), LIGHT)


def light(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A traffic light: a head on a pole, sometimes a second head on an arm over the carriageway."""
    panel, z, colour = _post(canvas, thing, road, rng, 0.15)
    size = canvas.camera.at_least(rng.uniform(0.8, 1.05), z, 7.0)
    if thing.height > 4.5:
        over = -1.0 if thing.s > 0 else 1.0
        reach = over * rng.uniform(2.5, 4.5)
        arm = stroke(0, thing.height - 0.15, reach, thing.height, canvas.camera.at_least(0.12, z, 2.0))
        canvas.fill(panel.at(arm), colour, POLE)
        _lamps(canvas, panel, reach, thing.height + 0.3, size, rng)
        _lamps(canvas, panel, 0.0, 3.3, size, rng)
    else:
        _lamps(canvas, panel, 0.0, thing.height + 0.1, size, rng)


def bin_(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A waste bin; Cityscapes ignores such things, so its label is void."""
    z = thing.z + thing.length / 2
    panel = upright(road.x(thing.s + thing.width / 2, z), z)
    colour = vary(rng, pick(rng, ((70.0, 84.0, 70.0), (60.0, 64.0, 68.0), (130.0, 76.0, 40.0))), 0.2)
    half = thing.width / 2
    body = np.array([(-half * 0.8, 0.0), (half * 0.8, 0.0), (half, thing.height), (-half, thing.height)])
    canvas.fill(panel.at(body), colour, TrainId.VOID)
    slats = np.arange(-0.6, 0.7, 0.4) * half
    canvas.fill(panel.at(boxes(slats, 0.1, slats + 0.08, thing.height - 0.15)), shade(colour, 0.7), TrainId.VOID)
    canvas.fill(
        panel.at(box(-half * 1.1, thing.height - 0.1, half * 1.1, thing.height)),
        shade(colour, 1.2),
        TrainId.VOID,
    )


PAINTERS = {Kind.LAMP: lamp, Kind.SIGN: sign, Kind.LIGHT: light, Kind.BIN: bin_}
