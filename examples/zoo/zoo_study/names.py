"""What the names of the zoo's files state: architecture, width, and the size of the training images."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LARGE", "SMALL", "Name", "parse", "training_sizes"]

ARCHITECTURES = {
    "adscnet": "ADSCNet", "c3net": "C3Net", "c3netv2": "C3NetV2", "cfpnet": "CFPNet", "cgnet": "CGNet",
    "dabnet": "DABNet", "dicenet": "DiCENet", "edanet": "EDANet", "enet": "ENet", "espnet": "ESPNet",
    "espnetv2": "ESPNetv2", "fddwnet": "FDDWNet", "fpenet": "FPENet", "fssnet": "FSSNet", "mininetv2": "MiniNetv2",
    "sinet": "SINet",
}  # fmt: skip
REPOSITORIES = {
    "c3net": "c3_sinet", "c3netv2": "c3_sinet", "sinet": "c3_sinet", "dicenet": "EdgeNets", "espnetv2": "EdgeNets",
}  # fmt: skip
NAME = re.compile(
    r"(?P<zh320>zh320_)?(?P<kind>[a-z0-9]+)(_(?P<width>[a-z0-9.]+))?_(cityscapes|camvid)(_(?P<size>\w+))?"
)
SMALL, LARGE = "512x256", "1024x512"  # the sizes of the pairs


@dataclass(frozen=True)
class Name:
    """architecture: its colour in figures. label: short, the same for both training sizes. repository: its authors',
    whose networks resemble each other. jitter: of colours, in training. small: whether it was trained at 512x256.
    """

    architecture: str
    label: str
    repository: str = ""
    jitter: bool = False
    small: bool = False


def parse(model: str) -> Name:
    """Read a model's name, by default its file's without the suffix; any other name is its own architecture."""
    match = NAME.fullmatch(re.sub(r" \(\d+\)$", "", model))  # a number tells other weights of one name apart
    if match is None or match["kind"] not in ARCHITECTURES:
        return Name(model, model)
    zh320 = bool(match["zh320"])
    architecture = ARCHITECTURES[match["kind"]] + " (zh320)" * (zh320 and match["kind"] in ("cgnet", "espnet"))
    label = f"{architecture} {match['width']}" if match["width"] else architecture
    repository = "zh320" if zh320 else REPOSITORIES.get(match["kind"], ARCHITECTURES[match["kind"]])
    return Name(architecture, label, repository, jitter=zh320, small=match["size"] == SMALL)


def training_sizes(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pair the networks that were trained at 512x256 with those of the same name that were trained at 1024x512.

    By their authors' description the latter is a second stage, which starts from the former and trains longer, with
    another learning rate and frozen BatchNorm: resolution is not all that differs.
    """
    return [
        (name, larger)
        for name in names
        if (larger := re.sub(f"_{SMALL}$", f"_{LARGE}", name)) != name and larger in names
    ]
