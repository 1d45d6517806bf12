"""Bicycles and motorcycles: flat figures, parked or under a rider."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, box, disc
from robustbench_seg.streetscenes.figure import Figure
from robustbench_seg.streetscenes.palette import DARK, PAINTS, STEEL, TYRE, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId

BICYCLE, MOTORCYCLE = TrainId.BICYCLE, TrainId.MOTORCYCLE


def _wheel(pen: Figure, u: float, radius: float, thick: float, label: TrainId) -> None:
    """Draw a wheel from the side: a transparent disc, a tyre, a hub."""
    thick = pen.canvas.camera.at_least(thick, pen.depth, 1.2)
    pen.canvas.veil(pen.panel.at(disc(u, radius, radius)), STEEL, label, 0.35)
    outer, inner = disc(u, radius, radius), disc(u, radius, max(0.05, radius - thick))
    ring = np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])
    pen.paint(ring, TYRE, label)
    pen.paint(disc(u, radius, 0.05), STEEL, label)


def bicycle_side(pen: Figure, paint: Colour) -> None:
    """Draw a bicycle from the side."""
    for u in (-0.52, 0.52):
        _wheel(pen, u, 0.35, 0.06, BICYCLE)
    rear, crank, saddle, stem, front = (-0.52, 0.35), (-0.06, 0.3), (-0.2, 0.82), (0.34, 0.84), (0.52, 0.35)
    pen.canvas.veil(pen.panel.at(np.array([crank, saddle, stem])), shade(paint, 0.6), BICYCLE, 0.4)
    for path in ([rear, crank, stem, saddle, rear], [saddle, crank], [stem, front]):
        pen.line(path, 0.05, paint, BICYCLE)
    pen.line([(-0.22, 0.9), (-0.2, 0.82)], 0.05, DARK, BICYCLE)
    pen.paint(box(-0.36, 0.88, -0.08, 0.96), DARK, BICYCLE)
    pen.line([stem, (0.36, 1.0), (0.22, 1.02)], 0.05, DARK, BICYCLE)


def bicycle_end(pen: Figure, paint: Colour) -> None:
    """Draw a bicycle from ahead or behind."""
    half = pen.canvas.camera.at_least(0.08, pen.depth, 2.0) / 2
    pen.paint(box(-half, 0.0, half, 0.72), TYRE, BICYCLE)
    pen.paint(box(-half * 0.7, 0.6, half * 0.7, 0.95), paint, BICYCLE)
    pen.line([(-0.3, 1.02), (0.3, 1.02)], 0.06, DARK, BICYCLE)
    pen.paint(box(-0.1, 0.86, 0.1, 0.96), DARK, BICYCLE)
    pen.paint(box(-0.16, 0.3, 0.16, 0.36), DARK, BICYCLE)
    pen.paint(disc(0, 0.62, 0.05), (190.0, 30.0, 30.0), BICYCLE)


def bicycle(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """Draw a parked bicycle."""
    pen = Figure(canvas, thing, road, rng)
    paint = vary(rng, pick(rng, PAINTS), 0.2)
    (bicycle_side if thing.crosswise else bicycle_end)(pen, paint)


def motorcycle_side(pen: Figure, paint: Colour, *, scooter: bool) -> None:
    """Draw a motorcycle or scooter from the side."""
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


def motorcycle_end(pen: Figure, paint: Colour, *, ahead: bool) -> None:
    """Draw a motorcycle from ahead or behind: a broad tyre, a fairing or a seat, mirrors."""
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
    """Draw a parked motorcycle or scooter."""
    pen = Figure(canvas, thing, road, rng)
    paint = vary(rng, pick(rng, PAINTS), 0.2)
    if thing.crosswise:
        motorcycle_side(pen, paint, scooter=rng.random() < 0.4)
    else:
        motorcycle_end(pen, paint, ahead=bool(np.cos(thing.heading) < 0))


PAINTERS = {Kind.BICYCLE: bicycle, Kind.MOTORCYCLE: motorcycle}
