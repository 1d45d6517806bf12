"""What reports state of a model whose classes differ from the data set's."""

from pathlib import Path

import numpy as np
from counted import write_cell

from robustbench_seg.studies.alignments import limits_of_classes
from robustbench_seg.studies.frame import quality_frame

LABELLED = np.array([[60, 30, 10], [50, 50, 0]])
RIGHT = np.array([[40, 10, 0], [30, 20, 0]])
PREDICTED = np.array([[50, 20, 10], [50, 30, 0]])  # 160 of 200: 20 % are given no class
ALIGNMENT = (("road", "class 0"), ("path", "class 0"), ("heaven", "class 1"), ("boat", None))


def test_what_maps_to_nothing_is_stated_with_the_share_of_pixels(tmp_path: Path) -> None:
    write_cell(tmp_path, (RIGHT, PREDICTED, LABELLED), ["a", "b"], model="five", alignment=ALIGNMENT)
    write_cell(tmp_path, (RIGHT, LABELLED, LABELLED), ["a", "b"], model="own")
    write_cell(tmp_path, (RIGHT, RIGHT, LABELLED), ["a", "b"], ("fog", 3), model="five", alignment=ALIGNMENT)
    cells = quality_frame(tmp_path)
    assert limits_of_classes(cells.assign(title=cells["model"])) == [
        "five: of the model's 4 classes, 1 maps to nothing (boat); 20.0 % of the labelled pixels of clean images are "
        "predicted as such, and count as wrong.",
        "five: no class of the model maps to class 2; where this class occurs, its IoU is 0 and counts in the mean.",
    ]
