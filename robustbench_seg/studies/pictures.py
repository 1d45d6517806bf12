"""The pictures that runs stored: images, labels and predictions of the plan's gallery."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import PIL.Image
from numpy.typing import NDArray

from ..datasets import IGNORE
from ..datasets.voc import colour_of
from ..errors import StoreError
from ..store.folder import Store
from .counts import CellCounts

__all__ = [
    "Pixels", "StoredPicture", "by_condition", "colours_of", "error_map", "other_pictures", "picture_of", "pixels_of",
    "stored_pictures",
]  # fmt: skip

RIGHT, WRONG, UNLABELLED = (238, 238, 238), (213, 94, 0), (90, 90, 90)
HATCH, LINE = 7, 2  # px: from line to line, and of a line, where nothing is labelled
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class StoredPicture:
    """The files of one image under one condition; image is None where the data's terms do not allow showing it.

    miou: of the whole data set under that condition, 0-1. wrong: the share of wrong pixels among the labelled ones.
    unlabelled: the share of pixels without a label. Both are counted, 0-1, and NaN where the image was not. note: what
    is special about the image, such as "worst".
    """

    model: str
    view: str
    image_id: str
    corruption: str
    severity: int
    image: Path | None
    label: Path
    prediction: Path
    miou: float = float("nan")
    wrong: float = float("nan")
    unlabelled: float = float("nan")
    note: str = ""


def other_pictures(cells: pd.DataFrame, image_ids: Sequence[str]) -> bool:
    """Whether the stores show other images than these. cells: as below."""
    folders = (Store(row.path.parents[1]).gallery(row.slug, row.key) for row in cells.itertuples())
    names = {f"{image_id}-label.png" for image_id in image_ids}
    return any(str(path.relative_to(folder)) not in names for folder in folders for path in folder.rglob("*-label.png"))


def stored_pictures(
    cells: pd.DataFrame, image_ids: Iterable[str], notes: Mapping[str, str] = MappingProxyType({})
) -> list[StoredPicture]:
    """List what the stores show of these images in the first view; a prediction without its label is left out.

    cells: of `quality_frame` with `title`. notes: on images, by id.
    """
    pictures = []
    for row in cells[cells["view"] == cells["view"].iloc[0]].itertuples() if len(cells) else ():
        place = Store(row.path.parents[1]).gallery(row.slug, row.key)
        for image_id in image_ids:
            image, label, prediction = (place / f"{image_id}-{kind}.png" for kind in ("image", "label", "prediction"))
            if label.is_file() and prediction.is_file():
                pictures.append(
                    StoredPicture(
                        model=row.title,
                        view=row.view,
                        image_id=image_id,
                        corruption=row.corruption,
                        severity=row.severity,
                        image=image if image.is_file() else None,
                        label=label,
                        prediction=prediction,
                        miou=float(row.miou),
                        note=notes.get(image_id, ""),
                        **shares_of(row.counts, image_id),
                    )
                )
    return pictures


def shares_of(counts: CellCounts, image_id: str) -> dict[str, float]:
    """Compute `wrong` and `unlabelled` of an image; none if it was not counted."""
    (places,) = np.nonzero(counts["image_id"] == image_id)
    if not len(places):
        return {}
    names = "intersection", "labelled", "height", "width"
    right, labelled, height, width = (int(counts[name][places[0]].sum()) for name in names)
    wrong = 1 - right / labelled if labelled else float("nan")
    return {"wrong": wrong, "unlabelled": 1 - labelled / (height * width)}


def colours_of(cells: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Return the colours (RGB, 0-255) of the classes of a data set that ships; none of any other. cells: as above."""
    from ..datasets import DATASETS

    name, classes = cells["dataset"].iloc[0], tuple(cells["class_names"].iloc[0])
    kind = DATASETS[name].load() if name in DATASETS else None
    if kind is None or tuple(getattr(kind, "class_names", ())) != classes:
        return {}
    return dict(zip(classes, kind.palette, strict=True))


def picture_of(path: Path) -> PIL.Image.Image:
    """Read a picture that a run kept, RGB. Raises StoreError for what is none."""
    try:
        with PIL.Image.open(path) as file:
            return file.convert("RGB")
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise StoreError(f"{path}: not a picture that a run kept ({error}); remove it") from None


def pixels_of(path: Path, longest: int) -> Pixels:
    """Read a picture, at most `longest` px wide and high; colours that stand for classes stay as they are.

    Returns uint8 (H, W, 3).
    """
    picture = picture_of(path)
    how = PIL.Image.Resampling.BOX if path.stem.endswith("-image") else PIL.Image.Resampling.NEAREST
    factor = min(1, longest / max(picture.size))
    width, height = (max(1, round(factor * side)) for side in picture.size)
    return np.asarray(picture.resize((width, height), how))


def by_condition(pictures: Sequence[StoredPicture]) -> list[list[StoredPicture]]:
    """Group pictures by image and condition: images and corruptions as they come, then by severity."""
    images, corruptions = ([getattr(one, name) for one in pictures] for name in ("image_id", "corruption"))

    def place(one: StoredPicture) -> tuple[int, int, int]:
        return images.index(one.image_id), corruptions.index(one.corruption), one.severity

    return [list(group) for _, group in groupby(sorted(pictures, key=place), place)]


def error_map(prediction: Pixels, label: Pixels, unlabelled: float) -> Pixels:
    """Colour what is right and wrong, and hatch what is unlabelled.

    prediction, label: uint8 (H, W, 3) in the data set's colours. Classes that share one colour, as two of ADE20K's do,
    count as one. unlabelled: of `StoredPicture`.
    """
    # What has no label is black, unless a class is (see `colourise`); the right one of both has the share that was
    # counted. Older pictures have black for both: then nothing is hatched, if the class has more of the picture.
    candidates = [(label == colour_of(value)).all(axis=2) for value in (0, IGNORE)]
    black, white = candidates
    if np.isnan(unlabelled):  # the picture is of an image that does not count
        none = white if white.any() else black
    else:
        none = min(candidates, key=lambda pixels: abs(float(pixels.mean()) - unlabelled))
    errors = np.full(label.shape, RIGHT, np.uint8)
    down, right = np.indices(none.shape)
    errors[none & ((down + right) % HATCH < LINE)] = UNLABELLED  # in grey too, lines do not look like wrong pixels
    errors[~none & (prediction != label).any(axis=2)] = WRONG
    return errors
