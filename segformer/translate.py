"""Between our keys and those of another source, by its table; strict: nothing is missing, unknown or misshapen."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from .config import VARIANTS, SegFormerConfig
from .info import CheckpointError
from .sources import SOURCES, Prefixes, Source

__all__ = ["config_from_shapes", "from_foreign", "recognise", "refuse_misfits", "to_foreign"]

LAST_PART = re.compile(r"(?<=\.)(?=\w+$)")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
EMBEDDING = "encoder.stages.{i}.embed.project."  # of our keys: where a source is recognised and its width read
BLOCK = "encoder.stages.{i}.blocks.{j}.norm1."


def recognise(keys: Mapping[str, object]) -> Source | None:
    """Find the source whose keys these are, its table without the encoder's prefix if the file leaves it out."""
    for source in SOURCES:
        for candidate in (source, without_prefix(source)):
            if any(key.startswith(place(candidate.keys[EMBEDDING])) for key in keys):
                return candidate
    return None


def without_prefix(source: Source) -> Source:
    def strip(prefixes: Prefixes) -> tuple[str, ...]:
        return tuple(prefix.removeprefix(source.encoder_prefix) for prefix in several(prefixes))

    return replace(
        source,
        keys={ours: strip(theirs) for ours, theirs in source.keys.items()},
        convolutions=strip(source.convolutions),
    )


def config_from_shapes(tensors: Mapping[str, Tensor], source: Source, path: Path) -> SegFormerConfig:
    """Tell variant, classes and decoder width of a foreign file. Raises CheckpointError if it is no published variant.

    Heads leave no trace in the shapes; the published variants have one rule for them.
    """

    def size(prefix: Prefixes, axis: int, i: int = 0) -> int:
        key = place(prefix, i) + "weight"
        if key not in tensors or tensors[key].ndim <= axis:
            raise CheckpointError(f"{path}: keys do not fit the network; 1 missing: {key}")
        return tensors[key].shape[axis]

    widths = tuple(size(source.keys[EMBEDDING], 0, i) for i in range(4))
    depths = tuple(count_blocks(tensors, source, i) for i in range(4))
    for variant in VARIANTS.values():
        if (variant.widths, variant.depths) == (widths, depths):
            break
    else:
        raise CheckpointError(f"{path}: widths {widths} and depths {depths} are those of no published variant")
    config = replace(variant, norm_eps=source.norm_eps, embedding_norm_eps=source.embedding_norm_eps)
    if not has_decoder(tensors):
        return config
    classifier = source.keys["decoder.classify."]
    return replace(config, decoder=source.decoder, decoder_width=size(classifier, 1), num_classes=size(classifier, 0))


def has_decoder(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a file has more than an encoder; here all sources use the same word."""
    return any(key.startswith(("decode_head.", "decoder.")) for key in tensors)


def count_blocks(keys: Mapping[str, object], source: Source, stage: int) -> int:
    """Count the blocks of a stage; each has a first norm."""
    pattern = re.escape(place(source.keys[BLOCK], stage, "@")).replace("@", r"(\d+)")
    found = (re.match(pattern, key) for key in keys)
    return len({match[1] for match in found if match})


def to_foreign(ours: Mapping[str, Tensor], source: Source) -> dict[str, Tensor]:
    """Rename, stack and split our tensors to those of a source."""
    result = {}
    for our_keys, their_keys, convolution in rows(ours, source):
        stacked = stack([ours[key] for key in our_keys])
        parts = stacked.chunk(len(their_keys)) if len(their_keys) > 1 else [stacked]
        for key, part in zip(their_keys, parts, strict=True):
            result[key] = part[:, :, None, None] if convolution and part.ndim == 2 else part
    return result


def from_foreign(theirs: Mapping[str, Tensor], source: Source, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename, stack and split the tensors of a source to ours, of which only the shapes are read."""
    result = {}
    for our_keys, their_keys, _ in rows(ours, source):
        stacked = stack([theirs[key] for key in their_keys])
        parts = torch.split(stacked, [len(ours[key]) for key in our_keys]) if len(our_keys) > 1 else [stacked]
        for key, part in zip(our_keys, parts, strict=True):
            result[key] = part.reshape(ours[key].shape)
    return result


def rows(ours: Mapping[str, Tensor], source: Source) -> Iterator[tuple[list[str], list[str], bool]]:
    """List keys of ours and of theirs that hold the same numbers, and whether theirs is a 1x1 convolution's."""
    table = {several(our_prefixes)[0]: (our_prefixes, theirs) for our_prefixes, theirs in source.keys.items()}
    for key in ours:
        prefix, leaf = LAST_PART.split(key)
        numbers = NUMBER.findall(prefix)
        pattern = NUMBER.sub("{}", prefix).format("{i}", "{j}")
        if pattern in table:  # a key that is not the first of several comes with the first
            our_prefixes, their_prefixes = map(several, table[pattern])
            yield (
                [place(our, *numbers) + leaf for our in our_prefixes],
                [place(their, *numbers) + leaf for their in their_prefixes],
                their_prefixes[0] in source.convolutions,
            )


def several(prefixes: Prefixes) -> tuple[str, ...]:
    return (prefixes,) if isinstance(prefixes, str) else prefixes


def place(prefixes: Prefixes, i: int | str = 0, j: int | str = 0) -> str:
    """Put stage and block into a prefix, the first of several."""
    return several(prefixes)[0].format(i=i, n=int(i) + 1, j=j)


def stack(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]


def refuse_misfits(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless keys and shapes are exactly those expected: the first ten of a kind, the count."""
    faults = {
        "missing": sorted(expected.keys() - found.keys()),
        "unknown": sorted(found.keys() - expected.keys()),
        "misshapen": [
            f"{key} is {tuple(found[key].shape)}, not {tuple(tensor.shape)}"
            for key, tensor in expected.items()
            if key in found and found[key].shape != tensor.shape
        ],
    }
    parts = [
        f"{len(keys)} {kind}: {', '.join(keys[:10])}{', ...' if len(keys) > 10 else ''}"
        for kind, keys in faults.items()
        if keys
    ]
    if parts:
        raise CheckpointError(f"{path}: keys do not fit the network; {'; '.join(parts)}")
