"""Weights in and out, strict both ways: a key that is missing, unknown or misshapen is an error that lists it.

Read: this project's own files, and the forms of `sources.SOURCES`. Written: our own, Transformers' and NVlabs'. A file
that we write carries our description (configuration and origin) beside the tensors, so that reading it back gives the
same model. A file of others is described by its shapes, and its LayerNorm epsilon is what the code of its source has.
"""

import io
import json
import os
import re
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
from .fitting import fitted, refuse_misfits
from .huggingface import FIELDS, HUB, download, folder_config, missing, read_folder, repository_of
from .info import CheckpointError, CheckpointInfo, shortened
from .model import SegFormer
from .preprocessor import FILES, read_preprocessor, trained_with
from .sources import NVLABS, SOURCES, TRANSFORMERS_4, Source
from .translate import config_from_shapes, from_foreign, has_decoder, recognise, to_foreign

__all__ = ["load_checkpoint", "load_encoder", "save_checkpoint"]

SUFFIXES = {"own": (".safetensors",), "nvlabs": (".pth", ".pt", ".bin")}  # the form of Transformers is a folder


def load_checkpoint(path: str | os.PathLike[str]) -> SegFormer | MixTransformer:
    """Read a network, in eval mode and float32; a MixTransformer where the file holds an encoder alone.

    path: a file of this project, a `.pth` of NVlabs or MMSegmentation, a folder of Transformers, or "hf:OWNER/NAME", a
    repository on the Hugging Face hub that is fetched ("nvidia/NAME" alone is one too). The network's `info` tells
    where the weights come from, their licence and what the file has besides them. Raises CheckpointError for a path
    that is not there, a truncated or foreign file, weights that can't be had without running code, two sets of weights
    that differ, and missing, unknown or wrongly shaped keys (the first ten and the count).
    """
    source, found = recognise(read(path))
    config, info = identify(found, source)
    unused = tuple(key for key in found.tensors if source and key.startswith(source.unused))
    used = {key: value for key, value in found.tensors.items() if key not in unused}
    alone = source is not None and not found.description and not has_decoder(used)
    with torch.device("meta"):  # every tensor comes from the file
        network = MixTransformer(config) if alone else SegFormer(config)
    prefix = "encoder." if alone else ""
    ours = {prefix + key: value for key, value in network.state_dict().items()}
    tensors, unread = fitted(replace(found, tensors=used), to_foreign(ours, source) if source else ours)
    if source:
        tensors = from_foreign(tensors, source, ours)
    weights = {key.removeprefix(prefix): tensors[key].to(value.dtype, copy=True) for key, value in ours.items()}
    network.load_state_dict(weights, assign=True)
    network.info = replace(info, left_out=(*unused, *unread))
    return network.eval()


def load_encoder(model: SegFormer, path: str | os.PathLike[str]) -> CheckpointInfo:
    """Copy the encoder's weights from any checkpoint that `load_checkpoint` reads, such as one made on ImageNet.

    The decoder stays as it is, and so do its licence and preprocessor; `model.info` adds the encoder's licence, and
    takes both over where the decoder is not from a file: a training must feed images as the encoder knows them.
    Returns what is told about the file, its hash too. Raises CheckpointError as `load_checkpoint` does, and for an
    encoder that was made for another LayerNorm epsilon.
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
    if before != CheckpointInfo():  # the decoder is from a file too
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
    format: Literal["own", "transformers", "nvlabs"] = "own",  # noqa: A002  the word that callers know
    half: bool = False,
) -> None:
    """Write the model with its configuration and `info`, each file atomically.

    format: "own", a `.safetensors` file; "transformers", a folder for `from_pretrained`; "nvlabs", a `.pth`. Read by
    `load_checkpoint`, each gives the same model; the other programs have the LayerNorm epsilon of their own code.
    half: store floating-point values as float16, which halves the file; a tensor with a value beyond 65504 stays as it
    is.
    Raises CheckpointError if the other program has no such network, the class names are not one per logit, the path
    ends as another form's, or a folder holds another model's preprocessor.
    """
    path = Path(path)
    if format in SUFFIXES and path.suffix not in SUFFIXES[format]:
        raise CheckpointError(f"{path}: form {format!r} needs a name that ends in {' or '.join(SUFFIXES[format])}")
    refuse_other_names(model.info, model.config)
    metadata = {METADATA_KEY: described(model)}
    match format:
        case "own":
            write_atomically(path, save(packed(model.state_dict(), half), metadata))
        case "transformers":
            tensors = packed(foreign_state(model, TRANSFORMERS_4), half)
            if read_preprocessor(path) not in ("", model.info.preprocessor):
                raise CheckpointError(f"{path}: holds the preprocessor of another model; choose a new folder")
            content = json.dumps(folder_config(model.config, model.info, half=half), indent=2, sort_keys=True)
            write_atomically(path / "model.safetensors", save(tensors, metadata | {"format": "pt"}))
            write_atomically(path / "config.json", content.encode())
            if model.info.preprocessor:
                said = json.loads(model.info.preprocessor)
                write_atomically(path / FILES[0], json.dumps(said, indent=2, sort_keys=True).encode())
        case "nvlabs":
            meta = metadata | {"CLASSES": model.info.class_names}
            buffer = io.BytesIO()
            torch.save({"meta": meta, "state_dict": packed(foreign_state(model, NVLABS), half)}, buffer)
            write_atomically(path, buffer.getvalue())
        case _:
            raise ValueError(f"format must be one of 'own', 'transformers', 'nvlabs', got {format!r}")


def described(model: SegFormer) -> str:
    """Write what our description says of a model: all but what is of the file that it was read from."""
    info = asdict(model.info)
    for field in ("left_out", "sha256", *(() if model.info.preprocessor else ("preprocessor",))):
        del info[field]
    return json.dumps({"config": asdict(model.config), "info": info}, sort_keys=True)


def refuse_other_names(info: CheckpointInfo, config: SegFormerConfig) -> None:
    """Raise CheckpointError unless class names, if there are any, are one per logit."""
    if info.class_names and len(info.class_names) != config.num_classes:
        raise CheckpointError(f"{len(info.class_names)} class names for {config.num_classes} classes")


def packed(tensors: Mapping[str, Tensor], half: bool) -> dict[str, Tensor]:
    """Copy tensors to where and how they are stored; one with values beyond float16's 65504 is never halved."""
    stored = {}
    for key, value in tensors.items():
        halved = value.half() if half and value.is_floating_point() else value
        kept = halved if torch.equal(halved.isfinite(), value.isfinite()) else value
        stored[key] = kept.cpu().clone(memory_format=torch.contiguous_format)
    return stored


def foreign_state(model: SegFormer, source: Source) -> dict[str, Tensor]:
    for field, only in (("ffn", "mix"), ("positional_encoding", None), ("decoder", source.decoder)):
        if (value := getattr(model.config, field)) != only:
            raise CheckpointError(f"{source.name} has no SegFormer with {field} {value!r}, only with {only!r}")
    return to_foreign(model.state_dict(), source)


def read(path: str | os.PathLike[str]) -> Content:
    """Read the tensors of a file, a folder of Transformers or a repository on the hub."""
    name = str(path)
    if lack := missing(name):
        raise CheckpointError(lack)
    if repository := repository_of(name):
        return read_folder(download(name), repository)
    path = Path(name.removeprefix(HUB))
    return read_folder(path) if path.is_dir() else read_file(path)


def identify(found: Content, source: Source | None) -> tuple[SegFormerConfig, CheckpointInfo]:
    """Tell what network a file is of, and where it comes from."""
    sha256 = identity_of(found.files, found.path.parent)
    if found.description:
        config, info = read_description(found)
        return config, replace(info, sha256=sha256)
    if any(key.startswith("encoder.stages.0.embed.") for key in found.tensors):
        raise CheckpointError(
            f"{found.path}: this project's keys without its configuration; segformer.save_checkpoint writes both"
        )
    if source is None:
        known = ", ".join(dict.fromkeys(known.name for known in SOURCES))
        raise CheckpointError(
            f"{found.path}: holds no SegFormer of this project, {known}; its keys are {shortened(found.tensors)}"
        )
    if found.config is None and source.name == TRANSFORMERS_4.name:
        raise CheckpointError(f"{found.path}: {source.name}' weights need their config.json: give the folder")
    if re.search(r"\balign_corners\W{1,4}True", found.training):
        raise CheckpointError(f"{found.path}: was trained with align_corners=True, of which there is no network here")
    config = found.config or config_from_shapes(found.tensors, source, found.path)
    named = has_decoder(found.tensors) and len(found.class_names) == config.num_classes
    return config, CheckpointInfo(
        class_names=found.class_names if named else (),
        licence=found.licence or source.licence,
        source=source.name,
        preprocessor=found.preprocessor or trained_with(found.training, found.path),
        sha256=sha256,
    )


def read_description(found: Content) -> tuple[SegFormerConfig, CheckpointInfo]:
    """Read our own description of a network; what files next to the weights say comes before it."""
    try:
        description: dict[str, Any] = json.loads(found.description)
        config = SegFormerConfig(**description["config"])
        info = CheckpointInfo(**description["info"])
        if found.config is not None:
            config = replace(config, **{field: getattr(found.config, field) for field in (*FIELDS, "num_classes")})
        info = replace(
            info,
            class_names=found.class_names or tuple(info.class_names),
            preprocessor=found.preprocessor or info.preprocessor,
        )
        refuse_other_names(info, config)
        if not isinstance(json.loads(info.preprocessor or "{}"), dict):
            raise ValueError("its preprocessor is no JSON object")
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{found.path}: its configuration is not one of this version ({error})") from None
    return config, info
