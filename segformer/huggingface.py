"""Read folders of Transformers, local or on the Hugging Face hub: config.json next to the weights."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .config import SegFormerConfig
from .files import Content, read_json
from .formats import PICKLES
from .info import CheckpointError, CheckpointInfo
from .preprocessor import FILES, read_preprocessor
from .shards import read_weights
from .sources import NVIDIA_LICENCE, TRANSFORMERS_4, UNKNOWN_LICENCE

__all__ = [
    "FIELDS",
    "HUB",
    "download",
    "folder_config",
    "is_hub_id",
    "licence_of",
    "missing",
    "read_folder",
    "repository_of",
]

HUB = "hf:"

# Our field: its name in config.json, and Transformers' default for a file without it.
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
# Values that every SegFormer has.
FIXED = {
    "model_type": "segformer",
    "num_channels": 3,
    "num_encoder_blocks": 4,
    "patch_sizes": [7, 3, 3, 3],
    "strides": [4, 2, 2, 2],
    "hidden_act": "gelu",
    "reshape_last_stage": True,
}


def repository_of(name: str, folder: Path = Path()) -> str:
    """Find the repository on the hub that a name stands for, "" if the name is a path.

    hf:OWNER/NAME is a repository, unless a folder OWNER/NAME exists. Without "hf:" only nvidia/NAME is one (NVIDIA
    released SegFormer), unless a folder nvidia exists; any other name may be a mistyped path. folder: the folder that a
    path is relative to.
    """
    bare = name.removeprefix(HUB)
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", bare) or Path(bare).suffix in (".safetensors", *PICKLES):
        return ""
    if name != bare:
        return "" if (folder / bare).exists() else bare
    return bare if bare.startswith("nvidia/") and not (folder / "nvidia").exists() else ""


def is_hub_id(name: str) -> bool:
    """Whether a name stands for a repository on the hub."""
    return repository_of(name) != ""


def missing(name: str) -> str:
    """Write the message for a name that is neither a path nor a repository, with a hint; "" if it is one."""
    bare = name.removeprefix(HUB)
    if (bare and Path(bare).exists()) or is_hub_id(name):
        return ""
    hint = ""
    if name != bare:
        hint = f"; a repository on the Hugging Face hub is {HUB}OWNER/NAME"
    elif is_hub_id(HUB + bare) and not Path(bare).parent.exists():
        hint = f"; for a repository on the Hugging Face hub write {HUB}{bare}"
    return f"{name}: no such file or folder{hint}"


def download(name: str, also: Iterable[str] = ()) -> Path:
    """Download a repository's folder, or take it from the hub's cache. Raises CheckpointError (one line).

    also: further files to fetch.
    """
    side_files = ["config.json", "adapter_config.json", *FILES, *also]
    try:
        from huggingface_hub import snapshot_download

        for weights, shards in (
            ("model.safetensors", "model-*.safetensors"),
            ("pytorch_model.bin", "pytorch_model-*.bin"),
        ):
            patterns = [*side_files, weights, f"{weights}.index.json", shards]
            folder = Path(snapshot_download(repository_of(name), allow_patterns=patterns))
            if any((folder / name).is_file() for name in patterns[-3:-1]):
                break
    except Exception as error:  # the errors of the client and of its HTTP library have no common base class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        absent = "" if name.startswith(HUB) else "no such file or folder, and "
        raise CheckpointError(f"{name}: {absent}not available from the Hugging Face hub ({reason})") from None
    return folder


def read_folder(folder: Path, repository: str = "") -> Content:
    """Read a folder that Transformers saved: config.json, the weights (one file or shards) and the preprocessor.

    repository: the repository on the hub that the folder is from, if any.
    """
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: needs config.json and model.safetensors or pytorch_model.bin")
    if (folder / "adapter_config.json").is_file():
        raise CheckpointError(f"{folder}: has an adapter, which is not applied here; merge it into the weights first")
    weights = read_weights(folder)
    foreign = read_json(folder / "config.json")
    try:
        config, class_names = read_config(foreign)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'}: not the configuration of a SegFormer ({error})") from None
    side_files = [folder / name for name in ("config.json", *FILES) if (folder / name).is_file()]
    return replace(
        weights,
        files=(*side_files, *weights.files),
        config=config,
        class_names=class_names,
        licence=licence_of(foreign, folder, repository),
        preprocessor=read_preprocessor(folder),
    )


def licence_of(foreign: Mapping[str, Any], folder: Path, repository: str = "") -> str:
    """Name the licence of a SegFormer's weights, as far as their origin or config.json states it.

    foreign: the content of config.json. folder, repository: as in `read_folder`.
    """
    # Version 4 stores the origin of the weights in config.json; a folder in the hub's cache has it in its path.
    origins = (repository, str(foreign.get("_name_or_path", "")), str(folder.absolute()))
    return NVIDIA_LICENCE if any(map(is_nvidias, origins)) else str(foreign.get("license") or UNKNOWN_LICENCE)


def is_nvidias(origin: str) -> bool:
    """Whether an origin is a repository of NVIDIA on the hub, or a path in the hub's cache of such a repository.

    A folder of the user may be called nvidia, too.
    """
    in_cache = any(part.startswith("models--nvidia--") for part in Path(origin).parts)
    return in_cache or re.fullmatch(r"nvidia/[\w.-]+", origin) is not None


def read_config(foreign: Mapping[str, Any]) -> tuple[SegFormerConfig, tuple[str, ...]]:
    """Turn the content of config.json into our configuration and the class names (none if they are only numbered).

    Raises ValueError if it does not describe a SegFormer.
    """
    for name, expected in FIXED.items():
        if foreign.get(name, None if name == "model_type" else expected) != expected:
            raise ValueError(f"{name} must be {expected!r}, got {foreign.get(name)!r}")
    if foreign.get("quantization_config"):
        raise ValueError("quantised weights are not supported")
    labels = foreign.get("id2label") or {}
    if sorted(map(int, labels)) != list(range(len(labels))):
        raise ValueError("id2label must number the classes 0, 1, 2 and so on")
    number = foreign.get("num_labels") or len(labels) or 2  # Transformers' default is 2
    if labels and number != len(labels):
        raise ValueError(f"num_labels is {number}, but id2label names {len(labels)} classes")
    names = tuple(str(labels[key]) for key in sorted(labels, key=int))
    numbered = names == tuple(f"LABEL_{i}" for i in range(len(names)))
    config = SegFormerConfig(
        **{ours: foreign.get(theirs, default) for ours, (theirs, default) in FIELDS.items()},
        num_classes=number,
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
