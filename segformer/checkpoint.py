"""Weights in and out, strict both ways: a key that is missing, unknown or misshapen is an error that lists it.

Read: this project's own files, and the forms of `sources.SOURCES`. Written: our own, Transformers' and NVlabs'. A file
that we write carries our description (configuration and origin) beside the tensors, so that reading it back gives the
same model. A file of others is described by its shapes, and its LayerNorm epsilon is what the code of its source has.
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
from .files import METADATA_KEY, PICKLES, Content, read_file, sha256_of, write_atomically
from .huggingface import download, folder_config, is_hub_id, read_folder
from .info import CheckpointError, CheckpointInfo
from .model import SegFormer
from .sources import NVLABS, SOURCES, TRANSFORMERS_4, Source
from .translate import config_from_shapes, from_foreign, has_decoder, recognise, refuse_misfits, to_foreign

__all__ = ["load_checkpoint", "load_encoder", "save_checkpoint"]

SUFFIXES = {"own": (".safetensors",), "nvlabs": PICKLES}  # the form of Transformers is a folder


def load_checkpoint(path: str | os.PathLike[str]) -> SegFormer | MixTransformer:
    """Read a network, in eval mode and float32; a MixTransformer where the file holds an encoder alone.

    path: a file of this project, a `.pth` of NVlabs or MMSegmentation, a folder of Transformers, or "owner/name", a
    repository on the Hugging Face hub that is fetched. The network's `info` tells where the weights come from and
    their licence. Raises CheckpointError for a path that is not there, a truncated or foreign file, a pickle that
    would run code, and missing, unknown or wrongly shaped keys (the first ten and the count).
    """
    found = read(path)
    source = recognise(found.tensors)
    config, info = identify(found, source)
    tensors = {key: value for key, value in found.tensors.items() if not (source and key.startswith(source.unused))}
    alone = source is not None and not found.description and not has_decoder(tensors)
    with torch.device("meta"):  # every tensor comes from the file
        network = MixTransformer(config) if alone else SegFormer(config)
    prefix = "encoder." if alone else ""
    ours = {prefix + key: value for key, value in network.state_dict().items()}
    refuse_misfits(found.path, tensors, to_foreign(ours, source) if source else ours)
    if source:
        tensors = from_foreign(tensors, source, ours)
    weights = {key.removeprefix(prefix): tensors[key].to(value.dtype, copy=True) for key, value in ours.items()}
    network.load_state_dict(weights, assign=True)
    network.info = info
    return network.eval()


def load_encoder(model: SegFormer, path: str | os.PathLike[str]) -> CheckpointInfo:
    """Copy the encoder's weights from any checkpoint that `load_checkpoint` reads, such as one made on ImageNet.

    The decoder stays as it is, and so does its licence; `model.info` takes the encoder's over, or adds it. Returns what
    is told about the file, its hash too. Raises CheckpointError as `load_checkpoint` does, and for an encoder that was
    made for another LayerNorm epsilon.
    """
    loaded = load_checkpoint(path)
    encoder = loaded.encoder if isinstance(loaded, SegFormer) else loaded
    for field in ("norm_eps", "embedding_norm_eps"):
        theirs, ours = getattr(loaded.config, field), getattr(model.config, field)
        if theirs != ours:
            raise CheckpointError(f"{path}: its encoder was made for {field} {theirs}, the model has {ours}")
    refuse_misfits(Path(path), encoder.state_dict(), model.encoder.state_dict())
    model.encoder.load_state_dict(encoder.state_dict())
    licence, before = loaded.info.licence, model.info
    if before != CheckpointInfo() and before.licence != licence:  # the decoder is from a file too
        licence = f"{before.licence}; encoder: {licence}"
    model.info = replace(before, licence=licence, source=f"{before.source}, encoder from {path}", sha256="")
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
    Raises CheckpointError if the other program has no such network, the class names are not one per logit, or the path
    ends as another form's.
    """
    path = Path(path)
    if format in SUFFIXES and path.suffix not in SUFFIXES[format]:
        raise CheckpointError(f"{path}: form {format!r} needs a name that ends in {' or '.join(SUFFIXES[format])}")
    refuse_other_names(model.info, model.config)
    description = {"config": asdict(model.config), "info": asdict(model.info)}
    del description["info"]["sha256"]  # a file can't hold its own hash
    metadata = {METADATA_KEY: json.dumps(description, sort_keys=True)}
    match format:
        case "own":
            write_atomically(path, save(packed(model.state_dict(), half), metadata))
        case "transformers":
            tensors = packed(foreign_state(model, TRANSFORMERS_4), half)
            content = json.dumps(folder_config(model.config, model.info, half=half), indent=2, sort_keys=True)
            write_atomically(path / "model.safetensors", save(tensors, metadata | {"format": "pt"}))
            write_atomically(path / "config.json", content.encode())
        case "nvlabs":
            meta = metadata | {"CLASSES": model.info.class_names}
            buffer = io.BytesIO()
            torch.save({"meta": meta, "state_dict": packed(foreign_state(model, NVLABS), half)}, buffer)
            write_atomically(path, buffer.getvalue())
        case _:
            raise ValueError(f"format must be one of 'own', 'transformers', 'nvlabs', got {format!r}")


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
    name, path = str(path), Path(path)
    if is_hub_id(name):
        return read_folder(download(name), name)
    if path.is_dir():
        return read_folder(path)
    if path.is_file():
        return read_file(path)
    raise CheckpointError(f"{path}: no such file or folder")


def identify(found: Content, source: Source | None) -> tuple[SegFormerConfig, CheckpointInfo]:
    """Tell what network a file is of, and where it comes from."""
    sha256 = sha256_of(found.path)
    if found.description:
        try:
            description: dict[str, Any] = json.loads(found.description)
            config = SegFormerConfig(**description["config"])
            info = CheckpointInfo(**description["info"], sha256=sha256)
            info = replace(info, class_names=tuple(info.class_names))
            refuse_other_names(info, config)
            return config, info
        except (TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"{found.path}: its configuration is not one of this version ({error})") from None
    if source is None:
        known = ", ".join(dict.fromkeys(known.name for known in SOURCES))
        raise CheckpointError(f"{found.path}: holds no SegFormer of this project, {known}")
    if found.config is None and source.name == TRANSFORMERS_4.name:
        raise CheckpointError(f"{found.path}: {source.name}' weights need their config.json: give the folder")
    config = found.config or config_from_shapes(found.tensors, source, found.path)
    named = has_decoder(found.tensors) and len(found.class_names) == config.num_classes
    return config, CheckpointInfo(
        class_names=found.class_names if named else (),
        licence=found.licence or source.licence,
        source=source.name,
        sha256=sha256,
        preprocessor=found.preprocessor,
    )
