"""Translate between our keys and the keys of another source, by the source's table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from .config import VARIANTS, SegFormerConfig
from .files import Content
from .info import CheckpointError
from .nesting import UNREAD
from .sources import SOURCES, Prefixes, Source

__all__ = ["config_from_shapes", "from_foreign", "recognise", "to_foreign"]

LAST_PART = re.compile(r"(?<=\.)(?=\w+$)")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
EMBEDDING = "encoder.stages.{i}.embed.project."  # our key that identifies a source and gives its widths
BLOCK = "encoder.stages.{i}.blocks.{j}.norm1."


def recognise(content: Content) -> tuple[Source | None, Content]:
    """Find the source of a file's keys; the source's table lacks the encoder's prefix if the file does.

    Returns the content under that source's keys. A user's program may store the network under any name, so names that
    all keys share are removed one by one.
    """
    level = content
    while True:
        for source in SOURCES:
            for candidate in (source, without_prefix(source)):
                if any(key.startswith(place(candidate.keys[EMBEDDING])) for key in level.tensors):
                    return candidate, level
        firsts = {key.partition(".")[0] + "." for key in level.tensors if not UNREAD.search(key)}
        if len(firsts) != 1 or not all("." in key for key in level.tensors):
            return None, content
        (first,) = firsts
        stripped = {key.removeprefix(first): tensor for key, tensor in level.tensors.items()}
        level = replace(level, tensors=stripped, prefix=level.prefix + first)


def without_prefix(source: Source) -> Source:
    def strip(prefixes: Prefixes) -> tuple[str, ...]:
        return tuple(prefix.removeprefix(source.encoder_prefix) for prefix in as_tuple(prefixes))

    return replace(
        source,
        keys={ours: strip(theirs) for ours, theirs in source.keys.items()},
        convolutions=strip(source.convolutions),
    )


def config_from_shapes(tensors: Mapping[str, Tensor], source: Source, path: Path) -> SegFormerConfig:
    """Derive variant, classes and decoder width of a foreign file. Raises CheckpointError for an unpublished variant.

    The number of heads does not show in the shapes; it is the same in all published variants.
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
        raise CheckpointError(f"{path}: widths {widths} and depths {depths} fit no published variant")
    config = replace(variant, norm_eps=source.norm_eps, embedding_norm_eps=source.embedding_norm_eps)
    if not has_decoder(tensors):
        return config
    classifier = source.keys["decoder.classify."]
    return replace(config, decoder=source.decoder, decoder_width=size(classifier, 1), num_classes=size(classifier, 0))


def has_decoder(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a file has more than an encoder; all sources use the same prefixes for the decoder."""
    return any(key.startswith(("decode_head.", "decoder.")) for key in tensors)


def count_blocks(keys: Mapping[str, object], source: Source, stage: int) -> int:
    """Count the blocks of a stage by their first norms."""
    pattern = re.escape(place(source.keys[BLOCK], stage, "@")).replace("@", r"(\d+)")
    matches = (re.match(pattern, key) for key in keys)
    return len({match[1] for match in matches if match})


def to_foreign(ours: Mapping[str, Tensor], source: Source) -> dict[str, Tensor]:
    """Rename, stack and split our tensors into the tensors of a source."""
    result = {}
    for our_keys, their_keys, convolution in rows(ours, source):
        stacked = stack([ours[key] for key in our_keys])
        parts = stacked.chunk(len(their_keys)) if len(their_keys) > 1 else [stacked]
        for key, part in zip(their_keys, parts, strict=True):
            result[key] = part[:, :, None, None] if convolution and part.ndim == 2 else part
    return result


def from_foreign(theirs: Mapping[str, Tensor], source: Source, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename, stack and split the tensors of a source into ours. ours: only its keys and shapes are read."""
    result = {}
    for our_keys, their_keys, _ in rows(ours, source):
        stacked = stack([theirs[key] for key in their_keys])
        parts = torch.split(stacked, [len(ours[key]) for key in our_keys]) if len(our_keys) > 1 else [stacked]
        for key, part in zip(our_keys, parts, strict=True):
            result[key] = part.reshape(ours[key].shape)
    return result


def rows(ours: Mapping[str, Tensor], source: Source) -> Iterator[tuple[list[str], list[str], bool]]:
    """List our keys and their keys that hold the same values, and whether theirs belong to a 1x1 convolution."""
    table = {as_tuple(our_prefixes)[0]: (our_prefixes, theirs) for our_prefixes, theirs in source.keys.items()}
    for key in ours:
        prefix, leaf = LAST_PART.split(key)
        numbers = NUMBER.findall(prefix)
        pattern = NUMBER.sub("{}", prefix).format("{i}", "{j}")
        if pattern in table:  # only the first prefix of several is in the table
            our_prefixes, their_prefixes = map(as_tuple, table[pattern])
            yield (
                [place(our, *numbers) + leaf for our in our_prefixes],
                [place(their, *numbers) + leaf for their in their_prefixes],
                their_prefixes[0] in source.convolutions,
            )


def as_tuple(prefixes: Prefixes) -> tuple[str, ...]:
    return (prefixes,) if isinstance(prefixes, str) else prefixes


def place(prefixes: Prefixes, i: int | str = 0, j: int | str = 0) -> str:
    """Insert stage and block into a prefix, or into the first of several."""
    return as_tuple(prefixes)[0].format(i=i, n=int(i) + 1, j=j)


def stack(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]
