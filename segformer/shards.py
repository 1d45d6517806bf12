"""The weights in a folder of Transformers: one file, or shards with an index that places each key in one of them."""

from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from torch import Tensor

from .files import Content, content_of, read_file, read_json
from .formats import Loaded, load
from .info import CheckpointError

__all__ = ["WEIGHTS", "read_weights"]

# The first that is there is read, as Transformers does: a pickle next to safetensors may be stale.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def read_weights(folder: Path) -> Content:
    """Read the weights of a folder. Raises CheckpointError for a shard that is missing, damaged or not as indexed."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return read_shards(folder / name) if name.endswith(".json") else read_file(folder / name)
    raise CheckpointError(f"{folder}: needs config.json and model.safetensors or pytorch_model.bin, whole or in shards")


def read_shards(index: Path) -> Content:
    """Read all shards that an index names. A shard has exactly the keys that the index places in it."""
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
        held = value if isinstance(value, dict) else {}
        for missing in sorted(keys - held.keys()):
            raise CheckpointError(f"{path}: lacks {missing}, which {index.name} places there")
        for other in sorted(map(str, held.keys() - keys)):
            raise CheckpointError(f"{path}: holds {other}, which {index.name} does not place there")
        tensors |= held
    paths = [str(index.parent / name) for name in shards]
    read = "safetensors.torch.load_file(f)" if ".safetensors" in index.name else "torch.load(f, weights_only=True)"
    expression = f"{{k: v for f in {paths} for k, v in {read}.items()}}"
    content = content_of(Loaded(path=index, value=tensors, expression=expression))
    return replace(content, files=(index, *(index.parent / name for name in shards)))


def refuse_outside(index: Path, name: str) -> None:
    """Raise CheckpointError for a name that leaves the folder. A link in it may: the hub's cache is made of links."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if windows.anchor or posix.is_absolute() or ".." in posix.parts or "\\" in name or "\0" in name:
        raise CheckpointError(f"{index}: names {name!r}, which is not in its folder")
