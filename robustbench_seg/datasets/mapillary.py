"""Mapillary Vistas 1.2, in Cityscapes' 19 classes or in its own 65.

    <root>/{training,validation}/images/<name>.jpg
    <root>/{training,validation}/v1.2/labels/<name>.png                    palette; its indices are the classes

Source: Neuhold et al., "The Mapillary Vistas Dataset for Semantic Understanding of Street Scenes", ICCV 2017; order and
colours of the classes as MMSegmentation and wd2_unified_label_policy.json of ozendelait/wilddash_scripts have them. The
class of Cityscapes is the one that this policy gives to the first WildDash class that stands for a Vistas class;
published scores may use other maps, which differ in curbs, lane markings and barriers. 18,000 training and 2,000
validation images of many sizes, up to more than 20 megapixels.
"""

from pathlib import Path

from ..errors import UsageError
from .base import IGNORE
from .driving import Driving, Part, from_names
from .folders import list_images

__all__ = ["CLASSES", "Mapillary"]

FOLDERS = {"train": "training", "val": "validation"}
CLASSES = (
    "Bird", "Ground Animal", "Curb", "Fence", "Guard Rail", "Barrier", "Wall", "Bike Lane", "Crosswalk - Plain",
    "Curb Cut", "Parking", "Pedestrian Area", "Rail Track", "Road", "Service Lane", "Sidewalk", "Bridge", "Building",
    "Tunnel", "Person", "Bicyclist", "Motorcyclist", "Other Rider", "Lane Marking - Crosswalk",
    "Lane Marking - General", "Mountain", "Sand", "Sky", "Snow", "Terrain", "Vegetation", "Water", "Banner", "Bench",
    "Bike Rack", "Billboard", "Catch Basin", "CCTV Camera", "Fire Hydrant", "Junction Box", "Mailbox", "Manhole",
    "Phone Booth", "Pothole", "Street Light", "Pole", "Traffic Sign Frame", "Utility Pole", "Traffic Light",
    "Traffic Sign (Back)", "Traffic Sign (Front)", "Trash Can", "Bicycle", "Boat", "Bus", "Car", "Caravan",
    "Motorcycle", "On Rails", "Other Vehicle", "Trailer", "Truck", "Wheeled Slow", "Car Mount", "Ego Vehicle",
)  # fmt: skip
UNLABELLED = len(CLASSES)
COLOURS = """
a52a2a 00c000 c4c4c4 be9999 b4a5b4 5a7896 66669c 8040ff 8c8cc8 aaaaaa faaaa0 606060 e6968c 804080 6e6e6e f423e8
966464 464646 96785a dc143c ff0000 ff0064 ff00c8 c88080 ffffff 40aa40 e6a032 4682b4 beffff 98fb98 6b8e23 00aa1e
ffff80 fa001e 648cb4 dcdcdc dc8080 de2828 64aa1e 282828 212121 6480a0 8e0000 466496 d2aa64 999999 808080 000050
faaa1e c0c0c0 dcdc00 8c8c14 770b20 9600ff 003c64 00008e 00005a 0000e6 005064 804040 00006e 000046 0000c0 202020
780a0a
"""
TO_CITYSCAPES = {
    "road": (
        "Road", "Lane Marking - General", "Lane Marking - Crosswalk", "Crosswalk - Plain", "Bike Lane", "Service Lane",
        "Pedestrian Area", "Manhole", "Pothole", "Catch Basin",
    ),
    "sidewalk": ("Sidewalk", "Curb", "Curb Cut"),
    "building": ("Building",),
    "wall": ("Wall", "Barrier"),
    "fence": ("Fence",),
    "pole": ("Pole", "Traffic Sign Frame", "Utility Pole"),
    "traffic light": ("Traffic Light",),
    "traffic sign": ("Traffic Sign (Front)",),
    "vegetation": ("Vegetation",),
    "terrain": ("Terrain",),
    "sky": ("Sky",),
    "person": ("Person",),
    "rider": ("Bicyclist", "Motorcyclist", "Other Rider"),
    "car": ("Car",),
    "truck": ("Truck",),
    "bus": ("Bus",),
    "train": ("On Rails",),
    "motorcycle": ("Motorcycle",),
    "bicycle": ("Bicycle",),
}  # fmt: skip


class Mapillary(Driving):
    """Splits: train and val. classes: "cityscapes", or "own": all 65."""

    name = "mapillary"
    splits = tuple(FOLDERS)

    def __init__(self, root: Path, split: str = "val", *, classes: str = "cityscapes") -> None:
        self.choose(split)
        if classes not in ("cityscapes", "own"):
            raise UsageError(f"mapillary: classes must be cityscapes or own, got {classes!r}")
        table = from_names(CLASSES, TO_CITYSCAPES)
        if classes == "own":
            self.class_names = CLASSES
            self.palette = tuple((red, green, blue) for red, green, blue in map(bytes.fromhex, COLOURS.split()))
            table = {value: value for value in range(len(CLASSES))}
        folder = root / FOLDERS[split]
        images = list_images(folder / "images", ".jpg", ".jpeg")
        self.gather([Part("", images, folder / "v1.2/labels", {".png": table | {UNLABELLED: IGNORE}})])
