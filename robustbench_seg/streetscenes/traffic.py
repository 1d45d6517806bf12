"""Draw the traffic of a scene at random: vehicles on the lanes, parked vehicles, crossing vehicles and people."""

import numpy as np
from numpy.random import Generator

from robustbench_seg.streetscenes.scene import Kind, Road, Side, Thing

SIZES = {  # width, length, height in metres
    Kind.CAR: (1.85, 4.4, 1.48),
    Kind.TRUCK: (2.45, 7.8, 3.3),
    Kind.BUS: (2.5, 11.0, 3.05),
    Kind.TRAIN: (2.5, 25.0, 3.4),
    Kind.PERSON: (0.55, 0.4, 1.74),
    Kind.BICYCLE: (0.6, 1.7, 1.05),
    Kind.MOTORCYCLE: (0.8, 2.0, 1.2),
    Kind.BICYCLE_RIDER: (0.6, 1.7, 1.8),
    Kind.MOTORCYCLE_RIDER: (0.8, 2.0, 1.75),
}


def make(kind: Kind, box: tuple[float, float, float, float, float], rng: Generator, heading: float = 0.0) -> Thing:
    """Make a thing from its box (s, z, width, length, height), with its own seed."""
    s, z, width, length, height = (float(value) for value in box)
    seed = int(rng.integers(2**62))
    return Thing(kind=kind, s=s, z=z, width=width, length=length, height=height, heading=heading, seed=seed)


class Traffic:
    """Vehicles on the lanes; each lane is filled from near to far without overlap."""

    def __init__(self, road: Road, rng: Generator) -> None:
        self.road, self.rng = road, rng
        self.things: list[Thing] = []
        density = rng.uniform(0.1, 0.9)
        for side in (road.left, road.right):
            for lane in range(side.lanes):
                self._lane(side, lane, density)
            if side.parking_m:
                self._parking(side)
        if rng.random() < 0.45:
            self._near_rider()
        if road.crossing_m:
            self._crossing()

    def _near_rider(self) -> None:
        """Add a rider close to the camera: ahead and off the middle of our lane, oncoming, or across the street."""
        road, rng = self.road, self.rng
        kind = Kind.BICYCLE_RIDER if rng.random() < 0.5 else Kind.MOTORCYCLE_RIDER
        way = str(rng.choice(["ahead", "oncoming", "across"]))
        s = -rng.uniform(0.5, 1.2) if way == "oncoming" else road.ego_s + rng.uniform(0.6, 2.2) * rng.choice([-1, 1])
        z, (width, length, height) = rng.uniform(5.0, 11.0), SIZES[kind]
        if any(t.s < s + 1 and t.s + t.width > s - 1 and t.z < z + 2.2 and t.z + t.length > z for t in self.things):
            return
        if way == "across":
            self._add_across(kind, s, z, np.pi / 2, (width, length, height))
        else:
            self._add(kind, s, z, np.pi if way == "oncoming" else 0.0, (width, length, height))

    def _lane(self, side: Side, lane: int, density: float) -> None:
        road, rng = self.road, self.rng
        middle = side.sign * (lane + 0.5) * side.lane_m
        heading = 0.0 if side.sign > 0 else np.pi
        own = abs(middle - road.ego_s) < 1.4
        z = rng.uniform(7, 16) if own else rng.uniform(3.5, 12)
        if road.tram_s is not None and side.sign < 0 and lane == 0 and rng.random() < 0.75:
            length = float(rng.choice([16.0, 24.0, 32.0]))
            z += rng.uniform(0, 12)
            self._add(Kind.TRAIN, road.tram_s, z, heading, (2.5, length, rng.uniform(3.3, 3.6)))
            z += length + 4
        if rng.random() < 0.35:
            z += rng.uniform(10, 40)
        while z < 90:
            if rng.random() < 0.25 + 0.75 * density:
                kind = self._kind()
                width, length, height = SIZES[kind]
                scale = rng.uniform(0.9, 1.12) if kind in (Kind.CAR, Kind.TRUCK, Kind.BUS) else rng.uniform(0.95, 1.06)
                size = (width * rng.uniform(0.96, 1.03), length * scale, height * rng.uniform(0.95, 1.12))
                drift = side.sign * side.lane_m * 0.28 if kind is Kind.BICYCLE_RIDER else rng.uniform(-0.25, 0.25)
                if not (kind in (Kind.TRUCK, Kind.BUS) and own and z < 9):
                    self._add(kind, middle + drift, z, heading, size)
                z += size[1]
            z += rng.uniform(3, 9) / max(0.2, density)

    def _kind(self) -> Kind:
        kinds = (Kind.CAR, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE_RIDER, Kind.BICYCLE_RIDER)
        return kinds[int(self.rng.choice(5, p=(0.40, 0.15, 0.14, 0.155, 0.155)))]

    def _add(self, kind: Kind, s: float, z: float, heading: float, size: tuple[float, float, float]) -> None:
        width, length, height = size
        self.things.append(make(kind, (s - width / 2, z, width, length, height), self.rng, heading))

    def _parking(self, side: Side) -> None:
        road, rng = self.road, self.rng
        middle = side.sign * (side.lanes * side.lane_m + 1.05)
        z = rng.uniform(3.5, 10)
        while z < 80:
            kind = Kind.CAR if rng.random() < 0.88 else Kind.TRUCK
            width, length, height = SIZES[kind]
            length *= rng.uniform(0.9, 1.05) if kind is Kind.CAR else 0.75
            if rng.random() < 0.7 and not road.in_crossing(z - 6, z + length + 5):
                heading = 0.0 if side.sign > 0 or rng.random() < 0.3 else np.pi
                self._add(kind, middle, z, heading, (min(width, 2.2), length, height * rng.uniform(0.95, 1.1)))
            z += length + rng.uniform(0.8, 2.0)

    def _crossing(self) -> None:
        """Add vehicles and people that cross the street in front of the camera."""
        road, rng = self.road, self.rng
        z0 = road.crossing_z
        for heading, z in (
            (np.pi / 2, z0 + 0.28 * road.crossing_m),
            (-np.pi / 2, z0 + 0.72 * road.crossing_m),
        ):
            if rng.random() < 0.65:
                kind = self._kind()
                width, length, height = SIZES[kind]
                self._add_across(kind, rng.uniform(-9, 9) + road.ego_s, z, heading, (width, length, height))
        if road.zebra:
            for _ in range(int(rng.choice([0, 0, 1, 3, 5]))):
                s = rng.uniform(-road.left.front, road.right.front)
                self._add(Kind.PERSON, s, z0 - rng.uniform(1.5, 3.8), 0.0, (0.55, 0.4, rng.uniform(1.55, 1.9)))

    def _add_across(self, kind: Kind, s: float, z: float, heading: float, size: tuple[float, float, float]) -> None:
        """Add a vehicle across the street, with its box rotated."""
        width, length, height = size
        self.things.append(make(kind, (s - length / 2, z - width / 2, length, width, height), self.rng, heading))
