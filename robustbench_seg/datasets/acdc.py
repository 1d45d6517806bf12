"""ACDC and Dark Zurich: streets in fog, night, rain and snow, by the same authors and in nearly the same layout.

    ACDC        <root>/rgb_anon/{fog,night,rain,snow}/<split>/<sequence>/<name>_rgb_anon.png
                <root>/gt/{fog,night,rain,snow}/<split>/<sequence>/<name>_gt_labelTrainIds.png    or ..._labelIds.png
    reference   <root>/rgb_anon/<condition>/<split>_ref/<sequence>/<name>_rgb_ref_anon.png
                <root>/gt/<condition>/<split>_ref/<sequence>/<name>_gt_ref_labelTrainIds.png
    Dark Zurich <root>/rgb_anon/val/.../<name>_rgb_anon.png
                <root>/gt/val/.../<name>_gt_labelTrainIds.png

Sources: Sakaridis, Dai, Van Gool, "ACDC: The Adverse Conditions Dataset with Correspondences", ICCV 2021 and
arXiv 2104.13395 (version 4 labels 1,503 reference images); the same, "Guided Curriculum Model Adaptation and
Uncertainty-Aware Evaluation for Semantic Nighttime Image Segmentation", ICCV 2019. 4,006 adverse images. Of the test
splits the labels are on the authors' server.

A reference image shows the place of an adverse one in clear weather by day: they are the clean partner.
"""

from collections.abc import Sequence
from pathlib import Path

from .driving import FROM_LABEL_IDS, FROM_TRAIN_IDS, Driving, Part
from .folders import list_images

__all__ = ["ACDC", "DarkZurich"]

CONDITIONS = ("fog", "night", "rain", "snow")
REFERENCE = "reference"
PARTS = ("", *(f"-{condition}" for condition in CONDITIONS), "-ref", "-with-ref")


class ACDC(Driving):
    """Splits: train, val, and test where you have labels: all adverse images. With -fog, -night, -rain or -snow the
    images of one condition, with -ref the reference images, with -with-ref the adverse and the reference images.
    """

    name = "acdc"
    splits = tuple(f"{split}{part}" for split in ("train", "val", "test") for part in PARTS)

    def __init__(self, root: Path, split: str = "val") -> None:
        self.choose(split)
        split, _, part = split.partition("-")
        parts = []
        for condition in CONDITIONS:
            if part in ("", "with-ref", condition):
                parts.append(part_of(root, condition, split, condition, ""))
            if part in ("ref", "with-ref"):
                parts.append(part_of(root, condition, f"{split}_ref", REFERENCE, "_ref"))
        self.gather(parts)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """A sequence: what one camera recorded in one drive."""
        return tuple(map(sequence_of, ids))


def part_of(root: Path, folder: str, split: str, condition: str, kind: str) -> Part:
    tables = {f"_gt{kind}_labelTrainIds.png": FROM_TRAIN_IDS, f"_gt{kind}_labelIds.png": FROM_LABEL_IDS}
    images = list_images(root / "rgb_anon" / folder / split, f"_rgb{kind}_anon.png")
    return Part(condition, images, root / "gt" / folder / split, tables)


def sequence_of(image_id: str) -> str:
    """GOPR0475 of fog/GOPR0475_frame_000041."""
    return image_id.rpartition("/")[2].partition("_frame_")[0]


class DarkZurich(Driving):
    """Split: val, 50 images of one night."""

    name = "dark_zurich"
    splits = ("val",)

    def __init__(self, root: Path, split: str = "val") -> None:
        self.choose(split)
        tables = {"_gt_labelTrainIds.png": FROM_TRAIN_IDS, "_gt_labelIds.png": FROM_LABEL_IDS}
        self.gather([Part("night", list_images(root / "rgb_anon/val", "_rgb_anon.png"), root / "gt/val", tables)])

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """A sequence, as of ACDC."""
        return tuple(map(sequence_of, ids))
