"""Read the weights in a folder of Transformers: one file, or shards with an index that maps each key to a shard."""

from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from torch import Tensor

from .files import Content, content_of, read_file, read_json
from .formats import Loaded, load
from .info import CheckpointError

__all__ = ["WEIGHTS", "read_weights"]

# The first that exists is read, as in Transformers: a pickle next to safetensors may be stale.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def read_weights(folder: Path) -> Content:
    """Read a folder's weights. Raises CheckpointError for a shard that is missing, damaged or unlike its index."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return read_shards(folder / name) if name.endswith(".json") else read_file(folder / name)
    raise CheckpointError(f"{folder}: needs config.json and model.safetensors or pytorch_model.bin, whole or in shards")


def read_shards(index: Path) -> Content:
    """Read all shards of an index. Each shard must have exactly the keys that the index maps to it."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError(f"{index}: needs a weight_map from keys to the names of files")
    shards = {name: {key for key in places if places[key] == name} for name in sorted(set(places.values()))}
    tensors: dict[str, Tensor] = {}
    for name, keys in shards.items():
        refuse_outside(index, name)
        path = index.parent / name
        if not path.is_file():
            raise CheckpointError(f"{index}: names {name}, which is not there")
        value = load(path).value
        entries = value if isinstance(value, dict) else {}
        for key in sorted(keys - entries.keys()):
            raise CheckpointError(f"{path}: lacks {key}, which {index.name} places there")
        for other in sorted(map(str, entries.keys() - keys)):
            raise CheckpointError(f"{path}: holds {other}, which {index.name} does not place there")
        tensors |= entries
    paths = [str(index.parent / name) for name in shards]
    read = "safetensors.torch.load_file(f)" if ".safetensors" in index.name else "torch.load(f, weights_only=True)"
    expression = f"{{k: v for f in {paths} for k, v in {read}.items()}}"
    content = content_of(Loaded(path=index, value=tensors, expression=expression))
    return replace(content, files=(index, *(index.parent / name for name in shards)))


def refuse_outside(index: Path, name: str) -> None:
    """Raise CheckpointError for a name outside the folder. A link may point outside: the hub's cache uses links."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if windows.anchor or posix.is_absolute() or ".." in posix.parts or "\\" in name or "\0" in name:
        raise CheckpointError(f"{index}: names {name!r}, which is not in its folder")
