"""Errors over an image name it, once."""

import traceback
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scenes import Scenes
from test_views import Quarter

from robustbench_seg.datasets import open_dataset
from robustbench_seg.errors import DataError, MachineError, UsageError
from robustbench_seg.measure import prepare as prepare_module
from robustbench_seg.measure.evaluate import evaluate
from robustbench_seg.measure.prepare import prepare
from robustbench_seg.measure.workers import Loader
from robustbench_seg.store.cell import Condition, Setting
from robustbench_seg.store.view import View

FOG = Condition("fog", 3)


class Failing(Quarter):
    """Raises at the second image."""

    class_names = Scenes.class_names

    def __init__(self, error: Exception) -> None:
        self.error, self.seen = error, 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        if self.seen == 2:
            raise self.error
        return super().__call__(images)[:, :1].repeat(1, len(self.class_names), 1, 1)


def test_an_image_too_small_for_a_corruption_is_named_with_its_file(camvid_folder: Path) -> None:
    for folder, shape in (("test", (20, 48, 3)), ("testannot", (20, 48))):
        cv2.imwrite(str(camvid_folder / folder / "frame_1.png"), np.zeros(shape, np.uint8))
    dataset = open_dataset("camvid", camvid_folder)
    expected = rf"^frame_1 \({camvid_folder}/test/frame_1\.png\): image is 20x48 px; both sides must be at least 32 px$"
    with pytest.raises(DataError, match=expected):
        prepare(dataset, FOG, "frame_1")
    with Loader(1) as loader, pytest.raises(DataError, match=expected):
        evaluate(Failing(RuntimeError()), dataset, dataset.ids[1:], loader, Setting(condition=FOG))


def test_labels_that_a_model_has_no_class_for_are_said_with_the_image() -> None:
    dataset = Scenes()
    with pytest.raises(DataError, match=r"^streets_000000_2000000: class \d+ is outside 0 \.\. 2$"):
        evaluate(Quarter(), dataset, dataset.ids, Loader(0))


def test_an_image_too_small_for_a_view_is_named_with_its_file(camvid_folder: Path) -> None:
    dataset = open_dataset("camvid", camvid_folder)
    where = rf"^frame_0 \({camvid_folder}/test/frame_0\.png\): an image of 20x24 pixels, at its view's scale, has "
    with pytest.raises(UsageError, match=where):
        evaluate(Quarter(), dataset, dataset.ids, Loader(0), Setting(view=View(scale=0.5)))


@pytest.mark.parametrize(
    ("error", "raised", "text"),
    [
        (UsageError("bad logits"), UsageError, "streets_000000_2000001: bad logits"),
        (ValueError("too small for a pool"), DataError, "streets_000000_2000001: too small for a pool"),
        (DataError("its file is named"), DataError, "its file is named"),
        (MachineError("no textures"), MachineError, "no textures"),
    ],
)
def test_a_fault_in_a_model_names_the_image_once(error: Exception, raised: type[Exception], text: str) -> None:
    dataset = Scenes()
    with pytest.raises(raised) as caught:
        evaluate(Failing(error), dataset, dataset.ids, Loader(0))
    assert str(caught.value) == text


def test_any_other_error_keeps_its_type_and_has_the_image_in_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Scenes()
    with pytest.raises(RuntimeError, match="out of registers") as caught:
        evaluate(Failing(RuntimeError("out of registers")), dataset, dataset.ids, Loader(0))
    assert traceback.format_exception(caught.value)[-2:] == [
        "RuntimeError: out of registers\n",
        "image streets_000000_2000001\n",
    ]

    def broken(*given: object, **how: object) -> object:
        raise KeyError("depth")

    monkeypatch.setattr(prepare_module, "corrupt", broken)
    with pytest.raises(KeyError, match="depth") as caught:
        prepare(dataset, FOG, dataset.ids[0])
    assert caught.value.__notes__ == ["image streets_000000_2000000"]
