"""Weights whose authors published an mIoU, with the setting that it is of; docs/reproduce.md has the sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RELEASED", "Released"]


@dataclass(frozen=True, kw_only=True)
class Released:
    """An mIoU as printed, in %. within: points by which ours may differ. source: of the number. void: see `OwnRun`.

    parameters: how many the network has. origin: of the code and weights, which the text on the model names. A store
    keeps no hash of the file of weights alone, so weights that were trained on after that pass as these.
    """

    miou: str
    within: float
    source: str
    parameters: int
    origin: str
    dataset: str = "camvid"
    split: str = "test"
    view: str = "whole"
    precision: str = "fp32"
    void: str = "ignored"

    def fits(self, cell: Mapping[str, Any]) -> bool:
        """Whether a cell of `quality_frame` has the setting of the number, and in addition to its name the network."""
        same = ("dataset", "split", "view", "precision", "void", "parameters")
        whole = cell["images"] == cell["of"]
        return whole and self.origin in cell["about"] and all(cell[name] == getattr(self, name) for name in same)


# name of the weights' file without its ending, which is the model's name: its number
RELEASED: dict[str, Released] = {
    "espnet_p2q8_camvid_480x360": Released(
        miou="55.64",
        within=0.05,
        source="the README of sacmehta/ESPNet",
        parameters=354_517,
        origin="https://github.com/sacmehta/ESPNet",
        void="counted",
    ),
    "cgnet_m3n21_camvid_trainval": Released(
        miou="65.6",
        within=0.3,
        source="its paper (arXiv 1811.08201)",
        parameters=494_258,
        origin="https://github.com/wutianyiRosun/CGNet",
    ),
}
