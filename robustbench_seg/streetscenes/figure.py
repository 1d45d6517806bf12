"""The pen of flat figures that stand upright in the street: persons, bicycles, motorcycles and their riders."""

from itertools import pairwise

from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, Panel, stroke, upright
from robustbench_seg.streetscenes.scene import Colour, Road, Thing, TrainId, Vector


class Figure:
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
