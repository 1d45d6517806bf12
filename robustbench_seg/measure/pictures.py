"""The pictures of a suite's gallery: the image that the model saw, the label and the prediction."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..datasets.base import IGNORE, Dataset, Image, LabelMap, Sample
from ..datasets.voc import colour_of
from ..files import write_bytes
from ..images import png

__all__ = ["colourise", "save_pictures"]

LONGEST_SIDE = 512


def colourise(label: LabelMap, palette: tuple[tuple[int, int, int], ...]) -> Image:
    """Turn a label map into RGB colours of the palette; values outside the palette are black.

    If a class is black, they have the colour of the rims in PASCAL VOC's own labels.
    """
    none = colour_of(0) if colour_of(0) not in palette else colour_of(IGNORE)
    table = np.full((256, 3), none, np.uint8)
    table[: len(palette)] = palette
    return table[label]


def save_pictures(folder: Path, dataset: Dataset, sample: Sample, prediction: LabelMap) -> None:
    """Write <id>-image.png, <id>-label.png and <id>-prediction.png; no image if the data's terms forbid it."""
    pictures = {
        "label": colourise(sample.label, dataset.palette),
        "prediction": colourise(prediction, dataset.palette),
    }
    if dataset.shows_images:
        pictures["image"] = sample.image
    for name, picture in pictures.items():
        write_bytes(folder / f"{sample.image_id}-{name}.png", png(shrink(picture, smooth=name == "image")))


def shrink(picture: Image, *, smooth: bool) -> NDArray[np.uint8]:
    factor = LONGEST_SIDE / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (round(factor * picture.shape[1]), round(factor * picture.shape[0]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smooth else cv2.INTER_NEAREST))
