"""Read and write weights, strictly: a missing, unknown or misshapen key is an error that lists the key.

Reads this project's own files and the forms of `sources.SOURCES`. Writes our own form, Transformers' and NVlabs'. A
file that we write stores our description (configuration and origin) next to the tensors, so reading it back gives the
same model. For any other file the tensor shapes decide the configuration, and the LayerNorm epsilon is the constant in
its source's code.
"""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save
from torch import Tensor

from .config import SegFormerConfig
from .encoder import MixTransformer
from .files import METADATA_KEY, Content, identity_of, read_file, write_atomically
from .fitting import fit, refuse_misfits
from .huggingface import FIELDS, HUB, download, folder_config, missing, read_folder, repository_of
from .info import CheckpointError, CheckpointInfo, shorten
from .model import SegFormer
from .preprocessor import FILES, read_normalisation, read_preprocessor
from .sources import NVLABS, SOURCES, TRANSFORMERS_4, Source
from .trained import refuse_other_options
from .translate import config_from_shapes, from_foreign, has_decoder, recognise, to_foreign

__all__ = ["load_checkpoint", "load_encoder", "save_checkpoint"]

SUFFIXES = {"own": (".safetensors",), "nvlabs": (".pth", ".pt", ".bin")}  # the form of Transformers is a folder


def load_checkpoint(path: str | os.PathLike[str]) -> SegFormer | MixTransformer:
    """Read a network in eval mode and float32. Returns a MixTransformer if the file holds only an encoder.

    path: a file of this project, a `.pth` of NVlabs or MMSegmentation, a folder of Transformers, or "hf:OWNER/NAME", a
    repository on the Hugging Face hub, which is downloaded ("nvidia/NAME" works without the prefix). The network's
    `info` holds the origin of the weights, their licence and the file's keys that are not part of the network. Raises
    CheckpointError for a path that does not exist, a truncated or foreign file, weights that can't be read without
    running code, two sets of weights that differ, and missing, unknown or misshapen keys (the first ten and the count).
    """
    source, content = recognise(read(path))
    config, info = identify(content, source)
    unused = tuple(key for key in content.tensors if source and key.startswith(source.unused))
    tensors_used = {key: value for key, value in content.tensors.items() if key not in unused}
    encoder_only = source is not None and not content.description and not has_decoder(tensors_used)
    with torch.device("meta"):  # the file supplies every tensor
        network = MixTransformer(config) if encoder_only else SegFormer(config)
    prefix = "encoder." if encoder_only else ""
    ours = {prefix + key: value for key, value in network.state_dict().items()}
    tensors, unread = fit(replace(content, tensors=tensors_used), to_foreign(ours, source) if source else ours)
    if source:
        tensors = from_foreign(tensors, source, ours)
    weights = {key.removeprefix(prefix): tensors[key].to(value.dtype, copy=True) for key, value in ours.items()}
    network.load_state_dict(weights, assign=True)
    network.info = replace(info, left_out=(*unused, *unread))
    return network.eval()


def load_encoder(model: SegFormer, path: str | os.PathLike[str]) -> CheckpointInfo:
    """Copy the encoder's weights from any checkpoint that `load_checkpoint` reads, such as one trained on ImageNet.

    The decoder does not change. If the decoder is from a file too, `model.info` keeps its preprocessor and adds the
    encoder's licence. Otherwise it takes both from the encoder: training must normalise images as the encoder expects.
    Returns the info of the encoder's file, with its hash. Raises CheckpointError as `load_checkpoint` does, and for an
    encoder with another LayerNorm epsilon.
    """
    loaded = load_checkpoint(path)
    encoder = loaded.encoder if isinstance(loaded, SegFormer) else loaded
    for field in ("norm_eps", "embedding_norm_eps"):
        theirs, ours = getattr(loaded.config, field), getattr(model.config, field)
        if theirs != ours:
            raise CheckpointError(f"{path}: its encoder was made for {field} {theirs}, the model has {ours}")
    refuse_misfits(Path(path), encoder.state_dict(), model.encoder.state_dict())
    model.encoder.load_state_dict(encoder.state_dict())
    licence, preprocessor, before = loaded.info.licence, loaded.info.preprocessor, model.info
    if before != CheckpointInfo():  # the decoder's weights are from a file
        preprocessor = before.preprocessor
        if before.licence != licence:
            licence = f"{before.licence}; encoder: {licence}"
    source = f"{before.source}, encoder from {path}"
    model.info = replace(before, licence=licence, preprocessor=preprocessor, source=source, sha256="")
    return loaded.info


def save_checkpoint(
    model: SegFormer,
    path: str | os.PathLike[str],
    *,
    format: Literal["own", "transformers", "nvlabs"] = "own",  # noqa: A002  the usual name of this parameter
    half: bool = False,
) -> None:
    """Write the model with its configuration and `info`, each file atomically.

    format: "own", a `.safetensors` file; "transformers", a folder for `from_pretrained`; "nvlabs", a `.pth`.
    `load_checkpoint` reads the same model from each. The other programs use the LayerNorm epsilon in their own code.
    half: store floating-point values as float16, which halves the file; a tensor with a value beyond 65504 keeps its
    type. Raises CheckpointError if the other program has no such network, if the number of class names is not the
    number of classes, if the suffix belongs to another form, or if the folder holds another model's preprocessor.
    """
    path = Path(path)
    if format in SUFFIXES and path.suffix not in SUFFIXES[format]:
        raise CheckpointError(f"{path}: form {format!r} needs a name that ends in {' or '.join(SUFFIXES[format])}")
    refuse_other_names(model.info, model.config)
    metadata = {METADATA_KEY: describe(model)}
    match format:
        case "own":
            write_atomically(path, save(pack(model.state_dict(), half), metadata))
        case "transformers":
            tensors = pack(foreign_state(model, TRANSFORMERS_4), half)
            if read_preprocessor(path) not in ("", model.info.preprocessor):
                raise CheckpointError(f"{path}: holds the preprocessor of another model; choose a new folder")
            content = json.dumps(folder_config(model.config, model.info, half=half), indent=2, sort_keys=True)
            write_atomically(path / "model.safetensors", save(tensors, metadata | {"format": "pt"}))
            write_atomically(path / "config.json", content.encode())
            if model.info.preprocessor:
                preprocessor = json.loads(model.info.preprocessor)
                write_atomically(path / FILES[0], json.dumps(preprocessor, indent=2, sort_keys=True).encode())
        case "nvlabs":
            meta = metadata | {"CLASSES": model.info.class_names}
            buffer = io.BytesIO()
            torch.save({"meta": meta, "state_dict": pack(foreign_state(model, NVLABS), half)}, buffer)
            write_atomically(path, buffer.getvalue())
        case _:
            raise ValueError(f"format must be one of 'own', 'transformers', 'nvlabs', got {format!r}")


def describe(model: SegFormer) -> str:
    """Write the description of a model as JSON, without the fields that describe the file that it was read from."""
    info = asdict(model.info)
    for field in ("left_out", "sha256", *(() if model.info.preprocessor else ("preprocessor",))):
        del info[field]
    return json.dumps({"config": asdict(model.config), "info": info}, sort_keys=True)


def refuse_other_names(info: CheckpointInfo, config: SegFormerConfig) -> None:
    """Raise CheckpointError if there are class names, but not one per class."""
    if info.class_names and len(info.class_names) != config.num_classes:
        raise CheckpointError(f"{len(info.class_names)} class names for {config.num_classes} classes")


def pack(tensors: Mapping[str, Tensor], half: bool) -> dict[str, Tensor]:
    """Copy tensors to the CPU, contiguous. half: as float16, except tensors with values beyond its largest, 65504."""
    stored = {}
    for key, value in tensors.items():
        halved = value.half() if half and value.is_floating_point() else value
        tensor = halved if torch.equal(halved.isfinite(), value.isfinite()) else value
        stored[key] = tensor.cpu().clone(memory_format=torch.contiguous_format)
    return stored


def foreign_state(model: SegFormer, source: Source) -> dict[str, Tensor]:
    for field, only in (("ffn", "mix"), ("positional_encoding", None), ("decoder", source.decoder)):
        if (value := getattr(model.config, field)) != only:
            raise CheckpointError(f"{source.name} has no SegFormer with {field} {value!r}, only with {only!r}")
    return to_foreign(model.state_dict(), source)


def read(path: str | os.PathLike[str]) -> Content:
    """Read the content of a file, a folder of Transformers or a repository on the hub."""
    name = str(path)
    if lack := missing(name):
        raise CheckpointError(lack)
    if repository := repository_of(name):
        return read_folder(download(name), repository)
    path = Path(name.removeprefix(HUB))
    return read_folder(path) if path.is_dir() else read_file(path)


def identify(content: Content, source: Source | None) -> tuple[SegFormerConfig, CheckpointInfo]:
    """Find the configuration and the origin of a file's network."""
    sha256 = identity_of(content.files, content.path.parent)
    if content.description:
        config, info = read_description(content)
        return config, replace(info, sha256=sha256)
    if any(key.startswith("encoder.stages.0.embed.") for key in content.tensors):
        raise CheckpointError(
            f"{content.path}: has this project's keys, but no configuration; segformer.save_checkpoint writes both"
        )
    if source is None:
        names = ", ".join(dict.fromkeys(each.name for each in SOURCES))
        raise CheckpointError(
            f"{content.path}: holds no SegFormer of this project, {names}; its keys are {shorten(content.tensors)}"
        )
    if content.config is None and source.name == TRANSFORMERS_4.name:
        raise CheckpointError(f"{content.path}: {source.name}' weights need their config.json; give the folder")
    config = content.config or config_from_shapes(content.tensors, source, content.path)
    refuse_other_options(content.training, config, content.path)
    names_fit = has_decoder(content.tensors) and len(content.class_names) == config.num_classes
    return config, CheckpointInfo(
        class_names=content.class_names if names_fit else (),
        licence=content.licence or source.licence,
        source=source.name,
        preprocessor=content.preprocessor or read_normalisation(content.training, content.path),
        sha256=sha256,
    )


def read_description(content: Content) -> tuple[SegFormerConfig, CheckpointInfo]:
    """Read our own description of a network. Values from files next to the weights take precedence over it."""
    try:
        description: dict[str, Any] = json.loads(content.description)
        config = SegFormerConfig(**description["config"])
        info = CheckpointInfo(**description["info"])
        if content.config is not None:
            config = replace(config, **{field: getattr(content.config, field) for field in (*FIELDS, "num_classes")})
        info = replace(
            info,
            class_names=content.class_names or tuple(info.class_names),
            preprocessor=content.preprocessor or info.preprocessor,
        )
        refuse_other_names(info, config)
        if not isinstance(json.loads(info.preprocessor or "{}"), dict):
            raise ValueError("its preprocessor is not a JSON object")
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{content.path}: its configuration does not fit this version ({error})") from None
    return config, info
