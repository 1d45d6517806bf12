"""What Cityscapes networks of others call terrain on CamVid's frames: the reason for a line of the shipped map."""

from pathlib import Path

import numpy as np
import pytest
import seg_zoo
import torch
from torch.nn.functional import interpolate
from zoo_files import needs_weights, path_of

from robustbench_seg.alignment import SHIPPED
from robustbench_seg.datasets.base import IGNORE
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.cityscapes import CLASS_NAMES

CAMVID = Path(__file__).parents[3] / "shared/camvid"
FRAMES = 5  # of the training split, evenly spaced
pytestmark = [needs_weights, pytest.mark.skipif(not CAMVID.is_dir(), reason=f"no CamVid in {CAMVID}")]


def test_most_labelled_pixels_that_a_network_calls_terrain_are_tree() -> None:
    model, dataset = seg_zoo.make(path_of("zh320_fpenet_cityscapes_crop1024.pth")), CamVid(CAMVID, "train")
    counts = np.zeros(len(CamVid.class_names), np.int64)
    for image_id in dataset.ids[:: len(dataset.ids) // FRAMES]:
        sample = dataset.load(image_id)
        image = torch.from_numpy(np.ascontiguousarray(sample.image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            logits = interpolate(model(image).float(), sample.label.shape, mode="bilinear")
        called = logits[0].argmax(0).numpy() == CLASS_NAMES.index("terrain")
        counts += np.bincount(sample.label[called & (sample.label != IGNORE)], minlength=len(counts))
    assert counts.sum() > 1000
    most = CamVid.class_names[int(counts.argmax())]
    assert counts.max() > counts.sum() / 2
    assert SHIPPED["cityscapes-to-camvid"]["terrain"] == most == "tree"
