"""Weights whose authors published an mIoU, with the setting that it is of; docs/reproduce.md has the sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RELEASED", "Released"]


@dataclass(frozen=True, kw_only=True)
class Released:
    """An mIoU as printed, in %. within: points by which ours may differ. source: of the number. void: see `OwnRun`."""

    miou: str
    within: float
    source: str
    dataset: str = "camvid"
    split: str = "test"
    view: str = "whole"
    precision: str = "fp32"
    void: str = "ignored"

    def fits(self, cell: Mapping[str, Any]) -> bool:
        """Whether a cell of `quality_frame` has the setting of the number."""
        setting = ("dataset", "split", "view", "precision", "void")
        return cell["images"] == cell["of"] and all(cell[name] == getattr(self, name) for name in setting)


# name of the weights' file without its ending, which is the model's name: its number
RELEASED: dict[str, Released] = {
    "espnet_p2q8_camvid_480x360": Released(
        miou="55.64", within=0.05, source="the README of sacmehta/ESPNet", void="counted"
    ),
    "cgnet_m3n21_camvid_trainval": Released(miou="65.6", within=0.3, source="its paper (arXiv 1811.08201)"),
}
