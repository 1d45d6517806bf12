"""COCO-Stuff 164k: the images of COCO 2017 with the label maps of stuffthingmaps_trainval2017.zip.

    <root>/images/{train2017,val2017}/<number>.jpg              as the authors and MMSegmentation lay it out
    <root>/annotations/{train2017,val2017}/<number>.png
or  <root>/{train2017,val2017}/<number>.jpg                     as some keep COCO
    <root>/stuffthingmaps/{train2017,val2017}/<number>.png

Source: Caesar, Uijlings, Ferrari, "COCO-Stuff: Thing and Stuff Classes in Context", CVPR 2018; labels.txt of their
repository. 118,287 training and 5,000 validation images of many sizes. A label file holds a class's number in that list
less one, 0 .. 181, and 255 for unlabelled.

171 classes, not 172. The list has 91 things and 91 stuff; eleven of the things have no annotation in COCO, which leaves
80 + 91. The authors, and the SegFormer paper after them, count "unlabeled" as the 172nd; but no pixel of it is scored
or learnt from, so a head with an output for it gains nothing, and a mean over classes must not hold it. MMSegmentation
has the same 171 in the same order. The images have the licences that their makers chose on Flickr, and not all
of these allow changed copies, as a corrupted image is one, so reports do not show them.
"""

from pathlib import Path

from .base import IGNORE
from .file_dataset import FileDataset, label_table
from .folders import list_images, pair
from .voc import colour_of

__all__ = ["COCOStuff"]

FOLDERS = {"train": "train2017", "val": "val2017"}
CONVERTED = ("_labelTrainIds.png",)  # what MMSegmentation's conversion adds to the labels; not needed here
LAYOUTS = (("images", "annotations"), ("", "stuffthingmaps"))  # where the two folders of images and of labels are
CLASS_NAMES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator",
    "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush", "banner", "blanket", "branch",
    "bridge", "building-other", "bush", "cabinet", "cage", "cardboard", "carpet", "ceiling-other", "ceiling-tile",
    "cloth", "clothes", "clouds", "counter", "cupboard", "curtain", "desk-stuff", "dirt", "door-stuff", "fence",
    "floor-marble", "floor-other", "floor-stone", "floor-tile", "floor-wood", "flower", "fog", "food-other", "fruit",
    "furniture-other", "grass", "gravel", "ground-other", "hill", "house", "leaves", "light", "mat", "metal",
    "mirror-stuff", "moss", "mountain", "mud", "napkin", "net", "paper", "pavement", "pillow", "plant-other", "plastic",
    "platform", "playingfield", "railing", "railroad", "river", "road", "rock", "roof", "rug", "salad", "sand", "sea",
    "shelf", "sky-other", "skyscraper", "snow", "solid-other", "stairs", "stone", "straw", "structural-other", "table",
    "tent", "textile-other", "towel", "tree", "vegetable", "wall-brick", "wall-concrete", "wall-other", "wall-panel",
    "wall-stone", "wall-tile", "wall-wood", "water-other", "waterdrops", "window-blind", "window-other", "wood",
)  # fmt: skip
# Numbers in the authors' list, which starts at 1, of the things without any annotation: street sign, hat, shoe,
# eye glasses, plate, mirror, window, desk, door, blender, hair brush.
NEVER_ANNOTATED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
NUMBERS = tuple(number for number in range(1, 183) if number not in NEVER_ANNOTATED)  # of each class


class COCOStuff(FileDataset):
    """171 classes: 80 things and 91 stuff; label value 255 (unlabelled) is ignored. Splits: train and val."""

    name = "cocostuff"
    splits = tuple(FOLDERS)
    shows_images = False
    class_names = CLASS_NAMES
    palette = tuple(map(colour_of, NUMBERS))

    def __init__(self, root: Path, split: str = "val") -> None:
        self.choose(split)
        folder = FOLDERS[split]
        layouts = (layout for layout in LAYOUTS if (root / layout[0] / folder).is_dir())
        images, labels = next(layouts, LAYOUTS[0])
        files = list_images(root / images / folder, ".jpg", ".jpeg")
        pairs = pair(files, root / labels / folder, ".png", but=CONVERTED)
        table = label_table({n - 1: k for k, n in enumerate(NUMBERS)} | {255: IGNORE})
        super().__init__(pairs.files, table, pairs.notes)
