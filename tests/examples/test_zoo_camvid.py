"""Two networks of others on CamVid's 233 test frames: their published figures, from published weights.

Minutes on one core, so only where SEG_ZOO_CAMVID=1 asks for it. The tables are counted here, plainly.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import seg_zoo
import torch
from numpy.typing import NDArray
from zoo_files import needs_weights, path_of

from robustbench_seg.datasets.base import IGNORE
from robustbench_seg.datasets.camvid import UNLABELLED, CamVid

CAMVID = Path(__file__).parents[3] / "shared/camvid"
pytestmark = [
    needs_weights,
    pytest.mark.skipif(not CAMVID.is_dir(), reason=f"no CamVid in {CAMVID}"),
    pytest.mark.skipif(os.environ.get("SEG_ZOO_CAMVID") != "1", reason="takes minutes: set SEG_ZOO_CAMVID=1"),
]


def confusion(name: str) -> NDArray[np.int64]:
    """Count all test frames' pixels by label, with the unlabelled ones last, and by predicted class."""
    model, dataset = seg_zoo.make(path_of(name)), CamVid(CAMVID)
    side = len(CamVid.class_names) + 1
    counts = np.zeros((side, side), dtype=np.int64)
    for image_id in dataset.ids:
        sample = dataset.load(image_id)
        image = torch.from_numpy(np.ascontiguousarray(sample.image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            predicted = model(image)[0].argmax(0).numpy()
        label = np.where(sample.label == IGNORE, UNLABELLED, sample.label).astype(np.int64)
        counts += np.bincount((label * side + predicted).ravel(), minlength=side * side).reshape(side, side)
    assert len(dataset.ids) == 233
    return counts


def mean_iou(counts: NDArray[np.int64]) -> float:
    """The mean IoU of the eleven classes, in %."""
    right = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - right
    return float(100 * (right[:UNLABELLED] / union[:UNLABELLED]).mean())


def test_espnet_has_its_published_figures_if_unlabelled_pixels_count() -> None:
    counts = confusion("espnet_p2q8_camvid_480x360.pth")
    assert mean_iou(counts) == pytest.approx(55.64, abs=0.05)
    recall = np.diag(counts)[:UNLABELLED] / counts.sum(1)[:UNLABELLED]
    assert 100 * recall.mean() == pytest.approx(68.30, abs=0.05)


def test_cgnet_has_its_papers_figure_if_unlabelled_pixels_do_not_count() -> None:
    counts = confusion("cgnet_m3n21_camvid_trainval.pth")
    counts[UNLABELLED] = 0
    assert mean_iou(counts) == pytest.approx(65.6, abs=0.3)
