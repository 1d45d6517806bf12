"""Views that decide an image's size, and models whose scores are resized before their logarithm is taken."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import transformers
from tiny_networks import CLASSES, save_transformers
from torch import nn
from torch.nn import functional

from robustbench_seg.alignment import align
from robustbench_seg.datasets import open_dataset
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.image_sizes import read_images
from robustbench_seg.measure.views import predict, rated_prediction, view_logits
from robustbench_seg.models import load_source
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.hf_processor import ProcessorResize
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.models.source import Source
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.view import View
from robustbench_seg.suites import Suite

CPU = torch.device("cpu")
IMAGE = torch.randint(256, (45, 70, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
BATCH = IMAGE.permute(2, 0, 1)[None]


def segmenter(**fields: Any) -> NetworkSegmenter:
    """A network at stride 4 that sees where it is, through a convolution that pads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4, padding=2), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    about = {"licence": "", "checkpoint_sha256": "", "about": ""}
    return NetworkSegmenter(name="net", network=network, class_names=("a", "b", "c"), **about, **fields)


def resize(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)


@pytest.mark.parametrize(("multiple", "size"), [(32, (64, 96)), (7, (49, 70)), (5, (45, 70))])
def test_a_padded_view_is_the_mean_colour_right_and_bottom_and_cropped_at_the_stride(
    multiple: int, size: tuple[int, int]
) -> None:
    """49 and 70 are no multiples of the network's stride: its logits are cropped at full size there."""
    model = segmenter()
    padded = torch.zeros(1, 3, *size)
    padded[:, :, :45, :70] = IMAGENET.normalise(BATCH)
    with torch.inference_mode():
        expected = model.network(padded)
        (got,) = view_logits(model, BATCH, View.parse(f"pad-{multiple}"))
    if size == (64, 96):
        expected = expected[:, :, :12, :18]
    elif size == (49, 70):
        expected = resize(expected, size)[:, :, :45, :70]
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=0)


def test_a_resized_view_has_that_size_without_antialias_and_is_scored_at_the_labels_size() -> None:
    model = segmenter(sides=(40, 96))
    resized = resize(BATCH.float(), (40, 96)).round()
    with torch.inference_mode():
        expected = resize(model.network(IMAGENET.normalise(resized.byte())), (45, 70)).argmax(dim=1)[0]
    assert torch.equal(predict(model, IMAGE, View.parse("resize-40x96"), (45, 70), "fp32"), expected)
    with pytest.raises(UsageError, match=r"net takes images of 40x96 alone, got 45x70: use the view resize-40x96$"):
        predict(model, IMAGE, View(), (45, 70), "fp32")


@pytest.mark.parametrize("name", ["pad-32", "pad-32-x2", "resize-512x1024", "resize-64x64-flip", "processor"])
def test_sized_views_are_read_from_their_names(name: str) -> None:
    assert str(View.parse(name)) == name
    suite = Suite(name="s", description="", dataset={"name": "streets", "split": "test"}, views=[name])
    assert str(suite.views[0]) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pad-0", "unknown view 'pad-0'"),
        ("resize-64", "unknown view"),
        ("resize-16x64", "unknown view"),
        ("resize-64x64-x2", "unknown view"),
        ("processor-x2", "unknown view"),
    ],
)
def test_sized_views_that_make_no_sense_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        View.parse(name)


def test_a_view_has_the_fields_that_stored_keys_hash() -> None:
    """One more would make each stored cell one that is missing; `batchnorm` enters a key only where it is set."""
    cell = QualityCell(
        model="m",
        dataset="d",
        split="test",
        corruption="fog",
        severity=3,
        view=View.parse("resize-64x64"),
        precision="fp32",
        seed=0,
    )
    assert sorted(cell.to_dict()["view"]) == ["crop", "flip", "mode", "scale", "stride"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "fields",
    [
        {"image_processor_type": "SegformerImageProcessor", "size": {"height": 48, "width": 96}},
        {"image_processor_type": "SegformerImageProcessor", "size": 64, "do_rescale": False},
        {
            "image_processor_type": "Mask2FormerImageProcessor", "size": {"shortest_edge": 40, "longest_edge": 100},
            "size_divisor": 32,
        },
        {"image_processor_type": "BeitImageProcessor", "size": {"height": 32, "width": 64}},
        {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 40}, "do_center_crop": False},
    ],
)  # fmt: skip
def test_the_view_processor_feeds_what_the_image_processor_of_transformers_makes(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    save_transformers("segformer", tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    model = load_source(Source.parse(f"hf:{tmp_path}"), "b0", CLASSES, CPU)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    expected = processor([BATCH[0]], return_tensors="pt")["pixel_values"].float()
    got = model.preprocessing.normalise(model.process_size(BATCH))
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "fields",
    [
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.875},
        {
            "image_processor_type": "Mask2FormerImageProcessor", "size": {"shortest_edge": 64, "longest_edge": 128},
            "pad_size": {"height": 128, "width": 128},
        },
    ],
)  # fmt: skip
def test_the_view_processor_is_refused_where_resizing_itself_crops_or_pads(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    """No step of such a file is called so, and the logits of a part would be stretched over the whole label."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(UsageError, match="Processor crops or pads images of 45x70, so that the view processor is not"):
        ProcessorResize(tmp_path)(BATCH)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("resample", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(32, 32), (45, 70), (90, 33), (512, 512)])
@pytest.mark.parametrize("kind", ["SegformerImageProcessor", "ViTImageProcessor"])
def test_the_view_processor_takes_any_filter_and_any_size(
    kind: str, size: tuple[int, int], resample: int, tmp_path: Path
) -> None:
    fields = {"image_processor_type": kind, "size": dict(zip(("height", "width"), size, strict=True))}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields | {"resample": resample}), encoding="utf-8")
    resize = ProcessorResize(tmp_path)
    for height, width in ((45, 70), (32, 300), (360, 480)):
        images = torch.zeros(1, 3, height, width, dtype=torch.uint8)
        assert resize(images).shape[2:] == size


@pytest.mark.filterwarnings("ignore")
def test_the_view_processor_is_refused_where_images_would_not_be_whole_or_there_is_none(tmp_path: Path) -> None:
    save_transformers("segformer", tmp_path)
    fields = {"image_processor_type": "MobileViTImageProcessor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    model = load_source(Source.parse(f"hf:{tmp_path}"), "b0", CLASSES, CPU)
    with pytest.raises(UsageError, match="its MobileViTImageProcessor crops images, so that the view processor is not"):
        predict(model, IMAGE, View.parse("processor"), (45, 70), "fp32")
    with pytest.raises(UsageError, match="net has no image processor, so that"):
        predict(segmenter(), IMAGE, View.parse("processor"), (45, 70), "fp32")
    constant = load_source(Source(model="constant"), "constant", CLASSES, CPU)
    with pytest.raises(UsageError, match="the view pad-32 is not for constant, which makes its input itself"):
        predict(constant, IMAGE, View.parse("pad-32"), (45, 70), "fp32")


class Masks(nn.Module):
    """Queries of a mask model: two classes, and three masks that differ from pixel to pixel."""

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        masks = functional.avg_pool2d(images, 4, ceil_mode=True) * 4
        classes = torch.tensor([[[2.0, -1.0, 0.0], [0.5, 1.0, 0.0], [-1.0, 3.0, 0.0]]]).expand(len(images), -1, -1)
        return {"class_queries_logits": classes, "masks_queries_logits": masks}


def masks_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    script = tmp_path / "masks_factory.py"
    script.write_text("from test_sized_views import Masks\n", encoding="utf-8")
    return load_source(Source.parse(f"{script}:Masks"), "masks", ("a", "b"), CPU)


def test_scores_of_masks_are_resized_before_their_logarithm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = masks_model(tmp_path, monkeypatch)
    output = Masks()(IMAGENET.normalise(BATCH))
    shares = output["class_queries_logits"].softmax(-1)
    scores = sum(shares[0, q, :2, None, None] * output["masks_queries_logits"][0, q].sigmoid() for q in range(3))
    at_label = resize(scores[None], (45, 70))[0]
    label = torch.randint(2, (45, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    rated = rated_prediction(model, IMAGE, View(), label, "fp32")
    assert torch.equal(rated.classes, at_label.argmax(dim=0))
    probabilities = at_label / at_label.sum(dim=0)  # softmax(log S) is S / sum S
    torch.testing.assert_close(rated.confidence, probabilities.amax(dim=0), atol=1e-5, rtol=0)
    expected = probabilities.gather(0, label[None].long())[0].log()
    torch.testing.assert_close(rated.log_likelihood, expected, atol=1e-5, rtol=0)
    assert rated.classes.unique().numel() == 2


def test_scores_of_masks_are_averaged_over_scales_and_grouped_by_an_alignment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = masks_model(tmp_path, monkeypatch)
    label = torch.zeros(45, 70, dtype=torch.uint8)
    view = View(scale=(1.0, 2.0))
    parts = [resize(scores, (45, 70))[0] for scores in view_logits(model, BATCH, view)]
    mean = sum(part / part.sum(dim=0) for part in parts) / 2
    rated = rated_prediction(model, IMAGE, view, label, "fp32")
    torch.testing.assert_close(rated.confidence, mean.amax(dim=0), atol=1e-5, rtol=0)
    model.alignment = align(("a", "b"), ("both",), {"a": "both", "b": "both"})
    rated = rated_prediction(model, IMAGE, View(), label, "fp32")
    torch.testing.assert_close(rated.confidence, torch.ones(45, 70), atol=1e-5, rtol=0)


def test_another_size_of_any_image_is_refused_before_the_run_and_no_image_is_decoded_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("images", "labels"):
        (tmp_path / place).mkdir()
    for number, size in enumerate([(40, 96), (40, 96), (48, 64)]):
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), np.full((*size, 3), 90, np.uint8))
        cv2.imwrite(str(tmp_path / f"labels/{number}.png"), np.zeros(size, np.uint8))
    (tmp_path / "dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky]\n", encoding="utf-8")
    dataset = open_dataset("mine", tmp_path)
    monkeypatch.setattr(type(dataset), "load", lambda self, image_id: pytest.fail("decoded"))
    assert dataset.survey(dataset.ids).sizes == {(40, 96): "0", (48, 64): "2"}
    model = segmenter()
    model.sides = (40, 96)
    whole = Suite(name="s", description="", dataset={"name": "mine", "split": "all"})
    read_images(dataset, dataset.ids[:2], whole, [model], lambda line: None)
    with pytest.raises(UsageError, match="takes images of 40x96 alone, got 48x64: use the view resize-40x96"):
        read_images(dataset, dataset.ids, whole, [model], lambda line: None)
    resized = Suite(name="s", description="", dataset={"name": "mine", "split": "all"}, views=["resize-40x96"])
    read_images(dataset, dataset.ids, resized, [model], lambda line: None)
