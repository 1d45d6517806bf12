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
    """(pixel - mean) / std of pixels 0 .. 255, channels in this order. letter: its name in this package's README."""

    letter: str
    order: Literal["RGB", "BGR"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def times_255(first: float, second: float, third: float) -> tuple[float, float, float]:
    return 255 * first, 255 * second, 255 * third


# ESPNet's authors divide by 255 once more, after (pixel - mean) / std. The constants of CamVid are computed from its
# training frames: the mean over frames of each frame's own mean and standard deviation.
ESPNET_CAMVID = Recipe(
    letter="A",
    order="BGR",
    mean=(110.33102643, 108.40886315, 105.03319369),
    std=times_255(72.12571015, 72.69074534, 69.90434816),
)
ESPNET_CITYSCAPES = Recipe(
    letter="B",
    order="BGR",
    mean=(72.3923111, 82.90893555, 73.15840149),
    std=times_255(45.3192215, 46.15289307, 44.91483307),
)
IMAGENET = Recipe(letter="C", order="RGB", mean=times_255(0.485, 0.456, 0.406), std=times_255(0.229, 0.224, 0.225))
# The constants are of BGR, and CGNet's authors subtract them from RGB.
CGNET_CAMVID = Recipe(letter="D", order="RGB", mean=(105.65775299, 103.32983398, 99.62540436), std=(1.0, 1.0, 1.0))


def class_names(outputs: int) -> tuple[str, ...]:
    """Name the outputs of a network by their number. Raises ValueError for another number than 11, 12, 19 or 20."""
    if outputs not in NAMES:
        raise ValueError(f"{outputs} outputs, expected {', '.join(map(str, NAMES))}")
    return NAMES[outputs]
