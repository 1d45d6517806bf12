"""Compare what an MMSegmentation configuration states of its network with the network that is built here.

A file of weights has the same keys and shapes under many options: they would change logits silently.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from .config import SegFormerConfig
from .info import CheckpointError
from .preprocessor import COMMENT, NUMBER, TUPLE

__all__ = ["refuse_other_options"]

HEAD = "segformerhead"  # NVlabs and MMSegmentation differ in its capitals
BATCH_NORM_EPS = 1e-5
WORD, LIST = r"['\"]?([\w.+-]+)", r"\[([-\d,\s]*)\]"


def refuse_other_options(text: str, config: SegFormerConfig, path: Path) -> None:
    """Raise CheckpointError for a head of another type and for an option that no tensor's shape shows.

    text: of the configuration that the weights were trained with, Python or JSON, "" for none.
    """
    text = TUPLE.sub(r"[\1]", COMMENT.sub("", text))
    if re.search(r"\balign_corners\W{1,4}[Tt]rue", text):
        raise CheckpointError(f"{path}: was trained with align_corners=True, which this network does not support")
    for place, stated, ours in [*options_of_head(text), *options_of_backbone(text, config), *epsilons(text, config)]:
        if stated != ours:
            raise CheckpointError(
                f"{path}: its MMSegmentation configuration has {place} {stated}, which this network does not support; "
                f"it has {ours}"
            )


def options_of_head(text: str) -> Iterator[tuple[str, object, object]]:
    for head in dictionaries("decode_head", text):
        own = without_nested(head)
        for kind in values("type", WORD, own):
            name = kind.rpartition(".")[2]
            yield "decode_head", name, name if name.lower() == HEAD else "SegformerHead"
        for mode in values("interpolate_mode", WORD, own):
            yield "decode_head.interpolate_mode", mode, "bilinear"
        for indices in values("in_index", LIST, own):
            yield "decode_head.in_index", integers(indices), [0, 1, 2, 3]
        yield from activations("decode_head", head, "ReLU")


def options_of_backbone(text: str, config: SegFormerConfig) -> Iterator[tuple[str, object, object]]:
    ours = {"num_heads": list(config.heads), "strides": [4, 2, 2, 2], "out_indices": [0, 1, 2, 3]}
    for backbone in dictionaries("backbone", text):
        own = without_nested(backbone)
        for name, expected in ours.items():
            for theirs in values(name, LIST, own):
                yield f"backbone.{name}", integers(theirs), expected
        yield from activations("backbone", backbone, "GELU")


def activations(place: str, part: str, ours: str) -> Iterator[tuple[str, object, object]]:
    for activation in dictionaries("act_cfg", part):
        for kind in values("type", WORD, activation):
            yield f"{place}.act_cfg", kind.rpartition(".")[2], ours


def epsilons(text: str, config: SegFormerConfig) -> Iterator[tuple[str, object, object]]:
    """List the epsilons of norms, wherever they stand: a configuration may name a norm once for all parts."""
    for norm in dictionaries("norm_cfg", text):
        batch = any("BN" in kind for kind in values("type", WORD, norm))
        for eps in values("eps", rf"({NUMBER})", norm):
            yield "norm_cfg.eps", float(eps), BATCH_NORM_EPS if batch else config.norm_eps


def dictionaries(name: str, text: str) -> Iterator[str]:
    """Find each dictionary of a name, a call or braces; return the text between its brackets."""
    for start in re.finditer(rf"\b{name}['\"]?\s*[=:]\s*(?:[\w.]+\(|\{{)", text):
        depth, end = 1, start.end()
        while end < len(text) and depth:
            depth += (text[end] in "({") - (text[end] in ")}")
            end += 1
        yield text[start.end() : end - 1]


def without_nested(text: str) -> str:
    """Remove the dictionaries in a dictionary's text, so that their entries are not read as its own."""
    before = ""
    while text != before:
        before, text = text, re.sub(r"(?:[\w.]+\(|\{)[^(){}]*[)}]", "...", text)
    return text


def values(name: str, form: str, text: str) -> list[str]:
    return re.findall(rf"\b{name}['\"]?\s*[=:]\s*{form}", text)


def integers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", text)]
