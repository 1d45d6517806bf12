"""A network as segmentation-models-pytorch (smp) stores it: a folder of its `save_pretrained`, or a state dict.

A folder's config.json holds the options. A state dict holds tensors alone, and options such as the output stride change
the logits but neither keys nor shapes: they come from a config.json next to it, or are smp's defaults, and its
description states it.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp

from segformer.files import Content, identity_of, read_file, read_json

from ..errors import UsageError
from .base import unchanged
from .preprocessing import Preprocessing
from .smp_input import TRANSFORM, preprocessing_of_encoder, preprocessing_of_transform

__all__ = ["CONFIG", "DEFAULTS", "TRANSFORM", "SmpFiles", "read_smp"]

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
CONFIG = "config.json"
# The options of its DeepLabV3+ that decide the network, as they are where no file states them.
DEFAULTS: Mapping[str, Any] = {
    "encoder_output_stride": 16,
    "decoder_atrous_rates": (12, 24, 36),
    "encoder_depth": 5,
    "decoder_channels": 256,
    "decoder_aspp_separable": True,
}
# Of these there is no trace in keys and shapes, so that a config.json must have them.
TRACELESS = {
    "": ("encoder_name",),
    "DeepLabV3Plus": ("encoder_name", "encoder_output_stride", "decoder_atrous_rates", "encoder_depth"),
}
FIXED: Mapping[str, Mapping[str, Any]] = {"": {"in_channels": 3}, "DeepLabV3Plus": {"in_channels": 3, "upsampling": 4}}
# They are read elsewhere, or change nothing in evaluation but the preprocessing: initial weights, a second head.
OTHERS = ("_model_class", "encoder_name", "classes", "activation", "in_channels", "encoder_weights", "aux_params")
# A last step that keeps the order of the classes and is no part of the logits.
ACTIVATIONS = (None, "identity", "softmax", "softmax2d", "logsoftmax")
SECOND_HEAD = "classification_head."  # of keys


@dataclass(frozen=True, kw_only=True)
class SmpFiles:
    """What was found. identity: the hash of all files that decide the logits. architecture: the name of smp's class.
    initial: the weights that its encoder began with. classes: their number, None where a state dict leaves it open.
    options: of smp's class. remark: what the description is to add.
    """

    identity: str
    weights: Content
    architecture: str
    encoder: str
    initial: str | None
    classes: int | None
    options: Mapping[str, Any]
    preprocessing: Preprocessing
    remark: str


def read_smp(path: Path, encoder: str = "", architecture: str = "") -> SmpFiles:
    """Read a folder or a file. encoder, architecture: the ones that are asked for, or "" for whichever the file has.

    Raises UsageError for another network than is asked for and for what can't be applied, CheckpointError for a file
    that can't be read.
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
            options = options_of(config, folder / CONFIG, architecture)
            name, initial = str(config["encoder_name"]), config.get("encoder_weights")
            last = config.get("activation")
            remark = f", without its last step {last}" if last not in (None, "identity") else ""
        elif encoder:
            options, name, initial = dict(DEFAULTS), encoder, None
            remark = ", from a state dict alone, so smp's default options are assumed"
        else:
            raise UsageError(f"{path}: a state dict does not name its encoder: put smp's {CONFIG} next to it")
        if encoder and name != encoder:
            raise UsageError(f"{path}: not a {architecture.replace('Plus', '+')} with encoder {encoder} (found {name})")
        if folder / TRANSFORM in files:
            preprocessing = preprocessing_of_transform(folder / TRANSFORM)
        else:
            preprocessing = preprocessing_of_encoder(name, initial, path)
        content = read_file(weights)
        tensors = {key: value for key, value in content.tensors.items() if not key.startswith(SECOND_HEAD)}
        return SmpFiles(
            identity=identity_of(files, folder),
            weights=replace(content, tensors=tensors),
            architecture=str(config.get("_model_class", architecture)),
            encoder=name,
            initial=initial,
            classes=config.get("classes"),
            options=options,
            preprocessing=preprocessing,
            remark=remark,
        )


def options_of(config: Mapping[str, Any], where: Path, architecture: str) -> dict[str, Any]:
    """Read the options that decide the network. Raises UsageError for what is no network of smp, or can't be one here.

    What its class does not name would go to the library of its encoder, which may fetch or unpickle something: refused.
    """
    model_class = config.get("_model_class")
    if model_class not in known_classes() or model_class != (architecture or model_class):
        model_class = model_class or f"{config.get('model_type', 'unknown')}, which is no model of smp"
        raise UsageError(
            f"{where}: holds {model_class}; of smp's models {architecture or ', '.join(known_classes())} is read"
        )
    if lacking := [name for name in TRACELESS.get(model_class, TRACELESS[""]) if name not in config]:
        raise UsageError(f"{where}: lacks {', '.join(lacking)}, without which the network is not known")
    if not isinstance(config.get("classes"), int):
        raise UsageError(f"{where}: classes must be a number, got {config.get('classes')!r}")
    for name, only in FIXED.get(architecture, FIXED[""]).items():
        if config.get(name, only) != only:
            raise UsageError(f"{where}: {name} must be {only}, got {config[name]!r}")
    if config.get("activation") not in ACTIVATIONS:
        raise UsageError(
            f"{where}: its last step {config['activation']!r} makes no one class of several the most likely"
        )
    options = {name: value for name, value in config.items() if name not in OTHERS}
    parameters = inspect.signature(getattr(smp, model_class).__init__).parameters
    if unknown := sorted(options.keys() - parameters.keys()):
        raise UsageError(f"{where}: the option {unknown[0]} = {options[unknown[0]]!r:.40} is not known here")
    return options


def known_classes() -> tuple[str, ...]:
    """Name the classes of smp's networks."""
    return tuple(kind.__name__ for kind in smp.MODEL_ARCHITECTURES_MAPPING.values())
