"""The labels of drawn scenes are Cityscapes' trainIds: by name, and by where a thing or a strip of ground is."""

from dataclasses import replace

import numpy as np
import pytest

from robustbench_seg.datasets.base import IGNORE
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.datasets.streets_scene import layout, paint
from robustbench_seg.streetscenes.scene import Kind, Scene, TrainId

HEIGHT, WIDTH = 128, 256
# What a thing of each kind is, in the data set's words; a bin is of no class.
CLASSES = {
    "block": {"building"}, "house": {"building"}, "wall": {"wall"}, "fence": {"fence"}, "hedge": {"vegetation"},
    "tree": {"vegetation"}, "lamp": {"pole"}, "sign": {"pole", "traffic sign"}, "light": {"pole", "traffic light"},
    "bin": {"void"}, "person": {"person"}, "car": {"car"}, "truck": {"truck"}, "bus": {"bus"}, "train": {"train"},
    "bicycle": {"bicycle"}, "motorcycle": {"motorcycle"}, "bicycle rider": {"bicycle", "rider"},
    "motorcycle rider": {"motorcycle", "rider"},
}  # fmt: skip


def name_of(label: int) -> str:
    return "void" if label == IGNORE else CLASS_NAMES[label]


def label_of(scene: Scene, *things: int) -> np.ndarray:
    """Draw the labels of a scene with these of its things alone."""
    return paint(replace(scene, things=tuple(scene.things[k] for k in things)), HEIGHT, WIDTH)[1]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [layout.invent(np.random.default_rng(seed)) for seed in range(12)]


def test_each_constant_is_the_place_of_its_name() -> None:
    constants = {label.name.lower().replace("_", " "): int(label) for label in TrainId}
    assert constants == {name: k for k, name in enumerate(CLASS_NAMES)} | {"void": IGNORE}


def test_a_thing_adds_pixels_of_its_own_classes(scenes: list[Scene]) -> None:
    drawn: dict[str, set[str]] = {kind.value: set() for kind in Kind}
    for scene in scenes:
        before = label_of(scene)
        for kind in Kind:
            for number in [k for k, thing in enumerate(scene.things) if thing.kind is kind][:2]:
                after = label_of(scene, number)
                drawn[kind.value] |= {name_of(label) for label in np.unique(after[after != before])}
    assert drawn == CLASSES


def test_the_ground_is_of_the_class_of_its_strip(scenes: list[Scene]) -> None:
    """Points of the street, put into the image by a pinhole camera with a level horizon."""
    seen: dict[str, list[str]] = {"road": [], "sidewalk": [], "terrain": []}
    for scene in scenes:
        label, eye, road = label_of(scene), scene.viewpoint, scene.road
        strips = [("road", 0.5 * road.right.kerb), ("road", -0.5 * road.left.kerb)]
        for side in (road.left, road.right):
            verge, walk = side.kerb + 0.25, side.kerb + 0.25 + side.verge_m
            strips.append(("sidewalk", side.sign * (walk + side.front) / 2))
            strips += [("terrain", side.sign * (verge + walk) / 2)] if side.verge_m > 1 else []
        for name, s in strips:
            for z in (7.0, 9.0, 11.0):
                row = eye.horizon * HEIGHT - 0.5 + eye.focal * HEIGHT * eye.height_m / z
                column = WIDTH / 2 - 0.5 + eye.focal * HEIGHT * road.x(s, z) / z
                if 0 <= column < WIDTH - 1 and row < 0.8 * HEIGHT and not road.in_crossing(z - 3, z + 3):
                    seen[name].append(name_of(label[round(row), round(column)]))
    assert {name: set(found) for name, found in seen.items()} == {name: {name} for name in seen}
    assert min(map(len, seen.values())) >= 5


def test_the_sky_is_above(scenes: list[Scene]) -> None:
    assert {name_of(label) for scene in scenes for label in np.unique(label_of(scene)[0])} == {"sky"}
