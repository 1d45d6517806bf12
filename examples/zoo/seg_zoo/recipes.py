"""What the networks were fed when they were trained, and what their outputs stand for."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CAMVID",
    "CGNET_CAMVID",
    "CITYSCAPES",
    "ESPNET_CAMVID",
    "ESPNET_CITYSCAPES",
    "IMAGENET",
    "Recipe",
    "class_names",
]

CAMVID = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign-symbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
CITYSCAPES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
# Some networks have one more output, for the pixels that have none of these classes.
NAMES = {11: CAMVID, 12: (*CAMVID, "unlabelled"), 19: CITYSCAPES, 20: (*CITYSCAPES, "background")}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """(pixel * rescale - mean) / std of pixels 0 .. 255, channels in this order. letter: its name in the README."""

    letter: str
    order: Literal["RGB", "BGR"] = "RGB"
    rescale: float = 1 / 255
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def over_255(first: float, second: float, third: float) -> tuple[float, float, float]:
    return first / 255, second / 255, third / 255


# ESPNet's authors compute (pixel - mean) / std and divide that by 255: the same as pixel / 255 with mean / 255. The
# constants of CamVid are computed from its training frames: the average of each frame's own mean and deviation.
ESPNET_CAMVID = Recipe(
    letter="A",
    order="BGR",
    mean=over_255(110.33102643, 108.40886315, 105.03319369),
    std=(72.12571015, 72.69074534, 69.90434816),
)
ESPNET_CITYSCAPES = Recipe(
    letter="B",
    order="BGR",
    mean=over_255(72.3923111, 82.90893555, 73.15840149),
    std=(45.3192215, 46.15289307, 44.91483307),
)
IMAGENET = Recipe(letter="C", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
# The constants are of BGR, but CGNet's authors subtract them from RGB.
CGNET_CAMVID = Recipe(letter="D", rescale=1.0, mean=(105.65775299, 103.32983398, 99.62540436), std=(1.0, 1.0, 1.0))


def class_names(outputs: int) -> tuple[str, ...]:
    """Name the outputs of a network by their number. Raises ValueError for another number than 11, 12, 19 or 20."""
    if outputs not in NAMES:
        raise ValueError(f"{outputs} outputs, expected {', '.join(map(str, NAMES))}")
    return NAMES[outputs]
