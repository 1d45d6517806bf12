"""Draw the layout of a scene at random, in metres and shares, so that it does not depend on the size of the image."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.scene import Kind, Light, Road, Scene, Side, Thing, Viewpoint
from robustbench_seg.streetscenes.traffic import SIZES, Traffic, make

FRONT_END_M = 130.0
DISTRICTS = {
    "centre": {Kind.BLOCK: 0.8, Kind.WALL: 0.1, Kind.TREE: 0.1},
    "mixed": {Kind.BLOCK: 0.4, Kind.HOUSE: 0.2, Kind.WALL: 0.15, Kind.TREE: 0.25},
    "suburb": {Kind.BLOCK: 0.05, Kind.HOUSE: 0.65, Kind.WALL: 0.1, Kind.TREE: 0.2},
    "park": {Kind.HOUSE: 0.1, Kind.WALL: 0.15, Kind.TREE: 0.75},
}


def invent(rng: Generator) -> Scene:
    """Draw one scene."""
    viewpoint = Viewpoint(focal=rng.uniform(1.15, 1.65), horizon=rng.uniform(0.38, 0.5), height_m=rng.uniform(1.3, 2.0))
    road, light = _road(rng), _light(rng)
    things = [*_frontage(road, road.left, rng), *_frontage(road, road.right, rng)]
    things += [*_kerbside(road, road.left, rng), *_kerbside(road, road.right, rng)]
    things += Traffic(road, rng).things
    bonnet = rng.uniform(0.04, 0.11) if rng.random() < 0.55 else 0.0
    seed = int(rng.integers(2**62))
    return Scene(viewpoint=viewpoint, road=road, light=light, things=tuple(things), bonnet=bonnet, seed=seed)


def _road(rng: Generator) -> Road:
    lane_m = rng.uniform(2.9, 3.6)
    sides = [
        Side(
            sign=sign,
            lanes=int(rng.choice([1, 1, 2])),
            parking_m=2.1 if rng.random() < 0.45 else 0.0,
            verge_m=rng.uniform(1.0, 2.6) if rng.random() < 0.4 else 0.0,
            walk_m=rng.uniform(1.8, 4.5),
            lane_m=lane_m,
        )
        for sign in (-1, 1)
    ]
    left, right = sides
    tram = rng.random() < 0.34
    crossing = rng.random() < 0.5
    curved = rng.random() < 0.5
    return Road(
        left=left,
        right=right,
        ego_s=(int(rng.integers(right.lanes)) + 0.5 + rng.uniform(-0.12, 0.12)) * lane_m,
        heading=rng.uniform(-0.03, 0.03),
        curvature=rng.uniform(-0.004, 0.004) if curved else 0.0,
        crossing_z=rng.uniform(13.0, 34.0),
        crossing_m=rng.uniform(8.0, 13.0) if crossing else 0.0,
        tram_s=-0.5 * lane_m - rng.uniform(0.0, 0.3) if tram else None,
        zebra=bool(rng.random() < 0.7),
        dashed=bool(rng.random() < 0.65),
    )


def _light(rng: Generator) -> Light:
    """Draw one of five combinations of time and weather, then the sun's position."""
    hour = str(rng.choice(["noon", "noon", "bright", "overcast", "golden", "dusk"]))
    elevation = {"golden": rng.uniform(0.2, 0.35), "dusk": 0.15}.get(hour, rng.uniform(0.5, 1.1))
    azimuth = rng.uniform(0, 2 * np.pi)
    sun = (np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation))
    direct, ambient, zenith, haze, cloud = {
        "noon": ((0.62, 0.60, 0.56), (0.60, 0.63, 0.68), (72, 124, 200), (196, 212, 228), (246, 246, 248)),
        "bright": ((0.78, 0.74, 0.66), (0.58, 0.61, 0.66), (52, 106, 190), (206, 218, 230), (252, 252, 252)),
        "overcast": (
            (0.10, 0.10, 0.10),
            (0.82, 0.84, 0.88),
            (160, 168, 178),
            (206, 210, 214),
            (190, 194, 200),
        ),
        "golden": ((0.92, 0.68, 0.40), (0.52, 0.52, 0.58), (96, 126, 176), (240, 206, 164), (250, 216, 180)),
        "dusk": ((0.12, 0.08, 0.08), (0.42, 0.44, 0.56), (46, 58, 98), (170, 132, 128), (110, 96, 112)),
    }[hour]
    return Light(
        sun=(float(sun[0]), float(sun[1]), float(sun[2])),
        direct=direct,
        ambient=ambient,
        zenith=zenith,
        haze=haze,
        cloud=cloud,
        clouds=rng.uniform(0.75, 1.3) if hour == "overcast" else rng.uniform(-0.1, 0.75),
        visibility_m=rng.uniform(110, 420),
        lamps_on=hour == "dusk",
    )


def _strip_edges(side: Side, inner: float, outer: float) -> tuple[float, float]:
    """Left edge and width of the strip between two distances from the centre line."""
    return (inner if side.sign > 0 else -outer), outer - inner


def _frontage(road: Road, side: Side, rng: Generator) -> list[Thing]:
    """Plots one after the other along one side: blocks, gardens with houses, parks, walls."""
    weights = DISTRICTS[str(rng.choice(list(DISTRICTS)))]
    kinds, shares = list(weights), list(weights.values())
    things: list[Thing] = []
    z = 1.0
    while z < FRONT_END_M:
        kind = kinds[int(rng.choice(len(kinds), p=np.array(shares) / sum(shares)))]
        length = rng.uniform(9, 24)
        if road.in_crossing(z, z + length):
            if z > road.crossing_z - 6.0:
                z = road.crossing_z + road.crossing_m + 0.5
                continue
            length = road.crossing_z - z - 0.5
        things += _plot(side, kind, z, length, rng)
        z += length + (rng.uniform(0, 2.0) if rng.random() < 0.3 else 0.0)
    return things


def _plot(side: Side, kind: Kind, z: float, length: float, rng: Generator) -> list[Thing]:
    """The things on one plot, from the sidewalk's edge outwards."""
    front, things = side.front, []
    if kind is Kind.BLOCK:
        s, width = _strip_edges(side, front, front + 12)
        return [make(kind, (s, z, width, length, rng.uniform(8, 24)), rng)]
    border = Kind.WALL if kind is Kind.WALL else rng.choice([Kind.FENCE, Kind.FENCE, Kind.HEDGE, Kind.WALL, ""])
    if border:
        s, width = _strip_edges(side, front + 0.1, front + 0.5)
        high = {
            Kind.WALL: rng.uniform(1.2, 3.0),
            Kind.FENCE: rng.uniform(1.1, 2.1),
            Kind.HEDGE: rng.uniform(1.0, 1.8),
        }
        if kind is Kind.HOUSE and rng.random() < 0.5:
            high[Kind.WALL] = 1.0
        things.append(make(Kind(border), (s, z, width, length, high[Kind(border)]), rng))
    setback = front + rng.uniform(4, 8)
    if kind is Kind.HOUSE or (kind is Kind.WALL and rng.random() < 0.4):
        wide = min(length - 1.0, rng.uniform(8, 12))
        s, width = _strip_edges(side, setback, setback + rng.uniform(8, 10))
        things.append(make(Kind.HOUSE, (s, z + (length - wide) / 2, width, wide, rng.choice([3.0, 5.4, 5.8])), rng))
        count = int(rng.random() < 0.5)
    else:
        count = int(rng.integers(2, 5)) if z < 50 else 1
    for _ in range(count):
        tall = rng.uniform(4, 11) if rng.random() < 0.8 else rng.uniform(1.0, 2.2)
        wide = tall * rng.uniform(0.55, 0.85)
        middle = front + rng.uniform(1.5, 4.0) if kind is Kind.HOUSE else front + rng.uniform(2.0, 14.0)
        s = side.sign * middle - wide / 2
        things.append(make(Kind.TREE, (s, z + rng.uniform(0, length), wide, 0.5, tall), rng))
    return things


def _kerbside(road: Road, side: Side, rng: Generator) -> list[Thing]:
    """Lamps, street trees, signs, lights, bins, parked two-wheelers and pedestrians on one sidewalk."""
    things: list[Thing] = []
    at = side.sign * (side.kerb + 0.6)

    def put(kind: Kind, z: float, width: float, height: float, s: float = at) -> None:
        if not road.in_crossing(z - 1.0, z + 1.5):
            things.append(make(kind, (s - width / 2, z, width, 0.3, height), rng))

    first, gap = rng.uniform(6, 22), rng.uniform(18, 30)
    for z in np.arange(first, 90, gap):
        put(Kind.LAMP, float(z), 0.2, rng.uniform(5.0, 8.0))
    if rng.random() < 0.45:
        for z in np.arange(rng.uniform(8, 16), 90, rng.uniform(8, 14)):
            tall = rng.uniform(5, 9)
            put(Kind.TREE, float(z), tall * rng.uniform(0.45, 0.65), tall)
    for _ in range(int(rng.integers(0, 4))):
        put(Kind.SIGN, rng.uniform(7, 42), 0.4, rng.uniform(2.5, 3.6))
    if road.crossing_m:
        for z in (road.crossing_z - 1.6, road.crossing_z + road.crossing_m + 1.2):
            if rng.random() < 0.85:
                put(Kind.LIGHT, z, 0.3, float(rng.choice([3.0, 3.3, 5.4])))
    elif rng.random() < 0.4:
        put(Kind.LIGHT, rng.uniform(8, 24), 0.3, float(rng.choice([3.0, 5.4])))
    if rng.random() < 0.35:
        put(Kind.BIN, rng.uniform(7, 25), 0.55, 0.95)
    things += _parked_rows(road, side, rng)
    for _ in range(int(rng.choice([0, 1, 2, 4, 7]))):
        s = side.sign * rng.uniform(side.kerb + 0.4, side.front - 0.3)
        put(Kind.PERSON, rng.uniform(6, 38), 0.55, rng.uniform(1.5, 1.9), s)
    return things


def _parked_rows(road: Road, side: Side, rng: Generator) -> list[Thing]:
    """Rows of bicycles and of motorcycles at the kerb, side on or in line with the street."""
    things = []
    for kind in (Kind.BICYCLE, Kind.MOTORCYCLE):
        if rng.random() > 0.38:
            continue
        z, crosswise = rng.uniform(5, 14), rng.random() < 0.85
        wide, long, height = SIZES[kind]
        width, length = (long, wide) if crosswise else (wide, long)
        for _ in range(int(rng.integers(1, 4))):
            s = side.sign * (side.kerb + rng.uniform(0.9, 1.3)) - width / 2
            heading = np.pi / 2 if crosswise else rng.choice([0.0, np.pi])
            if not road.in_crossing(z - 1, z + length + 1):
                things.append(make(kind, (s, z, width, length, height), rng, float(heading)))
            z += length + rng.uniform(0.1, 0.8)
    return things
