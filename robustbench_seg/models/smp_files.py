"""A DeepLabV3+ as segmentation-models-pytorch (smp) stores it: a folder of its `save_pretrained`, or a state dict.

A folder's config.json holds the options. A state dict holds tensors alone, and options such as the output stride change
the logits but neither keys nor shapes: they come from a config.json next to it, or are smp's defaults, and its
description says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp

from segformer.files import Content, identity_of, read_file, read_json

from ..errors import UsageError
from .base import unchanged
from .preprocessing import Preprocessing

__all__ = ["DEFAULTS", "SmpFiles", "read_smp"]

MODEL = "DeepLabV3Plus"  # as config.json calls it
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
CONFIG = "config.json"
TRANSFORM = "albumentations_config_eval.json"  # next to the weights, of Albumentations' own `save_pretrained`
# The options of smp's class that decide the network, as they are where nothing is said of them.
DEFAULTS: Mapping[str, Any] = {
    "encoder_output_stride": 16,
    "decoder_atrous_rates": (12, 24, 36),
    "encoder_depth": 5,
    "decoder_channels": 256,
    "decoder_aspp_separable": True,
}
# Of these there is no trace in keys and shapes, so that a config.json must have them.
TRACELESS = ("encoder_name", "encoder_output_stride", "decoder_atrous_rates", "encoder_depth")
FIXED: Mapping[str, Any] = {"in_channels": 3, "upsampling": 4}
OTHERS = ("_model_class", "encoder_name", "classes", "activation")
# They change nothing in evaluation but the preprocessing: initial weights, dropout, a second head.
WITHOUT_EFFECT = ("encoder_weights", "decoder_aspp_dropout", "aux_params")
# A last step that keeps the order of the classes and is no part of the logits.
ACTIVATIONS = (None, "identity", "softmax", "softmax2d", "logsoftmax")
# Steps of Albumentations that change no number here: views decide sizes.
SIZES = ("Resize", "LongestMaxSize", "SmallestMaxSize", "PadIfNeeded", "Pad", "CenterCrop", "ToTensorV2")
SECOND_HEAD = "classification_head."  # of keys
HALF, DPN_MEAN = (0.5, 0.5, 0.5), (124 / 255, 117 / 255, 104 / 255)
DPN_STD = 1 / (0.0167 * 255)


@dataclass(frozen=True, kw_only=True)
class SmpFiles:
    """What was found. identity: the hash of all files that decide the logits. options: of smp's class. remark: what
    the description is to add.
    """

    identity: str
    weights: Content
    encoder: str
    options: Mapping[str, Any]
    preprocessing: Preprocessing
    remark: str


def read_smp(path: Path, encoder: str, num_classes: int) -> SmpFiles:
    """Read a folder or a file. encoder: the one that is asked for, or "" for whichever the file has.

    Raises UsageError for another model, encoder or number of classes and for what can't be applied, CheckpointError for
    a file that can't be read.
    """
    folder = path if path.is_dir() else path.parent
    weights = path
    if path.is_dir():
        weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), folder / WEIGHTS[0])
        if not (weights.is_file() and (folder / CONFIG).is_file()):
            raise UsageError(f"{path}: needs {CONFIG} and {' or '.join(WEIGHTS)}, as smp's save_pretrained writes them")
    files = [file for file in (weights, folder / CONFIG, folder / TRANSFORM) if file.is_file()]
    with unchanged(files):
        config = read_json(folder / CONFIG) if folder / CONFIG in files else {}
        if not path.is_dir() and "_model_class" not in config:  # what lies next to a file may be of something else
            files, config = [file for file in files if file != folder / CONFIG], {}
        if config:
            options = options_of(config, folder / CONFIG, num_classes)
            found, initial = str(config["encoder_name"]), config.get("encoder_weights")
            last = config.get("activation")
            remark = f", without its last step {last}" if last not in (None, "identity") else ""
        elif encoder:
            options, found, initial = dict(DEFAULTS), encoder, None
            remark = ", from a state dict alone, so smp's default options are assumed"
        else:
            raise UsageError(f"{path}: a state dict does not name its encoder: put smp's {CONFIG} next to it")
        if encoder and found != encoder:
            raise UsageError(f"{path}: not a DeepLabV3+ with encoder {encoder} (found {found})")
        if folder / TRANSFORM in files:
            preprocessing = preprocessing_of_transform(folder / TRANSFORM)
        else:
            preprocessing = preprocessing_of_encoder(found, initial, path)
        content = read_file(weights)
        tensors = {key: value for key, value in content.tensors.items() if not key.startswith(SECOND_HEAD)}
        return SmpFiles(
            identity=identity_of(files, folder),
            weights=replace(content, tensors=tensors),
            encoder=found,
            options=options,
            preprocessing=preprocessing,
            remark=remark,
        )


def options_of(config: Mapping[str, Any], where: Path, num_classes: int) -> dict[str, Any]:
    """Read the options that decide the network. Raises UsageError for what is not, or can't be, a DeepLabV3+ here."""
    if config.get("_model_class") != MODEL:
        found = config.get("_model_class") or f"{config.get('model_type', 'unknown')}, which is no model of smp"
        raise UsageError(f"{where}: holds {found}; of smp's models {MODEL} alone is read")
    if lacking := [name for name in TRACELESS if name not in config]:
        raise UsageError(f"{where}: lacks {', '.join(lacking)}, without which the network is not known")
    if config.get("classes") != num_classes:
        raise UsageError(f"{where}: has {config.get('classes')} classes, but the dataset has {num_classes}")
    for name, only in FIXED.items():
        if config.get(name, only) != only:
            raise UsageError(f"{where}: {name} must be {only}, got {config[name]!r}")
    if config.get("activation") not in ACTIVATIONS:
        raise UsageError(
            f"{where}: its last step {config['activation']!r} makes no one class of several the most likely"
        )
    if unknown := sorted(config.keys() - {*DEFAULTS, *FIXED, *OTHERS, *WITHOUT_EFFECT}):
        raise UsageError(f"{where}: the option {unknown[0]} = {config[unknown[0]]!r:.40} is not known here")
    return {name: config.get(name, default) for name, default in DEFAULTS.items()}


def preprocessing_of_encoder(encoder: str, initial: str | None, where: Path) -> Preprocessing:
    """What `smp.encoders.get_preprocessing_params` says, without the hub, where it looks most of them up.

    initial: the weights that the encoder began with; smp's default where it began with none. Raises UsageError.
    """
    if encoder.startswith("tu-"):  # of timm, whose tables come with it
        try:
            known = smp.encoders.get_preprocessing_params(encoder)
        except Exception:  # timm's errors have no common class
            raise UsageError(f"{where}: {unknown_input(encoder)}") from None
        rescale = 1 / 255 if known["input_range"][1] == 1 else 1.0
        mean, std = tuple(known["mean"]), tuple(known["std"])
        return Preprocessing(order=known["input_space"], rescale=rescale, mean=mean, std=std)
    if encoder not in smp.encoders.encoders:
        raise UsageError(f"{where}: {unknown_input(encoder)}")
    if encoder.startswith("dpn"):
        return Preprocessing(mean=DPN_MEAN, std=(DPN_STD, DPN_STD, DPN_STD))
    if initial == "advprop" or "efficientnet_lite" in encoder:
        return Preprocessing(mean=HALF, std=HALF)
    return Preprocessing()


def unknown_input(encoder: str) -> str:
    return (
        f"what the input of the encoder {encoder!r} must be is not known here; save the transform next to the weights "
        f"({TRANSFORM})"
    )


def preprocessing_of_transform(where: Path) -> Preprocessing:
    """Read the one Normalize of a pipeline of Albumentations. Raises UsageError for steps that can't be applied."""
    saved = read_json(where)
    try:
        steps = [(step["__class_fullname__"].rpartition(".")[2], step) for step in saved["transform"]["transforms"]]
        normalise = [step for name, step in steps if name == "Normalize"]
        if other := [name for name, _ in steps if name not in ("Normalize", *SIZES)]:
            raise ValueError(f"its step {other[0]} can't be applied here")
        if len(normalise) != 1 or normalise[0].get("normalization", "standard") != "standard":
            raise ValueError("needs one Normalize, of the kind standard")
        (step,) = normalise
        return Preprocessing(rescale=1 / step["max_pixel_value"], mean=tuple(step["mean"]), std=tuple(step["std"]))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError):
        raise UsageError(f"{where}: not a pipeline that Albumentations saved") from None
