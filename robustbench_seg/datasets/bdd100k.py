"""BDD100K's 10K images with labels for semantic segmentation (the root is the folder bdd100k).

    <root>/images/10k/{train,val}/<name>.jpg
    <root>/labels/sem_seg/masks/{train,val}/<name>.png                    trainIds, 255 ignored
    <root>/labels/**/*.json                                               where there are any: weather and hour

Source: Yu et al., "BDD100K: A Diverse Driving Dataset for Heterogeneous Multitask Learning", CVPR 2020. Weather and
hour are attributes of the frames in JSON files, lists of {"name": ..., "attributes": {"weather": ..., "timeofday":
...}}; the files with labels of the 100K images name many of the 10K images, not all.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError
from ..wording import quote
from .driving import FROM_TRAIN_IDS, Driving, Part
from .folders import list_images

__all__ = ["BDD100K"]

ATTRIBUTES = {"weather": "weather", "hour": "timeofday"}
UNKNOWN = "unknown"


class BDD100K(Driving):
    """Splits: train and val. conditions: "weather", "hour", or "none"."""

    name = "bdd100k"
    splits = ("train", "val")

    def __init__(self, root: Path, split: str = "val", *, conditions: str = "weather") -> None:
        self.choose(split)
        if conditions not in (*ATTRIBUTES, "none"):
            raise UsageError(f"bdd100k: conditions must be {', '.join(ATTRIBUTES)} or none, got {conditions!r}")
        images = list_images(root / "images/10k" / split, ".jpg", ".jpeg")
        self.gather([Part("", images, root / "labels/sem_seg/masks" / split, {".png": FROM_TRAIN_IDS})])
        if conditions == "none":
            return
        files = sorted((root / "labels").rglob("*.json"))
        values = dict(pair for path in files for pair in attributes(path, ATTRIBUTES[conditions]))
        if not values:
            self.notes += (f"{quote(root / 'labels')}: no JSON file tells the {conditions} of any image",)
            return
        self.pairs = dict(sorted((f"{values.get(name, UNKNOWN)}/{name}", pair) for name, pair in self.pairs.items()))


def attributes(path: Path, attribute: str) -> Iterator[tuple[str, str]]:
    """Yield image names, without ending, and the value of an attribute in a JSON file.

    Raises DataError for what is no JSON.
    """
    try:
        frames: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{quote(path)}: can't be read as JSON ({error})") from None
    for frame in frames.get("frames", []) if isinstance(frames, dict) else frames if isinstance(frames, list) else []:
        about = frame.get("attributes") if isinstance(frame, dict) else None
        value = about.get(attribute) if isinstance(about, dict) else None
        if isinstance(value, str) and isinstance(frame.get("name"), str):
            yield Path(frame["name"]).stem, "-".join(value.replace("/", " ").split())
