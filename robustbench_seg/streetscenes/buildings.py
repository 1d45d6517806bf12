"""Blocks of flats, houses, garden walls and fences."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.canvas import Canvas, Panel, box, boxes, disc, stroke
from robustbench_seg.streetscenes.palette import FACADES, GLASS, ROOFS, pick, shade, vary
from robustbench_seg.streetscenes.scene import Colour, Kind, Road, Thing, TrainId, Vector

BUILDING, WALL, FENCE = TrainId.BUILDING, TrainId.WALL, TrainId.FENCE
UP = np.array([0.0, 1.0, 0.0])
DETAIL_M = 70.0  # facades farther away have only windows


def corners(thing: Thing, road: Road) -> tuple[Vector, Vector, Vector, Vector]:
    """Plan of a thing as world points: near and far corner on the street side, then near and far corner at the back."""
    left = thing.s + thing.width / 2 < road.ego_s
    front, back = (thing.s + thing.width, thing.s) if left else (thing.s, thing.s + thing.width)
    z0, z1 = thing.z, thing.z + thing.length
    near, far = (np.array([road.x(front, z), 0.0, z]) for z in (z0, z1))
    along = (far - near) / np.linalg.norm(far - near)
    away = np.array([along[2], 0.0, -along[0]]) * (back - front)
    return near, far, near + away, far + away


def _face(start: Vector, end: Vector) -> tuple[Panel, float]:
    """The upright panel from start to end, and its length."""
    length = float(np.linalg.norm(end - start))
    return Panel(start, (end - start) / length, UP), length


def block(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A town building: plain end wall, a facade of windows, a ground floor, and a flat or a pitched roof."""
    near, far, back, _ = corners(thing, road)
    colour = vary(rng, pick(rng, FACADES))
    material = pick(rng, ("plaster", "plaster", "brick", "stone", "plates"))
    trim = shade(colour, rng.uniform(0.65, 1.25))
    top = thing.height
    if rng.random() < 0.45:
        roof = vary(rng, pick(rng, ROOFS))
        inset, rise = rng.uniform(2.0, 4.0), UP * rng.uniform(2.0, 4.0)
        slope = (back - near) / np.linalg.norm(back - near) * inset + rise
        canvas.fill(np.array([near, far, far + slope, near + slope]) + UP * top, roof, BUILDING, (0.0, 0.8, -0.6))
        gable = np.array([near, near + slope, back + rise, back]) + UP * top
        canvas.fill(gable, shade(colour, 0.9), BUILDING, (0.0, 0.0, -1.0))
    for start, end in ((near, back), (near, far)):
        panel, length = _face(start, end)
        outline = box(0, 0, length, top)
        canvas.fill(panel.at(outline), colour, BUILDING, panel.normal)
        if near[2] < DETAIL_M:
            canvas.texture(panel, outline, material, (rng.uniform(0, 8), 0.0))
    windows = _Windows(rng, top)
    panel, length = _face(near, far)
    windows.draw(canvas, panel, length, trim, rng)
    _ground_floor(canvas, panel, length, windows.first, trim, rng)
    cornice = box(0, top - 0.5, length, top + 0.15)
    canvas.fill(panel.at(cornice), shade(trim, 1.1), BUILDING, panel.normal)
    if rng.random() < 0.5:
        side, depth = _face(near, back)
        windows.draw(canvas, side, depth, trim, rng)


class _Windows:
    """The window grid of one building; its proportions are drawn once for all faces."""

    def __init__(self, rng: Generator, top: float) -> None:
        self.first = rng.uniform(3.2, 4.4)
        self.floors = max(1, int((top - self.first - 0.4) / rng.uniform(2.8, 3.6)))
        self.storey = (top - self.first - 0.5) / self.floors
        self.pitch = rng.uniform(2.0, 3.6)
        self.wide = rng.uniform(0.42, 0.72)
        self.tall = rng.uniform(0.5, 0.72)
        self.balconies = rng.random() < 0.25
        self.bands = rng.random() < 0.2
        self.frame = rng.uniform(0.08, 0.16)
        self.glass = pick(rng, GLASS)

    def draw(self, canvas: Canvas, panel: Panel, length: float, trim: Colour, rng: Generator) -> None:
        """Frames, glass, reflections, and balconies on some buildings."""
        columns = max(1, int(length / self.pitch))
        pitch = length / columns
        u = (np.arange(columns) + (1 - self.wide) / 2) * pitch
        v = self.first + (np.arange(self.floors) + (1 - self.tall) / 2) * self.storey
        u0, v0 = (grid.ravel() for grid in np.meshgrid(u, v))
        wide, tall = self.wide * pitch, self.tall * self.storey
        normal = panel.normal
        if self.bands:
            canvas.fill(
                panel.at(boxes(0.3, v - 0.1, length - 0.3, v + tall + 0.1)),
                shade(trim, 0.8),
                BUILDING,
                normal,
            )
        frame = self.frame
        canvas.fill(
            panel.at(boxes(u0 - frame, v0 - frame, u0 + wide + frame, v0 + tall + frame)),
            trim,
            BUILDING,
            normal,
        )
        panes = boxes(u0, v0, u0 + wide, v0 + tall)
        canvas.fill(panel.at(panes), self.glass, BUILDING, normal)
        tone = rng.random(len(panes))
        for low, colour in ((0.72, shade(self.glass, 1.5)), (0.88, canvas.light.haze)):
            some = panes[tone > low]
            if len(some):
                canvas.fill(panel.at(some), colour, BUILDING, normal)
        if canvas.light.lamps_on and (tone < 0.3).any():
            canvas.glow(panel.at(panes[tone < 0.3]), (250.0, 205.0, 120.0), BUILDING)
        if panel.origin[2] > DETAIL_M:
            return
        middle = u0 + wide / 2
        canvas.fill(panel.at(boxes(middle - 0.04, v0, middle + 0.04, v0 + tall)), trim, BUILDING, normal)
        if self.balconies:
            rail = boxes(u0 - 0.3, v0 - 0.25, u0 + wide + 0.3, v0 + 0.65)[tone > 0.4]
            if len(rail):
                canvas.fill(panel.at(rail), shade(trim, 0.6), BUILDING, normal)


def _ground_floor(canvas: Canvas, panel: Panel, length: float, top: float, trim: Colour, rng: Generator) -> None:
    """Shop windows under an awning, or doors and small windows on a plinth."""
    normal = panel.normal
    if rng.random() < 0.5:
        base = vary(rng, pick(rng, FACADES), 0.25)
        canvas.fill(panel.at(box(0, 0, length, top - 0.4)), shade(base, 0.6), BUILDING, normal)
        count = max(1, int(length / rng.uniform(3.0, 5.0)))
        pitch = length / count
        u = np.arange(count) * pitch
        canvas.fill(panel.at(boxes(u + 0.3, 0.5, u + pitch - 0.3, top - 1.1)), pick(rng, GLASS), BUILDING, normal)
        goods = vary(rng, (150.0, 110.0, 90.0), 0.5)
        canvas.fill(panel.at(boxes(u + 0.5, 0.6, u + pitch - 0.5, 1.3)), goods, BUILDING, normal)
        if canvas.light.lamps_on:
            canvas.glow(panel.at(boxes(u + 0.5, 1.3, u + pitch - 0.5, top - 1.3)), (235.0, 200.0, 140.0), BUILDING)
        sign = vary(rng, pick(rng, FACADES), 0.6)
        canvas.fill(panel.at(boxes(u + 0.15, top - 1.1, u + pitch - 0.15, top - 0.45)), sign, BUILDING, normal)
    else:
        canvas.fill(panel.at(box(0, 0, length, rng.uniform(0.6, 1.2))), shade(trim, 0.75), BUILDING, normal)
        u = np.arange(1.0, max(1.5, length - 2.5), rng.uniform(4.0, 7.0))
        canvas.fill(panel.at(boxes(u, 0.0, u + 1.2, 2.4)), vary(rng, (95.0, 70.0, 55.0), 0.5), BUILDING, normal)
        canvas.fill(panel.at(boxes(u + 1.9, 1.2, u + 3.0, 2.6)), pick(rng, GLASS), BUILDING, normal)


def house(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A detached house with a gable roof, its ridge along the street or across it."""
    near, far, back, _ = corners(thing, road)
    colour, roof = vary(rng, pick(rng, FACADES)), vary(rng, pick(rng, ROOFS))
    trim = shade(colour, pick(rng, (0.6, 1.3)))
    material = pick(rng, ("plaster", "brick", "planks"))
    top, rise = thing.height, UP * rng.uniform(2.2, 4.0)
    eave, lift = UP * top, UP * (top - 0.1)
    front, length = _face(near, far)
    end, depth = _face(near, back)
    ridge_along = rng.random() < 0.6
    if ridge_along:
        middle = (back - near) / 2 + rise
        over = (near - back - 2 * rise) / depth * 0.5
        canvas.fill(np.array([near, near + middle, back]) + lift, colour, BUILDING, end.normal)
        slope = np.array([near + over, far + over, far + middle, near + middle]) + eave
        canvas.fill(slope, roof, BUILDING, (0.0, 0.75, -0.66))
    else:
        middle = (far - near) / 2 + rise
        over = (near - far - 2 * rise) / length * 0.5
        slope = np.array([near + over, back + over, back + middle, near + middle]) + eave
        canvas.fill(slope, roof, BUILDING, (0.0, 0.75, -0.66))
        canvas.fill(np.array([near, near + middle, far]) + lift, colour, BUILDING, front.normal)
    for panel, size in ((end, depth), (front, length)):
        canvas.fill(panel.at(box(0, 0, size, top)), colour, BUILDING, panel.normal)
        canvas.texture(panel, box(0, 0, size, top), material, (rng.uniform(0, 8), 0.0))
        columns = max(2, int(size / 2.6))
        u = (np.arange(columns) + 0.3) * size / columns
        for v in np.arange(1.0, top - 1.5, 2.7):
            canvas.fill(panel.at(boxes(u - 0.1, v - 0.1, u + 1.2, v + 1.3)), trim, BUILDING, panel.normal)
            canvas.fill(panel.at(boxes(u, v, u + 1.1, v + 1.2)), pick(rng, GLASS), BUILDING, panel.normal)
    door = rng.uniform(1.0, length - 2.0)
    canvas.fill(front.at(box(door, 0, door + 1.1, 2.2)), vary(rng, (120.0, 60.0, 50.0), 0.5), BUILDING, front.normal)


def wall(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A free-standing wall of brick, stone or concrete with a coping, sometimes with graffiti."""
    near, far, back, _ = corners(thing, road)
    colour = vary(
        rng,
        pick(rng, ((150.0, 145.0, 138.0), (150.0, 90.0, 72.0), (172.0, 158.0, 132.0), (118.0, 116.0, 112.0))),
    )
    material = pick(rng, ("brick", "stone", "stone", "plates"))
    for start, end in ((near, back), (near, far)):
        panel, length = _face(start, end)
        outline = box(0, 0, length, thing.height)
        canvas.fill(panel.at(outline), colour, WALL, panel.normal)
        canvas.texture(panel, outline, material, (rng.uniform(0, 8), 0.0))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(3, 9))):
            u, v = rng.uniform(1.0, max(1.1, length - 2.0)), rng.uniform(0.4, 0.7) * thing.height
            paint = vary(rng, pick(rng, ((200.0, 60.0, 80.0), (60.0, 110.0, 190.0), (220.0, 190.0, 60.0))), 0.5)
            letters = stroke(u, v - 0.4, u + rng.uniform(0.3, 0.9), v + rng.uniform(0.1, 0.5), 0.25, 0.12)
            canvas.fill(panel.at(letters), paint, WALL, panel.normal)
    if rng.random() < 0.5:
        posts = np.arange(0.0, length, rng.uniform(3.0, 5.0))
        pillars = boxes(posts, 0, posts + 0.45, thing.height + 0.15)
        canvas.fill(panel.at(pillars), shade(colour, 0.85), WALL, panel.normal)
    coping = box(0, thing.height - 0.12, length, thing.height + 0.1)
    canvas.fill(panel.at(coping), shade(colour, 1.2), WALL, (0.0, 0.9, -0.4))


def fence(canvas: Canvas, thing: Thing, road: Road, rng: Generator) -> None:
    """A fence of iron bars, pickets, planks or mesh. Its gaps are labelled fence too."""
    near, far, _, _ = corners(thing, road)
    panel, length = _face(near, far)
    style = pick(rng, ("iron", "picket", "planks", "mesh"))
    top, normal = thing.height, panel.normal
    bright: Colour = pick(rng, ((225.0, 222.0, 214.0), (150.0, 108.0, 70.0), (118.0, 92.0, 70.0), (96.0, 120.0, 96.0)))
    dark: Colour = pick(rng, ((40.0, 46.0, 44.0), (60.0, 80.0, 64.0), (120.0, 124.0, 128.0), (86.0, 60.0, 48.0)))
    colour = vary(rng, bright if style in ("picket", "planks") else dark)
    pitch = {"iron": 0.3, "picket": 0.26, "planks": 0.24, "mesh": 0.5}[style]
    wide = {"iron": 0.07, "picket": 0.15, "planks": 0.21, "mesh": 0.05}[style]
    canvas.veil(panel.at(box(0, 0, length, top)), shade(colour, 0.7), FENCE, 0.9 if style == "planks" else 0.35)
    u = np.arange(0.0, length, pitch)
    canvas.fill(panel.at(boxes(u, 0.0, u + wide, top)), colour, FENCE, normal)
    rails = np.arange(0.25, top, 0.35) if style == "mesh" else np.array([0.25, top * 0.82])
    thick = 0.05 if style == "mesh" else 0.1
    canvas.fill(panel.at(boxes(0.0, rails, length, rails + thick)), shade(colour, 0.85), FENCE, normal)
    posts = np.arange(0.0, length, 2.5)
    canvas.fill(panel.at(boxes(posts, 0.0, posts + 0.16, top + 0.12)), shade(colour, 0.75), FENCE, normal)
    if style == "iron":
        tips = np.array([panel.at(disc(at + wide / 2, top, 0.07)) for at in u[:40]])
        canvas.fill(tips, colour, FENCE, normal)


PAINTERS = {Kind.BLOCK: block, Kind.HOUSE: house, Kind.WALL: wall, Kind.FENCE: fence}
