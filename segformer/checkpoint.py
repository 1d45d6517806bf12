"""Weights in and out, strict both ways: a key that is missing, unknown or wrongly shaped is an error that lists it.

Sources: this project's own `.safetensors`, and a folder saved by Transformers' `save_pretrained`. LayerNorm epsilon
follows the source: 1e-5 everywhere in the Transformers port, whatever its config says.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from .config import SegFormerConfig
from .model import CheckpointInfo, SegFormer, create

__all__ = ["CheckpointError", "load_checkpoint", "save_checkpoint"]

METADATA_KEY = "segformer"

# Ours: theirs. {i} is the stage, {j} the block. Several of theirs are stacked along the first axis.
TRANSFORMERS_KEYS = {
    "encoder.stages.{i}.embed.project": ("segformer.encoder.patch_embeddings.{i}.proj",),
    "encoder.stages.{i}.embed.norm": ("segformer.encoder.patch_embeddings.{i}.layer_norm",),
    "encoder.stages.{i}.blocks.{j}.norm1": ("segformer.encoder.block.{i}.{j}.layer_norm_1",),
    "encoder.stages.{i}.blocks.{j}.attention.query": ("segformer.encoder.block.{i}.{j}.attention.self.query",),
    "encoder.stages.{i}.blocks.{j}.attention.key_value": (
        "segformer.encoder.block.{i}.{j}.attention.self.key",
        "segformer.encoder.block.{i}.{j}.attention.self.value",
    ),
    "encoder.stages.{i}.blocks.{j}.attention.reduce": ("segformer.encoder.block.{i}.{j}.attention.self.sr",),
    "encoder.stages.{i}.blocks.{j}.attention.reduce_norm": (
        "segformer.encoder.block.{i}.{j}.attention.self.layer_norm",
    ),
    "encoder.stages.{i}.blocks.{j}.attention.project": ("segformer.encoder.block.{i}.{j}.attention.output.dense",),
    "encoder.stages.{i}.blocks.{j}.norm2": ("segformer.encoder.block.{i}.{j}.layer_norm_2",),
    "encoder.stages.{i}.blocks.{j}.ffn.expand": ("segformer.encoder.block.{i}.{j}.mlp.dense1",),
    "encoder.stages.{i}.blocks.{j}.ffn.mix": ("segformer.encoder.block.{i}.{j}.mlp.dwconv.dwconv",),
    "encoder.stages.{i}.blocks.{j}.ffn.contract": ("segformer.encoder.block.{i}.{j}.mlp.dense2",),
    "encoder.stages.{i}.norm": ("segformer.encoder.layer_norm.{i}",),
    "decoder.project.{i}": ("decode_head.linear_c.{i}.proj",),
    "decoder.fuse": ("decode_head.linear_fuse",),
    "decoder.norm": ("decode_head.batch_norm",),
    "decoder.classify": ("decode_head.classifier",),
}


class CheckpointError(ValueError):
    """A file that can't be read, or whose keys or shapes are not those of the network; the message names them."""


def load_checkpoint(path: str | os.PathLike[str]) -> SegFormer:
    """Read a SegFormer, in eval mode and float32, from an own `.safetensors` file or a Transformers folder.

    Its `info` tells where the weights come from. Raises CheckpointError for a path that is not there, a truncated or
    foreign file, and for missing, unknown or wrongly shaped keys (the first ten and the count).
    """
    path = Path(path)
    if path.is_dir():
        return load_transformers(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file or folder")
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path}: expected a .safetensors file or a folder saved by Transformers")
    return load_own(path)


def save_checkpoint(model: SegFormer, path: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write the model with its configuration and `info` as an own `.safetensors` file, atomically.

    half: store floating-point values as float16, which halves the file.
    """
    description = {"config": asdict(model.config), "info": asdict(model.info)}
    del description["info"]["sha256"]  # a file can't hold its own hash
    tensors = {
        key: value.half() if half and value.is_floating_point() else value.contiguous()
        for key, value in model.state_dict().items()
    }
    write_atomically(Path(path), save(tensors, {METADATA_KEY: json.dumps(description, sort_keys=True)}))


def load_own(path: Path) -> SegFormer:
    """Read a file that `save_checkpoint` wrote."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a complete .safetensors file ({error})") from None
    if METADATA_KEY not in metadata:
        raise CheckpointError(f"{path}: holds no SegFormer of this project (no {METADATA_KEY!r} in its metadata)")
    try:
        description = json.loads(metadata[METADATA_KEY])
        model = create(SegFormerConfig(**description["config"]))
        info = CheckpointInfo(**description["info"], sha256=sha256_of(path))
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its configuration is not one of this version ({error})") from None
    model.info = replace(info, class_names=tuple(info.class_names))
    return fill(model, tensors, path)


def load_transformers(folder: Path) -> SegFormer:
    """Read a folder saved by Transformers: config.json and model.safetensors or pytorch_model.bin."""
    config_file = folder / "config.json"
    files = [folder / name for name in ("model.safetensors", "pytorch_model.bin") if (folder / name).is_file()]
    if not config_file.is_file() or not files:
        raise CheckpointError(f"{folder}: needs config.json and model.safetensors or pytorch_model.bin")
    try:
        foreign = json.loads(config_file.read_text(encoding="utf-8"))
        model = create(transformers_config(foreign))
        names = foreign.get("id2label", {})
        class_names = tuple(str(names[key]) for key in sorted(names, key=int))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{config_file}: not the configuration of a SegFormer ({error!r})") from None
    theirs = read_tensors(files[0])
    translated = translate(theirs, TRANSFORMERS_KEYS, model.state_dict(), files[0])
    model.info = CheckpointInfo(
        class_names=class_names,
        licence=foreign.get("license", "unknown"),
        source="transformers",
        sha256=sha256_of(files[0]),
    )
    return fill(model, translated, files[0])


def transformers_config(foreign: Mapping[str, Any]) -> SegFormerConfig:
    """Turn the content of Transformers' config.json into ours. Raises ValueError for what is not a SegFormer."""
    if foreign.get("model_type") != "segformer":
        raise ValueError(f"model_type must be 'segformer', got {foreign.get('model_type')!r}")
    fixed = {"patch_sizes": [7, 3, 3, 3], "strides": [4, 2, 2, 2], "hidden_act": "gelu", "num_channels": 3}
    for name, expected in fixed.items():
        if foreign.get(name, expected) != expected:
            raise ValueError(f"{name} must be {expected}, got {foreign[name]}")
    return SegFormerConfig(
        widths=foreign["hidden_sizes"],
        depths=foreign["depths"],
        heads=foreign["num_attention_heads"],
        reductions=foreign["sr_ratios"],
        expansions=foreign["mlp_ratios"],
        decoder_width=foreign["decoder_hidden_size"],
        num_classes=len(foreign.get("id2label", (0, 1))),  # Transformers leaves the labels out when there are two
        drop_path=foreign["drop_path_rate"],
        dropout=foreign["classifier_dropout_prob"],
        norm_eps=1e-5,
        embedding_norm_eps=1e-5,
    )


def translate(
    theirs: dict[str, Tensor], table: Mapping[str, tuple[str, ...]], ours: Mapping[str, Tensor], path: Path
) -> dict[str, Tensor]:
    """Rename and stack foreign tensors to our keys. Raises CheckpointError for missing or unknown keys."""
    found, missing, used = {}, [], set()
    for key, shape_of in ours.items():
        prefix, _, leaf = key.rpartition(".")
        sources = [f"{source}.{leaf}" for source in foreign_prefixes(prefix, table)]
        absent = [source for source in sources if source not in theirs]
        missing += absent
        used.update(sources)
        if not absent:
            stacked = torch.cat([theirs[source] for source in sources]) if len(sources) > 1 else theirs[sources[0]]
            # A 1x1 convolution there may be a linear map here: the same numbers.
            found[key] = stacked.flatten(1) if stacked.ndim == 4 and shape_of.ndim == 2 else stacked
    refuse(path, missing=missing, unknown=sorted(theirs.keys() - used))
    return found


def foreign_prefixes(prefix: str, table: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the foreign names of the module that is ours under `prefix`."""
    numbers = re.findall(r"(?<=\.)\d+(?=\.|$)", prefix)
    places = dict(zip("ij", numbers, strict=False))
    letters = iter("ij")
    pattern = re.sub(r"(?<=\.)\d+(?=\.|$)", lambda _: "{" + next(letters) + "}", prefix)
    for foreign in table[pattern]:
        yield foreign.format(**places)


def fill(model: SegFormer, tensors: Mapping[str, Tensor], path: Path) -> SegFormer:
    """Copy the tensors into the model as float32. Raises CheckpointError unless keys and shapes are exactly its own."""
    own = model.state_dict()
    refuse(
        path,
        missing=sorted(own.keys() - tensors.keys()),
        unknown=sorted(tensors.keys() - own.keys()),
        misshapen=[
            f"{key} is {tuple(tensors[key].shape)}, not {tuple(own[key].shape)}"
            for key in own
            if key in tensors and own[key].shape != tensors[key].shape
        ],
    )
    model.load_state_dict(dict(tensors))
    return model.eval()


def refuse(path: Path, **faults: list[str]) -> None:
    """Raise CheckpointError if there is any fault; each kind is listed by its first ten and the count."""
    parts = [
        f"{len(keys)} {kind}: {', '.join(keys[:10])}{', ...' if len(keys) > 10 else ''}"
        for kind, keys in faults.items()
        if keys
    ]
    if parts:
        raise CheckpointError(f"{path}: keys do not fit the network; {'; '.join(parts)}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a flat state dict; a pickle only with `weights_only=True`, so that no file can run code."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken or hostile pickle may fail in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path}: not a complete file of plain tensors ({reason})") from None
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise CheckpointError(f"{path}: expected a dictionary of tensors")
    return loaded


def sha256_of(path: Path) -> str:
    """Hash a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, force it to disk, rename: a reader sees the old or the new, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp makes files that only their owner may read
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
