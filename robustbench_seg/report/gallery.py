"""The gallery of a page: one image through the severities of a corruption, each model's prediction and error map.

The pictures stand in the page itself, so they are made as small as its share of the page asks for.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image

from ..errors import StoreError
from ..store.cell import CLEAN
from ..studies.pictures import Pixels, StoredPicture, by_condition, error_map, pixels_of

__all__ = ["Condition", "Gallery", "Prediction", "Scene", "gallery_of"]

SIDES_PX = (480, 384, 288, 216)  # longest sides to choose from
PROBES = 8  # pictures from which the size of all is estimated
IMAGE_QUALITY = 60
Colour = tuple[int, int, int]  # RGB, 0-255


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What one model predicts: data URIs; wrong: of `StoredPicture`.

    miou: over all images under the same condition, 0-1 or NaN.
    """

    who: str
    prediction: str
    errors: str
    wrong: float
    miou: float


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One image under one condition. image: a data URI, "" where it may not be shown."""

    corruption: str
    severity: int
    image: str
    predictions: list[Prediction]


@dataclass(kw_only=True)
class Scene:
    """One image: its label (a data URI), its size in the page, clean, and its other conditions by corruption.

    note: of `StoredPicture`.
    """

    image_id: str
    label: str
    width: int
    height: int
    note: str = ""
    clean: Condition | None = None
    corruptions: dict[str, list[Condition]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Gallery:
    """The scenes of a page. left_out: the number of predictions for which it had no room.

    colours: of the classes that occur in them.
    """

    scenes: list[Scene]
    left_out: int = 0
    colours: dict[str, Colour] = field(default_factory=dict)
    shows_images: bool = True

    @property
    def corruptions(self) -> list[str]:
        """The corruptions of all scenes."""
        return list(dict.fromkeys(name for scene in self.scenes for name in scene.corruptions))


def gallery_of(pictures: Sequence[StoredPicture], room: int, colours: Mapping[str, Colour] | None = None) -> Gallery:
    """Arrange pictures in at most `room` bytes of page; files that are gone are passed over."""
    pictures = [one for one in pictures if one.label.is_file() and one.prediction.is_file()]
    longest, left_out = side_that_fits(pictures, room), 0
    several = len({one.view for one in pictures}) > 1
    scenes: dict[str, Scene] = {}
    for same in by_condition(pictures):
        first = same[0]
        if first.image_id not in scenes:
            label = pixels_of(first.label, longest)
            size = {"width": label.shape[1], "height": label.shape[0]}
            scenes[first.image_id] = Scene(image_id=first.image_id, label=lossless(label), note=first.note, **size)
        predictions = [prediction_of(one, longest, several) for one in same]
        image = image_of(first, longest)
        room -= len(image) + sum(len(one.prediction) + len(one.errors) for one in predictions)
        if room < 0:
            left_out += len(same)
            continue
        condition = Condition(
            corruption=first.corruption, severity=first.severity, image=image, predictions=predictions
        )
        if first.corruption == CLEAN:
            scenes[first.image_id].clean = condition
        else:
            scenes[first.image_id].corruptions.setdefault(first.corruption, []).append(condition)
    files = {path for one in pictures for path in (one.label, one.prediction)}
    smallest = (pixels_of(path, SIDES_PX[-1]).reshape(-1, 3) for path in files)
    seen = {tuple(colour) for pixels in smallest for colour in np.unique(pixels, axis=0)}
    return Gallery(
        scenes=[scene for scene in scenes.values() if scene.clean or scene.corruptions],
        left_out=left_out,
        colours={name: colour for name, colour in (colours or {}).items() if colour in seen},
        shows_images=any(one.image for one in pictures),
    )


def prediction_of(one: StoredPicture, longest: int, several_views: bool) -> Prediction:
    """One model's pictures. Raises StoreError where they are not of one size."""
    prediction, label = pixels_of(one.prediction, longest), pixels_of(one.label, longest)
    if prediction.shape != label.shape:
        raise StoreError(f"{one.prediction}: of another size than {one.label.name}; remove it")
    errors = lossless(error_map(prediction, label, one.unlabelled))
    who = f"{one.model}, {one.view}" if several_views else one.model
    return Prediction(who=who, prediction=lossless(prediction), errors=errors, wrong=one.wrong, miou=one.miou)


def side_that_fits(pictures: Sequence[StoredPicture], room: int) -> int:
    """The largest of SIDES_PX with which the pictures fit, judged by a few of them."""
    probes = pictures[:: max(1, len(pictures) // PROBES)]
    images = len({(one.image_id, one.corruption, one.severity) for one in pictures})
    for longest in SIDES_PX:
        samples = [prediction_of(one, longest, False) for one in probes]
        per_model = sum(len(one.prediction) + len(one.errors) for one in samples) / max(1, len(samples))
        seen = list(filter(None, (len(image_of(one, longest)) for one in probes)))
        per_image = sum(seen) / max(1, len(seen))
        if 1.1 * (per_model * len(pictures) + per_image * images) < room:
            break
    return longest


def lossless(pixels: Pixels) -> str:
    return data_uri(pixels, lossless=True, quality=50, method=2)


def image_of(one: StoredPicture, longest: int) -> str:
    if one.image is None or not one.image.is_file():
        return ""
    return data_uri(pixels_of(one.image, longest), quality=IMAGE_QUALITY, method=4)


def data_uri(pixels: Pixels, **options: Any) -> str:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
