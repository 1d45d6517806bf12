"""GTA5: frames of a video game with Cityscapes' labels. They are synthetic.

    <root>/images/<number>.png
    <root>/labels/<number>.png                                palette; its indices are Cityscapes' label ids

Source: Richter et al., "Playing for Data: Ground Truth from Computer Games", ECCV 2016; 24,966 frames of 1914x1052.
"""

from pathlib import Path

from .base import IGNORE
from .driving import FROM_LABEL_IDS, Driving, Part
from .folders import list_images

__all__ = ["GTA5"]

LICENCE_PLATE = 34
ODD = ("15188", "17705")  # whose labels are of another size than their images, as its users report


class GTA5(Driving):
    """Split: all, except two frames whose labels do not fit."""

    name = "gta5"
    splits = ("all",)
    synthetic = True

    def __init__(self, root: Path, split: str = "all") -> None:
        self.choose(split)
        table = FROM_LABEL_IDS | {LICENCE_PLATE: IGNORE, 255: IGNORE}
        self.gather([Part("", list_images(root / "images", ".png"), root / "labels", {".png": table})])
        odd = [name for name in ODD if self.pairs.pop(name, None)]
        if odd:
            self.notes += (f"{root / 'images'}: left out, since their labels are of another size: {', '.join(odd)}",)
