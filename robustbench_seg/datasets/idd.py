"""The India Driving Dataset's segmentation, in Cityscapes' 19 classes (the root is the folder of the archive).

    <root>/leftImg8bit/{train,val}/<drive>/<frame>_leftImg8bit.png                or .jpg, in its second part
    <root>/gtFine/{train,val}/<drive>/<frame>_gtFine_labelcsTrainIds.png          or ..._gtFine_labelids.png

Source: Varma et al., "IDD: A Dataset for Exploring Problems of Autonomous Navigation in Unconstrained Environments",
WACV 2019; ids and their trainIds as in helpers/anue_labels.py of AutoNUE/public-code. The archive has polygons; that
repository's createLabels.py makes PNG files of them. Non-drivable fallback counts as terrain; autorickshaw, curb,
billboard, guard rail and others are ignored.
"""

from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError
from .base import IGNORE
from .driving import FROM_TRAIN_IDS, Driving
from .file_dataset import FileDataset, label_table
from .patterns import list_pattern, pair_patterns

__all__ = ["IDD"]

# The id of each trainId.
IDS = (0, 3, 29, 20, 21, 26, 25, 24, 32, 5, 33, 6, 8, 12, 13, 14, 17, 9, 10)
FROM_IDS = dict.fromkeys([*range(40), IGNORE], IGNORE) | {value: k for k, value in enumerate(IDS)}
TABLES = {"csTrainIds": FROM_TRAIN_IDS, "ids": FROM_IDS}
COMMAND = "python preperation/createLabels.py --datadir ROOT --id-type csTrainId"


class IDD(Driving):
    """Splits: train and val. An id is the drive and the frame."""

    name = "idd"
    splits = ("train", "val")

    def __init__(self, root: Path, split: str = "val") -> None:
        self.choose(split)
        images = list_pattern(root, f"leftImg8bit/{split}/**/*_leftImg8bit*", (".png", ".jpg", ".jpeg"))
        kinds = [kind for kind in TABLES if next((root / "gtFine" / split).rglob(f"*_gtFine_label{kind}.png"), None)]
        if not kinds:
            raise DataError(
                f"{root / 'gtFine' / split}: holds no ..._gtFine_labelcsTrainIds.png; AutoNUE/public-code makes them "
                f"of the polygons: {COMMAND}"
            )
        pattern = f"gtFine/{split}/**/*_gtFine_label{kinds[0]}.png"
        pairs = pair_patterns(images, list_pattern(root, pattern, ()), pattern)
        FileDataset.__init__(self, pairs.files, label_table(TABLES[kinds[0]]), pairs.notes)

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        """A drive."""
        return tuple(image_id.partition("_")[0] for image_id in ids)
