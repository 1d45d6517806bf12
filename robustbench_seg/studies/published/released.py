"""Weights whose authors published an mIoU, with the setting that it is of; docs/reproduce.md has the sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RELEASED", "Released"]


@dataclass(frozen=True, kw_only=True)
class Released:
    """An mIoU as printed, in %. within: points by which ours may differ. source: of the number. void: see `OwnRun`.

    parameters: how many the network has. origin: of the code and weights, which the text on the model names. sha256: of
    the authors' file, so that weights that were trained further have no number; nor has a conversion of the file, as
    nothing shows that its values are the same. store: the identity in our committed store, which an earlier version
    wrote without the file's hash.
    """

    miou: str
    within: float
    source: str
    parameters: int
    origin: str
    sha256: str
    store: str
    dataset: str = "camvid"
    split: str = "test"
    view: str = "whole"
    precision: str = "fp32"
    void: str = "ignored"

    def fits(self, cell: Mapping[str, Any]) -> bool:
        """Whether a cell of `quality_frame` has the setting of the number, and in addition to its name the weights."""
        same = ("dataset", "split", "view", "precision", "void", "parameters")
        about, identity = cell["about"], cell["checkpoint_sha256"]
        theirs = identity in (self.sha256, self.store) or f"sha256 {self.sha256}" in about
        whole = cell["images"] == cell["of"]
        return whole and theirs and self.origin in about and all(cell[name] == getattr(self, name) for name in same)


# name of the weights' file without its ending, which is the model's name: its number
RELEASED: dict[str, Released] = {
    "espnet_p2q8_camvid_480x360": Released(
        miou="55.64",
        within=0.05,
        source="the README of sacmehta/ESPNet",
        parameters=354_517,
        origin="https://github.com/sacmehta/ESPNet",
        sha256="7d354a257170322086dcd4c1e89a482454cf2c9d30b085e70883878dd59301af",
        store="0a41d477d61d403fcd149b24963a6d70",
        void="counted",
    ),
    "cgnet_m3n21_camvid_trainval": Released(
        miou="65.6",
        within=0.3,
        source="its paper (arXiv 1811.08201)",
        parameters=494_258,
        origin="https://github.com/wutianyiRosun/CGNet",
        sha256="3676a50e6587379426bf04924b0a2d98f332d3468adb990a40e0446e4f32a63e",
        store="7d87f5694e0c4c6fc10438106d60a554",
    ),
}
