"""WildDash 2 in Cityscapes' 19 classes (the root is the folder of wd_public_02.zip).

    <root>/images/<name>.jpg
    <root>/labels/<name>.png                      WildDash 2's ids; or <name>_labelIds.png, as its pano2sem.py writes
or  <root>/panoptic.json and <root>/panoptic/<name>.png

Source: Zendel et al., "Unifying Panoptic Segmentation for Autonomous Driving", CVPR 2022; ids, names and the class of
Cityscapes of each as in wd2_unified_label_policy.json of ozendelait/wilddash_scripts. An autorickshaw counts as
motorcycle, a pickup as truck, a van as car; static, dynamic, ground and the classes that Cityscapes does not score are
ignored.
"""

from pathlib import Path

from .base import LabelMap
from .driving import Driving, Part, from_names
from .folders import list_images
from .panoptic import Panoptic

__all__ = ["NAMES", "WildDash2"]

NAMES = (  # by id
    "unlabeled", "egovehicle", "overlay", "outofroi", "static", "dynamic", "ground", "road", "sidewalk", "parking",
    "railtrack", "building", "wall", "fence", "guardrail", "bridge", "tunnel", "pole", "polegroup", "trafficlight",
    "trafficsign", "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan", "trailer",
    "onrails", "motorcycle", "bicycle", "pickup", "van", "billboard", "streetlight", "roadmarking", "junctionbox",
    "mailbox", "manhole", "phonebooth", "pothole", "bikerack", "trafficsignframe", "utilitypole", "motorcyclist",
    "bicyclist", "otherrider", "bird", "groundanimal", "curb", "trafficsignany", "trafficsignback", "trashcan",
    "otherbarrier", "othervehicle", "autorickshaw", "bench", "mountain", "tramtrack", "wheeledslow", "boat", "bikelane",
    "bikelanesidewalk", "banner", "dashcammount", "water", "sand", "pedestrianarea", "firehydrant", "cctvcamera",
    "snow", "catchbasin", "crosswalkplain", "crosswalkzebra", "manholesidewalk", "curbterrain", "servicelane",
    "curbcut",
)  # fmt: skip
TO_CITYSCAPES = {
    "road": (
        "road", "roadmarking", "manhole", "pothole", "tramtrack", "bikelane", "pedestrianarea", "catchbasin",
        "crosswalkplain", "crosswalkzebra", "servicelane",
    ),
    "sidewalk": ("sidewalk", "curb", "bikelanesidewalk", "manholesidewalk", "curbcut"),
    "building": ("building",),
    "wall": ("wall", "otherbarrier"),
    "fence": ("fence",),
    "pole": ("pole", "trafficsignframe", "utilitypole"),
    "traffic light": ("trafficlight",),
    "traffic sign": ("trafficsign",),
    "vegetation": ("vegetation",),
    "terrain": ("terrain", "curbterrain"),
    "sky": ("sky",),
    "person": ("person",),
    "rider": ("rider", "motorcyclist", "bicyclist", "otherrider"),
    "car": ("car", "van"),
    "truck": ("truck", "pickup"),
    "bus": ("bus",),
    "train": ("onrails",),
    "motorcycle": ("motorcycle", "autorickshaw"),
    "bicycle": ("bicycle",),
}  # fmt: skip


class WildDash2(Driving):
    """Split: all, the 4,256 public images."""

    name = "wilddash2"
    splits = ("all",)

    def __init__(self, root: Path, split: str = "all") -> None:
        self.choose(split)
        table = from_names(NAMES, TO_CITYSCAPES)
        images = list_images(root / "images", ".jpg", ".jpeg")
        self.panoptic = None if (root / "labels").is_dir() else Panoptic.read(root / "panoptic.json", table)
        labels = root / ("labels" if self.panoptic is None else "panoptic")
        self.gather([Part("", images, labels, {"_labelIds.png": table, ".png": table})])

    def read_label(self, image_id: str) -> bytes:
        if self.panoptic is None:
            return super().read_label(image_id)
        return self.panoptic.content(self.pairs[image_id][1])

    def trainids(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        return super().trainids(content, size) if self.panoptic is None else self.panoptic.label(content, size)
