"""Two sets in Cityscapes' layout: its images with synthetic fog, and photographs by night.

    Foggy Cityscapes  <root>/leftImg8bit_foggy/<split>/<city>/<name>_leftImg8bit_foggy_beta_<beta>.png
                      <root>/gtFine/<split>/<city>/<name>_gtFine_labelIds.png                  of Cityscapes itself
    Nighttime Driving <root>/leftImg8bit/test/night/<name>_leftImg8bit.png
                      <root>/gtCoarse_daytime_trainvaltest/test/night/<name>_gtCoarse_labelTrainIds.png

Sources: Sakaridis, Dai, Van Gool, "Semantic Foggy Scene Understanding with Synthetic Data", IJCV 2018 (beta, the
attenuation per metre, 0.005, 0.01 or 0.02, is part of a split's name, since scores differ widely between them); Dai,
Van Gool, "Dark Model Adaptation", ITSC 2018.
"""

from pathlib import Path

from .driving import FROM_LABEL_IDS, FROM_TRAIN_IDS, Driving, Part
from .folders import list_images

__all__ = ["FoggyCityscapes", "NighttimeDriving"]

BETAS = ("0.005", "0.01", "0.02")


class FoggyCityscapes(Driving):
    """Splits: train and val, each with its beta, such as val-0.02."""

    name = "foggy_cityscapes"
    splits = tuple(f"{split}-{beta}" for split in ("train", "val") for beta in BETAS)

    def __init__(self, root: Path, split: str = "val-0.02") -> None:
        self.choose(split)
        folder, _, beta = split.partition("-")
        others = [f"_foggy_beta_{other}.png" for other in BETAS if other != beta]
        images = list_images(root / "leftImg8bit_foggy" / folder, f"_leftImg8bit_foggy_beta_{beta}.png", but=others)
        tables = {"_gtFine_labelTrainIds.png": FROM_TRAIN_IDS, "_gtFine_labelIds.png": FROM_LABEL_IDS}
        self.gather([Part(f"fog-{beta}", images, root / "gtFine" / folder, tables)])


class NighttimeDriving(Driving):
    """Split: test, 50 photographs with coarse labels."""

    name = "nighttime_driving"
    splits = ("test",)

    def __init__(self, root: Path, split: str = "test") -> None:
        self.choose(split)
        tables = {"_gtCoarse_labelTrainIds.png": FROM_TRAIN_IDS, "_gtCoarse_labelIds.png": FROM_LABEL_IDS}
        images = list_images(root / "leftImg8bit/test/night", "_leftImg8bit.png")
        self.gather([Part("night", images, root / "gtCoarse_daytime_trainvaltest/test/night", tables)])
