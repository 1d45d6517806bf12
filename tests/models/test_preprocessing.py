"""What the numbers of an image are turned into before a network, against Transformers and smp."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torchvision.transforms.v2.functional import normalize

from robustbench_seg.errors import UsageError
from robustbench_seg.models import load_source, start_from_encoder
from robustbench_seg.models.base import Segmenter
from robustbench_seg.models.hf import NO_MAPS, USUAL, preprocessing_of
from robustbench_seg.models.preprocessing import IMAGENET, PROCESSORS, Preprocessing
from robustbench_seg.models.source import Source
from segformer import CheckpointInfo, build, save_checkpoint
from segformer.files import sha256_of
from segformer.preprocessor import read_preprocessor

CPU = torch.device("cpu")
CLASSES = ("road", "sky", "car")
IMAGES = torch.randint(256, (2, 3, 50, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
SEGFORMER = {"image_processor_type": "SegformerImageProcessor"}
# What a folder says of its input: each another preprocessing.
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "left out": SEGFORMER,
    "mean 0, std 1": {**SEGFORMER, "image_mean": [0.0, 0.0, 0.0], "image_std": [1.0, 1.0, 1.0]},
    "one number for all": {**SEGFORMER, "image_mean": 0.5, "image_std": 0.5},
    "each channel its own": {**SEGFORMER, "image_mean": [0.3, 0.4, 0.5], "image_std": [0.2, 0.3, 0.4]},
    "rescaled alone": {**SEGFORMER, "do_normalize": False},
    "another scale": {**SEGFORMER, "rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3, "image_std": [1.0] * 3},
    "normalised alone": {**SEGFORMER, "do_rescale": False, "image_mean": [120.0] * 3, "image_std": [60.0] * 3},
    "neither": {**SEGFORMER, "do_rescale": False, "do_normalize": False, "rescale_factor": 7},
    "BGR": {"image_processor_type": "MobileViTImageProcessor"},
    "BGR off": {"image_processor_type": "MobileViTImageProcessor", "do_flip_channel_order": False},
    "another class's defaults": {"image_processor_type": "BeitImageProcessor"},
    "without a class": {"image_std": [0.3, 0.4, 0.5]},
}

# The networks of Transformers that segment images here.
NAMES = transformers.models.auto.modeling_auto
MAPS = {*NAMES.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES, *NAMES.MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES}
TYPES = sorted(MAPS - {*NO_MAPS})
CLOSE = {"atol": 2e-6, "rtol": 2e-6}


def load(folder: str) -> Segmenter:
    return load_source(Source(model="segformer-b0", weights=folder), "segformer-b0", CLASSES, CPU)


def processor_of(fields: dict[str, Any]) -> Any:
    kind = getattr(transformers, fields.get("image_processor_type", "SegformerImageProcessor"))
    sizes = {"do_resize": False, "do_center_crop": False}
    return kind(**{**fields, **sizes})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, transformers.SegformerForSemanticSegmentation]:
    """A SegFormer-B0 with random weights, and the folder that Transformers saved it in."""
    folder = tmp_path_factory.mktemp("saved")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        names = dict(enumerate(CLASSES))
        config = transformers.SegformerConfig(id2label=names, label2id={name: k for k, name in names.items()})
        network = transformers.SegformerForSemanticSegmentation(config).eval()
        network.decode_head.classifier.weight.data *= 30  # so that another input shows in the logits
    network.save_pretrained(folder)
    return folder, network


def with_processor(saved: tuple[Path, Any], fields: dict[str, Any] | None) -> tuple[str, Any]:
    """Let the folder say what its input is."""
    folder, network = saved
    file = folder / "preprocessor_config.json"
    file.unlink(missing_ok=True)
    if fields is not None:
        file.write_text(json.dumps(fields), encoding="utf-8")
    return str(folder), network


def test_imagenets_is_that_of_torchvision() -> None:
    expected = normalize(IMAGES.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(IMAGENET.normalise(IMAGES), expected, atol=1e-5, rtol=0)


def test_imagenets_is_bit_for_bit_the_one_that_stored_numbers_were_made_with() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = (every.float() - mean[:, None, None]) / std[:, None, None]
    assert torch.equal(IMAGENET.normalise(every), expected)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_input_is_that_of_transformers(name: str) -> None:
    fields = CONFIGURATIONS[name]
    expected = processor_of(fields)(list(IMAGES), return_tensors="pt")["pixel_values"].float()
    got = Preprocessing.from_transformers(fields, "here").normalise(IMAGES)
    torch.testing.assert_close(got, expected, **CLOSE)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_folder_of_transformers_gives_the_logits_of_transformers(name: str, saved: tuple[Path, Any]) -> None:
    folder, network = with_processor(saved, CONFIGURATIONS[name])
    kind = getattr(transformers, CONFIGURATIONS[name].get("image_processor_type", "SegformerImageProcessor"))
    processor = kind.from_pretrained(folder, do_resize=False, do_center_crop=False)
    with torch.inference_mode():
        expected = network(processor(list(IMAGES), return_tensors="pt")["pixel_values"].float()).logits
        model = load(folder)
        torch.testing.assert_close(model(IMAGES), expected, atol=1e-4, rtol=1e-5)
    said = model.about.partition(", input ")[2]
    assert bool(said) == (Preprocessing.from_transformers(CONFIGURATIONS[name], "") != IMAGENET)


@pytest.mark.parametrize("kind", TYPES)
def test_a_file_that_names_no_class_has_the_defaults_of_its_networks(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    fields = {"do_resize": False, "do_center_crop": False, "do_pad": False, "do_split_image": False}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(fields), encoding="utf-8")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path, use_fast=True)
    task = [["semantic"] * len(IMAGES)] if kind == "oneformer" else []
    expected = processor(list(IMAGES), *task, return_tensors="pt")["pixel_values"].float()
    found = preprocessing_of(read_preprocessor(tmp_path), tmp_path, USUAL.get(kind, ""))
    torch.testing.assert_close(found.normalise(IMAGES), expected, **CLOSE)


@pytest.mark.parametrize("bgr", [False, True])
def test_a_network_of_bgr_is_another_than_the_one_that_earlier_versions_fed(bgr: bool, tmp_path: Path) -> None:
    network = build("b0", num_classes=len(CLASSES))
    network.info = CheckpointInfo(preprocessor=json.dumps({"do_flip_channel_order": bgr}))
    save_checkpoint(network, tmp_path / "net.safetensors")
    model = load(str(tmp_path / "net.safetensors"))
    assert (model.checkpoint_sha256 != sha256_of(tmp_path / "net.safetensors")) == bgr


def test_a_folder_without_an_image_processor_is_taken_for_imagenets(saved: tuple[Path, Any]) -> None:
    folder, network = with_processor(saved, None)
    model = load(folder)
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), network(IMAGENET.normalise(IMAGES)).logits, atol=1e-4, rtol=1e-5)
    assert "input" not in model.about


@pytest.mark.parametrize("stem", PROCESSORS)
def test_what_a_file_leaves_out_is_what_its_class_does_in_transformers(stem: str) -> None:
    processor = getattr(transformers, f"{stem}ImageProcessor")()
    for field, default in PROCESSORS[stem].items():
        assert getattr(processor, field) == default, field
    absent = {"do_rescale", "do_normalize", "do_flip_channel_order"} - PROCESSORS[stem].keys()
    assert not any(getattr(processor, step, None) for step in absent)


@pytest.mark.parametrize("suffix", ["ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"])
def test_a_class_is_known_under_all_its_names(suffix: str) -> None:
    for key in ("image_processor_type", "feature_extractor_type"):
        found = Preprocessing.from_transformers({key: f"DPT{suffix}"}, "here")
        assert found == Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def test_sizes_and_labels_are_left_to_views_and_data_sets() -> None:
    fields = {
        **SEGFORMER, "do_resize": True, "size": {"height": 512, "width": 512}, "do_center_crop": True, "crop_size": 256,
        "do_pad": True, "size_divisor": 32, "do_reduce_labels": True, "reduce_labels": True, "resample": 2,
        "do_convert_rgb": None,
    }  # fmt: skip
    assert Preprocessing.from_transformers(fields, "here") == IMAGENET


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"image_processor_type": "CLIPImageProcessor"},
            "image processor 'CLIPImageProcessor' is not known here; known",
        ),
        ({"image_processor_type": ["SegformerImageProcessor"]}, "is not known here"),
        (
            {**SEGFORMER, "do_flip_channel_order": True},
            "do_flip_channel_order is True, a step that SegformerImageP.* not have",
        ),
        (
            {**SEGFORMER, "do_grayscale": True},
            "do_grayscale is True, a step that SegformerImageProcessor does not have",
        ),
        ({**SEGFORMER, "do_normalize": None}, "do_normalize must be true or false, got None"),
        ({**SEGFORMER, "do_rescale": "yes"}, "do_rescale must be true or false, got 'yes'"),
        ({**SEGFORMER, "image_std": [0.2, 0.0, 0.2]}, "std must be finite and more than 0"),
        ({**SEGFORMER, "image_std": [0.2, 0.2]}, r"image_std must be one number or three, got \[0.2, 0.2\]"),
        ({**SEGFORMER, "image_mean": None}, "image_mean must be a number, got None"),
        ({**SEGFORMER, "image_mean": ["0.5"] * 3}, "image_mean must be a number, got '0.5'"),
        ({**SEGFORMER, "image_mean": [math.nan] * 3}, "mean must be three finite numbers"),
        ({**SEGFORMER, "rescale_factor": 0}, "rescaling and std must be finite and more than 0"),
        ({**SEGFORMER, "rescale_factor": 10**400}, "too large"),
        ({**SEGFORMER, "rescale_factor": True}, "rescale_factor must be a number, got True"),
    ],
)
def test_what_can_not_be_applied_is_refused_in_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^here.json: .*{message}") as caught:
        Preprocessing.from_transformers(fields, "here.json")
    assert "\n" not in str(caught.value)


def test_a_folder_whose_input_is_not_known_is_refused_by_its_name(saved: tuple[Path, Any]) -> None:
    folder, _ = with_processor(saved, {"image_processor_type": "FuyuImageProcessor"})
    with pytest.raises(UsageError, match=f"image processor of {folder}: the image processor 'Fuyu"):
        load(folder)


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_text_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^here: (not JSON|expected a JSON object)"):
        Preprocessing.from_json(text, "here")


def test_training_refuses_an_encoder_that_was_made_for_another_input(saved: tuple[Path, Any]) -> None:
    network = build("b0", num_classes=3, norm_eps=1e-5, embedding_norm_eps=1e-5)
    folder, _ = with_processor(saved, CONFIGURATIONS["left out"])
    start_from_encoder("segformer-b0", network, folder)
    with_processor(saved, CONFIGURATIONS["mean 0, std 1"])
    with pytest.raises(
        UsageError, match=r"made for the input RGB times 0.0039\d+, mean \(0, 0, 0\), .*but training has"
    ):
        start_from_encoder("segformer-b0", network, folder)


@pytest.mark.parametrize(
    "fields",
    [
        CONFIGURATIONS["each channel its own"],
        CONFIGURATIONS["BGR"],
        {"do_flip_channel_order": True, "image_mean": [0.3, 0.4, 0.5], "image_std": [0.2, 0.3, 0.4]},
    ],
)
def test_it_does_what_is_written_about_it(fields: dict[str, Any]) -> None:
    """(pixel * rescale - mean) / std, by NumPy in float64; mean and std in the order that the network gets."""
    value = Preprocessing.from_transformers(fields, "")
    assert (value.order == "BGR") == (fields != CONFIGURATIONS["each channel its own"])
    pixels = IMAGES.numpy().astype(np.float64)
    pixels = pixels[:, ::-1] if value.order == "BGR" else pixels
    mean, std = (np.reshape(numbers, (3, 1, 1)) for numbers in (value.mean, value.std))
    np.testing.assert_allclose(value.normalise(IMAGES).numpy(), (pixels * value.rescale - mean) / std, atol=1e-5)
