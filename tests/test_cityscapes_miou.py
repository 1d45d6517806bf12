"""mIoU equals that of cityscapesScripts' own evaluation of the same predictions, on a folder in Cityscapes' layout."""

from pathlib import Path

import cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling as official  # noqa: N813
import cv2
import numpy as np
import pytest

from robustbench_seg.datasets import IGNORE, open_dataset
from robustbench_seg.datasets.cityscapes import LABEL_IDS
from robustbench_seg.metrics import count_classes, iou_per_class, miou


def test_miou_equals_cityscapesscripts_to_the_digit(
    cityscapes_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset("cityscapes", cityscapes_root, split="test")
    rng = np.random.default_rng(0)
    predictions, truths, each = [], [], []
    for image_id in dataset.ids:
        label = dataset.load(image_id).label
        prediction = np.where(rng.random(label.shape) < 0.7, label, rng.integers(0, 19, label.shape))
        prediction[label == IGNORE] = rng.integers(0, 19)  # what is said of void must not matter
        # Class 16 is never predicted, and where the drawn scenes have none it is absent altogether.
        prediction[prediction == 16] = 0
        each.append(count_classes(prediction, label, 19, IGNORE))
        predictions.append(str(tmp_path / f"{image_id}.png"))
        truths.append(str(cityscapes_root / "gtFine/test/streets" / f"{image_id}_gtFine_labelIds.png"))
        cv2.imwrite(predictions[-1], np.array(LABEL_IDS, np.uint8)[prediction])
    counts = {name: sum(one[name] for one in each) for name in ("intersection", "predicted", "labelled")}

    monkeypatch.setattr(official.args, "evalInstLevelScore", False)
    monkeypatch.setattr(official.args, "quiet", True)
    monkeypatch.setattr(official.args, "JSONOutput", False)
    results = official.evaluateImgLists(predictions, truths, official.args)
    assert miou(counts) == pytest.approx(results["averageScoreClasses"], abs=1e-14)
    scores = [results["classScores"][name] for name in dataset.class_names]
    np.testing.assert_allclose(iou_per_class(counts), scores, atol=1e-14)
