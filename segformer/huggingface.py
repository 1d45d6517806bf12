"""Folders of Transformers, here and on the Hugging Face hub: config.json beside the weights."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .config import SegFormerConfig
from .files import PICKLES, Content, read_file, read_json
from .info import CheckpointError, CheckpointInfo
from .sources import NVIDIA_LICENCE, TRANSFORMERS_4, UNKNOWN_LICENCE

__all__ = ["download", "folder_config", "is_hub_id", "read_folder"]

# Our field: its name in config.json. What the file leaves out has Transformers' default.
FIELDS = {
    "widths": ("hidden_sizes", (32, 64, 160, 256)),
    "depths": ("depths", (2, 2, 2, 2)),
    "heads": ("num_attention_heads", (1, 2, 5, 8)),
    "reductions": ("sr_ratios", (8, 4, 2, 1)),
    "expansions": ("mlp_ratios", (4, 4, 4, 4)),
    "decoder_width": ("decoder_hidden_size", 256),
    "drop_path": ("drop_path_rate", 0.1),
    "dropout": ("classifier_dropout_prob", 0.1),
}
# What a SegFormer may not have otherwise.
FIXED = {
    "model_type": "segformer",
    "num_channels": 3,
    "num_encoder_blocks": 4,
    "patch_sizes": [7, 3, 3, 3],
    "strides": [4, 2, 2, 2],
    "hidden_act": "gelu",
}


def is_hub_id(name: str) -> bool:
    """Whether a name may be a repository on the hub, owner/name: it is no path, nor would be one in a folder here."""
    shaped = re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) is not None
    path = Path(name)
    return shaped and path.suffix not in (".safetensors", *PICKLES) and not path.parent.exists()


def download(repository: str) -> Path:
    """Fetch a folder from the hub, or find it in the hub's cache. Raises CheckpointError in one line."""
    try:
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(repository, allow_patterns=["config.json", "model.safetensors"]))
        if not (folder / "model.safetensors").is_file():
            folder = Path(snapshot_download(repository, allow_patterns=["config.json", "pytorch_model.bin"]))
    except Exception as error:  # the client's errors, and those of the HTTP library under it, have no common root
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{repository}: no such file or folder, and not to be had from the Hugging Face hub ({reason})"
        ) from None
    return folder


def read_folder(folder: Path, repository: str = "") -> Content:
    """Read a folder that Transformers saved: config.json and model.safetensors or pytorch_model.bin.

    repository: where on the hub it is from, if that is known.
    """
    files = [folder / name for name in ("model.safetensors", "pytorch_model.bin") if (folder / name).is_file()]
    if not (folder / "config.json").is_file() or not files:
        raise CheckpointError(f"{folder}: needs config.json and model.safetensors or pytorch_model.bin")
    foreign = read_json(folder / "config.json")
    try:
        config, class_names = read_config(foreign)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'}: not the configuration of a SegFormer ({error})") from None
    # Version 4 notes in config.json where the weights were from before; the hub's cache is named after it.
    origins = (repository, str(foreign.get("_name_or_path", "")), *folder.absolute().parts)
    if any(origin.startswith(("nvidia/", "models--nvidia--")) for origin in origins):
        licence = NVIDIA_LICENCE
    else:
        licence = str(foreign.get("license") or UNKNOWN_LICENCE)
    processor = folder / "preprocessor_config.json"
    return replace(
        read_file(files[0]),
        config=config,
        class_names=class_names,
        licence=licence,
        preprocessor=json.dumps(read_json(processor), sort_keys=True) if processor.is_file() else "",
    )


def read_config(foreign: Mapping[str, Any]) -> tuple[SegFormerConfig, tuple[str, ...]]:
    """Turn the content of config.json into ours, and class names, none if they are only numbered.

    Raises ValueError for what is not a SegFormer.
    """
    for name, expected in FIXED.items():
        if foreign.get(name, None if name == "model_type" else expected) != expected:
            raise ValueError(f"{name} must be {expected!r}, got {foreign.get(name)!r}")
    labels = foreign.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}  # left out when there are two
    names = tuple(str(labels[key]) for key in sorted(labels, key=int))
    numbered = names == tuple(f"LABEL_{i}" for i in range(len(names)))
    config = SegFormerConfig(
        **{ours: foreign.get(theirs, default) for ours, (theirs, default) in FIELDS.items()},
        num_classes=len(names),
        norm_eps=TRANSFORMERS_4.norm_eps,
        embedding_norm_eps=TRANSFORMERS_4.embedding_norm_eps,
    )
    return config, () if numbered else names


def folder_config(config: SegFormerConfig, info: CheckpointInfo, *, half: bool) -> dict[str, Any]:
    """Make the content of config.json."""
    names = info.class_names or tuple(f"LABEL_{i}" for i in range(config.num_classes))
    return {
        **FIXED,
        **{theirs: getattr(config, ours) for ours, (theirs, _) in FIELDS.items()},
        "architectures": ["SegformerForSemanticSegmentation"],
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
        "license": info.licence,
        "torch_dtype": "float16" if half else "float32",
    }
