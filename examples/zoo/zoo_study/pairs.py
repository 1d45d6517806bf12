"""mIoU over input scale: of pairs of networks that were trained at two sizes, and of arms of other reports."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustbench_seg.errors import UsageError
from robustbench_seg.store.cell import CLEAN
from robustbench_seg.store.view import View
from robustbench_seg.studies.arms import arm_mean
from robustbench_seg.studies.evidence import Evidence, evidence_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.statistics import Draws

from .names import parse, training_sizes
from .rank_statistics import LEAST_NETWORKS

__all__ = ["Arms", "Pairs", "clean", "evidence_of_clean", "read_arms", "read_pairs"]


@dataclass(frozen=True)
class Pairs:
    """mIoU 0-1 of networks at scales: small, large are (1 + resamples, pairs, scales) of those trained at each size."""

    names: list[str]
    scales: list[float]
    small: NDArray[np.float64]
    large: NDArray[np.float64]
    blocks: int

    @property
    def best(self) -> tuple[int, int]:
        """Which scale is best for those trained at 512x256 on average, and for the others."""
        return int(self.small[0].mean(axis=0).argmax()), int(self.large[0].mean(axis=0).argmax())


@dataclass(frozen=True)
class Arms:
    """mIoU 0-1 of arms at scales, the mean of their runs: (1 + resamples, scales) of each."""

    scales: list[float]
    curves: dict[str, NDArray[np.float64]]
    blocks: int


def read_pairs(folder: Path) -> Pairs:
    """Read a store of zoo-resolution.yaml. Raises UsageError without 3 pairs that have all scales."""
    evidence = evidence_of_clean(folder)
    views = [view for view in evidence.views if view.mode == "whole"]
    scales = sorted(view.scales[0] for view in views)

    def curve(title: str) -> NDArray[np.float64]:
        return np.stack([clean(evidence, title, View(scale=scale)) for scale in scales], axis=1)

    curves = {title: curve(title) for title in evidence.titles}
    pairs = [
        pair for pair in training_sizes(evidence.titles) if not any(np.isnan(curves[name][0]).any() for name in pair)
    ]
    if len(pairs) < LEAST_NETWORKS or len(scales) < 2:
        raise UsageError(
            f"{folder}: {len(pairs)} pairs have all of {len(scales)} scales; it takes 3 pairs and 2 scales"
        )
    small, large = (np.stack([curves[pair[side]] for pair in pairs], axis=1) for side in (0, 1))
    return Pairs([parse(pair[0]).label for pair in pairs], scales, small, large, evidence.blocks)


def read_arms(folder: Path, mode: str = "pad-32") -> Arms:
    """Read the arms of a store such as reports/camvid-resolution, at the scales of whole images in this mode."""
    evidence = evidence_of_clean(folder)
    scales = sorted(view.scales[0] for view in evidence.views if view.mode == mode and len(view.scales) == 1)
    curves = {}
    for arm, members in evidence.arms.items():
        columns = [
            arm_mean({title: clean(evidence, title, View(mode=mode, scale=scale)) for title in members}, arm)
            for scale in scales
        ]
        curves[arm] = np.stack(columns, axis=1)
    return Arms(scales, curves, evidence.blocks)


def evidence_of_clean(folder: Path) -> Evidence:
    """Read the clean cells of a store. Raises UsageError unless they are of one setting."""
    cells = quality_frame(folder)
    settings = evidence_of(cells[cells["corruption"] == CLEAN]) if len(cells) else []
    if len(settings) != 1:
        raise UsageError(f"{folder}: has clean cells of {len(settings)} settings; it takes one")
    return settings[0]


def clean(evidence: Evidence, title: str, view: View) -> Draws:
    """The clean mIoU of a model in a view: of the data, then of each resample."""
    return evidence.miou(title, view)(CLEAN, 0)[: 1 + evidence.resamples]
