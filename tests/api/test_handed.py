"""What is handed over: names of classes in any ordered form, and Segmenters whose identity is of their logits alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Small, drawn
from tiny_networks import CLASSES, make_transformers
from torch import Tensor, nn

import robustbench_seg as rb
from robustbench_seg.api.handed import made_of
from robustbench_seg.errors import UsageError
from robustbench_seg.models.base import NetworkSegmenter, Segmenter
from robustbench_seg.models.network_identity import NetworkValues, without_notes
from segformer import build, export_onnx

NAMES = ("road", "sky")
IMAGES = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)


@pytest.mark.parametrize(
    "classes",
    [dict(enumerate(NAMES)).values(), dict.fromkeys(NAMES).keys(), np.array(NAMES), [*map(np.str_, NAMES)]],
    ids=["values", "keys", "array", "texts of numpy"],
)
def test_names_of_classes_may_be_anything_that_has_an_order(classes) -> None:
    listed = made_of(drawn(Small(2)), "a", ("b", "c"), classes=list(NAMES))
    made = made_of(drawn(Small(2)), "a", ("b", "c"), classes=classes)
    assert made.class_names == NAMES
    assert made.checkpoint_sha256 == listed.checkpoint_sha256
    assert made_of(Logits(), "a", NAMES[::-1], classes=classes).class_names == NAMES


@pytest.mark.parametrize("classes", [b"road", dict.fromkeys(NAMES).items(), np.ones(2), frozenset(NAMES), 3, []])
def test_what_are_no_names_in_an_order_is_refused(classes) -> None:
    with pytest.raises(UsageError, match="classes must be a list of names in the order of the logits, or a mapping"):
        made_of(drawn(Small(2)), "a", NAMES, classes=classes)


class Logits(nn.Module):
    """A Segmenter that is a network, too."""

    name, licence, about, parameters, class_names = "a", "MIT", "means", 0, NAMES
    device = torch.device("cpu")
    checkpoint_sha256: str | None = "none"

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :2].float() - 128


def test_a_segmenter_without_an_identity_is_refused_in_one_line() -> None:
    segmenter = Logits()
    segmenter.checkpoint_sha256 = None
    with pytest.raises(UsageError, match=r"model a: its checkpoint_sha256 must be a text, such as .* got None"):
        made_of(segmenter, "a", NAMES)


def segmenter_of(network: nn.Module, **fields: str) -> NetworkSegmenter:
    stated = {"licence": "MIT", "about": "small", "checkpoint_sha256": "none", **fields}
    return NetworkSegmenter(name="a", network=network, class_names=NAMES, **stated)


def identity(segmenter: Segmenter) -> str:
    return made_of(segmenter, "a", NAMES).checkpoint_sha256


@pytest.mark.parametrize("field", ["about", "licence"])
def test_words_on_a_segmenter_decide_no_identity_and_stay(field: str) -> None:
    segmenter = segmenter_of(drawn(Small(2)), **{field: "other"})
    assert identity(segmenter) == identity(segmenter_of(drawn(Small(2))))
    assert getattr(made_of(segmenter, "a", NAMES), field) == getattr(segmenter, field) == "other"
    assert identity(segmenter) != identity(segmenter_of(drawn(Small(2), seed=1)))


def test_the_source_of_this_program_is_known_by_its_version() -> None:
    values = NetworkValues()
    values.hash(without_notes(segmenter_of(build("b0", num_classes=2))))
    assert values.sources == {}


def native(folder: Path) -> str:
    make_transformers("segformer").save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "SegformerImageProcessor", "size": {"height": 64, "width": 64}}'
    )
    return "hf:{}"


def of_library(folder: Path) -> str:
    make_transformers("beit").save_pretrained(folder)
    return "hf:{}"


def graph(folder: Path) -> str:
    pytest.importorskip("onnxruntime")
    folder.mkdir()
    export_onnx(build("b0", num_classes=5), folder / "net.onnx")
    return "onnx:{}/net.onnx"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", [native, of_library, graph])
def test_a_model_that_was_loaded_keeps_its_identity_in_another_place_after_use_and_with_other_threads(
    write, tmp_path: Path
) -> None:
    source = write(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    first = rb.load_model(source.format(tmp_path / "a"), CLASSES)
    found = [identity(first)]
    with torch.inference_mode():
        first(IMAGES)
    if first.resize is not None:
        first.process_size(IMAGES)
    found.append(identity(first))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        found.append(identity(rb.load_model(source.format(tmp_path / "b"), CLASSES)))
    finally:
        torch.set_num_threads(threads)
    assert len(set(found)) == 1


def test_a_model_that_was_loaded_and_changed_is_another_one(tmp_path: Path) -> None:
    model = rb.load_model(native(tmp_path / "a").format(tmp_path / "a"), CLASSES)
    found = [identity(model)]
    with torch.no_grad():
        next(model.network.parameters()).add_(1)
    found.append(identity(model))
    (tmp_path / "a/preprocessor_config.json").write_text('{"size": {"height": 32, "width": 32}}')
    found.append(identity(model))
    assert len(set(found)) == 3
