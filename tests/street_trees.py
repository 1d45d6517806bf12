"""Data sets in small: noise and label maps that hold every value, in the layouts of their authors."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pngs import chunk, raw_png

SIZE = (40, 48)
TRAIN_IDS = [*range(19), 255]
LABEL_IDS = list(range(34))
STEM = "GOPR0356_frame_000321"


def write_pair(image: Path, label: Path, values: Sequence[int], *, palette: bool = False) -> None:
    """Write noise, and a label map that holds all of `values`."""
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    seed = len(str(image.name))
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)).save(image)
    samples = np.resize(np.array(values), SIZE)
    before = chunk(b"PLTE", bytes(768)) if palette else b""
    label.write_bytes(raw_png(samples, 8, 3 if palette else 0, before=before))


def acdc(root: Path, kind: str = "labelTrainIds", split: str = "val") -> Path:
    values = TRAIN_IDS if kind == "labelTrainIds" else LABEL_IDS
    for number, condition in enumerate(("fog", "night", "rain", "snow")):
        for sequence in range(2):
            name = f"GOPR{number}{sequence}"
            for frame in (41, 122):
                place, stem = f"{split}/{name}", f"{name}_frame_{frame:06d}"
                write_pair(
                    root / f"rgb_anon/{condition}/{place}/{stem}_rgb_anon.png",
                    root / f"gt/{condition}/{place}/{stem}_gt_{kind}.png",
                    values,
                )
                (root / f"gt/{condition}/{place}/{stem}_gt_labelColor.png").write_bytes(b"colours")
                write_pair(
                    root / f"rgb_anon/{condition}/{split}_ref/{name}/{stem}_rgb_ref_anon.png",
                    root / f"gt/{condition}/{split}_ref/{name}/{stem}_gt_ref_{kind}.png",
                    values,
                )
    return root


def dark_zurich(root: Path) -> Path:
    write_pair(
        root / f"rgb_anon/val/night/GOPR0356/{STEM}_rgb_anon.png",
        root / f"gt/val/night/GOPR0356/{STEM}_gt_labelTrainIds.png",
        TRAIN_IDS,
    )
    write_pair(root / f"rgb_anon/val_ref/day/GOPR0356_ref/{STEM}_rgb_ref_anon.png", root / "unused.png", [0])
    return root


def nighttime_driving(root: Path) -> Path:
    write_pair(
        root / "leftImg8bit/test/night/0_Frame0064_leftImg8bit.png",
        root / "gtCoarse_daytime_trainvaltest/test/night/0_Frame0064_gtCoarse_labelTrainIds.png",
        TRAIN_IDS,
    )
    return root


def foggy_cityscapes(root: Path) -> Path:
    name = "val/lindau/lindau_000000_000019"
    for beta in ("0.005", "0.01", "0.02"):
        image = root / f"leftImg8bit_foggy/{name}_leftImg8bit_foggy_beta_{beta}.png"
        write_pair(image, root / f"gtFine/{name}_gtFine_labelIds.png", LABEL_IDS)
    return root


def bdd100k(root: Path) -> Path:
    frames = []
    weathers = [("rainy", "night"), ("partly cloudy", "dawn/dusk"), ("clear", "daytime")]
    for k, (weather, hour) in enumerate(weathers):
        write_pair(root / f"images/10k/val/{k}.jpg", root / f"labels/sem_seg/masks/val/{k}.png", TRAIN_IDS)
        if k < 2:
            frames.append({"name": f"{k}.jpg", "attributes": {"weather": weather, "timeofday": hour}})
    (root / "labels/bdd100k_labels_images_val.json").write_text(json.dumps(frames))
    return root


def idd(root: Path, kind: str = "csTrainIds", values: Sequence[int] = TRAIN_IDS) -> Path:
    for drive, ending in ((119, "png"), (201, "jpg")):
        write_pair(
            root / f"leftImg8bit/val/{drive}/frame0029_leftImg8bit.{ending}",
            root / f"gtFine/val/{drive}/frame0029_gtFine_label{kind}.png",
            values,
        )
        (root / f"gtFine/val/{drive}/frame0029_gtFine_polygons.json").write_text("{}")
    return root


def wilddash2(root: Path) -> Path:
    write_pair(root / "images/aa0000.jpg", root / "labels/aa0000.png", range(81))
    return root


def mapillary(root: Path) -> Path:
    folder = root / "validation"
    write_pair(folder / "images/x.jpg", folder / "v1.2/labels/x.png", range(66), palette=True)
    return root


def gta5(root: Path) -> Path:
    for name in ("00001", "15188", "24966"):
        write_pair(root / f"images/{name}.png", root / f"labels/{name}.png", range(35), palette=True)
    return root


def voc(root: Path) -> Path:
    write_pair(root / "JPEGImages/2007_000033.jpg", root / "SegmentationClass/2007_000033.png", range(21), palette=True)
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("2007_000033\n")
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    tree.__name__: tree
    for tree in (acdc, dark_zurich, nighttime_driving, foggy_cityscapes, bdd100k, idd, wilddash2, mapillary, gta5, voc)
}
