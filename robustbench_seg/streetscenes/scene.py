"""Value types of a synthetic street scene, all in metres or normalised units, never in pixels.

Coordinates of the street: `s` metres to the right of the road's centre line, `z` metres ahead of the camera.
Coordinates of the world: x right, y up, z ahead, the camera at x = 0, z = 0.
"""

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Vector = NDArray[np.float64]


class TrainId(IntEnum):
    """Cityscapes' train ids; VOID is the label that is ignored."""

    ROAD = 0
    SIDEWALK = 1
    BUILDING = 2
    WALL = 3
    FENCE = 4
    POLE = 5
    TRAFFIC_LIGHT = 6
    TRAFFIC_SIGN = 7
    VEGETATION = 8
    TERRAIN = 9
    SKY = 10
    PERSON = 11
    RIDER = 12
    CAR = 13
    TRUCK = 14
    BUS = 15
    TRAIN = 16
    MOTORCYCLE = 17
    BICYCLE = 18
    VOID = 255


class Kind(StrEnum):
    """The kind of a thing; it decides which painter draws the thing."""

    BLOCK = "block"
    HOUSE = "house"
    WALL = "wall"
    FENCE = "fence"
    HEDGE = "hedge"
    TREE = "tree"
    LAMP = "lamp"
    SIGN = "sign"
    LIGHT = "light"
    BIN = "bin"
    PERSON = "person"
    CAR = "car"
    TRUCK = "truck"
    BUS = "bus"
    TRAIN = "train"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    BICYCLE_RIDER = "bicycle rider"
    MOTORCYCLE_RIDER = "motorcycle rider"


@dataclass(frozen=True, kw_only=True)
class Viewpoint:
    """The camera: focal length in image heights (of a 2:1 image), horizon in heights from the top."""

    focal: float
    horizon: float
    height_m: float


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of the street, from the carriageway outwards; `sign` is -1 on the left, +1 on the right."""

    sign: int
    lanes: int
    parking_m: float
    verge_m: float
    walk_m: float
    lane_m: float

    @property
    def kerb(self) -> float:
        """Distance of the kerb from the centre line in metres."""
        return self.lanes * self.lane_m + self.parking_m

    @property
    def front(self) -> float:
        """Distance of the sidewalk's outer edge from the centre line in metres."""
        return self.kerb + self.verge_m + self.walk_m


@dataclass(frozen=True, kw_only=True)
class Road:
    """The street's plan: both sides, the camera's position `ego_s`, curvature (1/m), the cross street, tram tracks.

    `crossing_m` is the width of the cross street, 0 without one.
    """

    left: Side
    right: Side
    ego_s: float
    heading: float
    curvature: float
    crossing_z: float
    crossing_m: float
    tram_s: float | None
    zebra: bool
    dashed: bool

    def x(self, s: float, z: float) -> float:
        """World x of the street point (s, z)."""
        return s - self.ego_s + z * (self.heading + 0.5 * self.curvature * z)

    def yaw(self, z: float) -> float:
        """Direction of the street at z: radians clockwise from straight ahead."""
        return math.atan(self.heading + self.curvature * z)

    def in_crossing(self, z0: float, z1: float) -> bool:
        """Whether the stretch from z0 to z1 touches the cross street."""
        return self.crossing_m > 0 and z1 > self.crossing_z and z0 < self.crossing_z + self.crossing_m


@dataclass(frozen=True, kw_only=True)
class Light:
    """The unit vector towards the sun, the light of sun and sky, the sky's colours, and the visibility."""

    sun: tuple[float, float, float]
    direct: Colour
    ambient: Colour
    zenith: Colour
    haze: Colour
    cloud: Colour
    clouds: float
    visibility_m: float
    lamps_on: bool

    def lit(self, colour: Colour, normal: Colour, depth_m: float) -> Colour:
        """Colour of a matt face with this unit normal, seen through depth_m of air."""
        sun, direct, ambient, haze = self.sun, self.direct, self.ambient, self.haze
        facing = max(0.0, normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2])
        clear = math.exp(-max(depth_m - 6.0, 0.0) / self.visibility_m)
        air = 1.0 - clear
        return (
            min(255.0, colour[0] * (ambient[0] + direct[0] * facing)) * clear + haze[0] * air,
            min(255.0, colour[1] * (ambient[1] + direct[1] * facing)) * clear + haze[1] * air,
            min(255.0, colour[2] * (ambient[2] + direct[2] * facing)) * clear + haze[2] * air,
        )


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object: its box on the street (nearest left corner at s, z), its height, its heading, its seed.

    The box has the object's orientation applied; `heading` is in radians clockwise from the street's direction; `seed`
    decides every detail of its appearance.
    """

    kind: Kind
    s: float
    z: float
    width: float
    length: float
    height: float
    heading: float
    seed: int

    @property
    def crosswise(self) -> bool:
        """Whether it heads across the street rather than along it."""
        return abs(math.sin(self.heading)) > 0.5

    @property
    def own_width(self) -> float:
        """Width across its own heading, metres."""
        return self.length if self.crosswise else self.width

    @property
    def own_length(self) -> float:
        """Length along its own heading, metres."""
        return self.width if self.crosswise else self.length


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The whole scene, without a size in pixels."""

    viewpoint: Viewpoint
    road: Road
    light: Light
    things: tuple[Thing, ...]
    bonnet: float
    seed: int
