"""Latency, multiply-accumulates and parameters of the zoo next to SegFormer, and what robustness costs in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.frame import latency_frame
from robustbench_seg.studies.speed import SETUP, setup_of
from robustbench_seg.wording import MISSING, counted, listed

from .figures import pareto_front
from .names import parse
from .study import Study

__all__ = ["Speed", "read_speed", "sentences", "table"]

REFERENCE = "segformer-b0"


@dataclass(frozen=True)
class Speed:
    """Speed cells of one setup. cells: of `latency_frame`, with one image at a time. size: (height, width)."""

    cells: pd.DataFrame
    size: tuple[int, int]

    @property
    def latency_ms(self) -> dict[str, float]:
        """From pixels to logits, the median, by model, at the size."""
        return dict(zip(self.here["model"], self.here["median_ms"], strict=True))

    @property
    def here(self) -> pd.DataFrame:
        """The cells of the size."""
        return self.cells[(self.cells["height"] == self.size[0]) & (self.cells["width"] == self.size[1])]

    @property
    def where(self) -> str:
        """The input size and the machine, in words."""
        return f"{self.size[0]}x{self.size[1]}, {setup_of(self.cells.iloc[0], ('precision', 'device', *SETUP[:2]))}"


def read_speed(folder: Path) -> Speed:
    """Read a store of zoo-latency.yaml; its first and smaller size leads. Raises UsageError for several machines."""
    cells = latency_frame(folder)
    cells = cells[cells["batch"] == 1] if len(cells) else cells
    if not len(cells):
        raise UsageError(f"{folder}: has no speed cells of one image at a time")
    for name in ("machine", "threads", "torch", "precision", "device"):
        if cells[name].nunique(dropna=False) > 1:
            raise UsageError(f"{folder}: speed cells differ in {name}; a figure needs those of one setup")
    pixels = cells["height"] * cells["width"]
    first = cells.loc[pixels.idxmin()]
    return Speed(cells, (int(first["height"]), int(first["width"])))


def table(speed: Speed) -> list[str]:
    """Write a row per model, by latency: parameters, multiply-accumulates and latency at each size."""
    sizes = sorted(
        set(zip(speed.cells["height"], speed.cells["width"], strict=True)), key=lambda size: size[0] * size[1]
    )
    heads = ["network", "params (M)", *(f"{what}, {h}x{w}" for h, w in sizes for what in ("GMACs", "ms"))]
    lines = [f"| {' | '.join(heads)} |", f"|:--|{'--:|' * (len(heads) - 1)}"]
    for model in speed.here.sort_values("median_ms")["model"]:
        own = speed.cells[speed.cells["model"] == model]
        row = [model, f"{own.iloc[0]['parameters'] / 1e6:.2f}"]
        for height, width in sizes:
            cell = own[(own["height"] == height) & (own["width"] == width)]
            macs = cell["macs"].iloc[0] if len(cell) else np.nan
            row.append(MISSING if pd.isna(macs) else f"{macs / 1e9:.2f}")
            row.append(f"{cell['median_ms'].iloc[0]:.0f}{'*' * bool(cell['noisy'].iloc[0])}" if len(cell) else MISSING)
        lines.append(f"| {' | '.join(row)} |")
    busy = ["", "\\* samples spread as on a busy machine."] if bool(speed.cells["noisy"].any()) else []
    return [*lines, *busy]


def sentences(speed: Speed, study: Study) -> list[str]:
    """State who is on the front, and whether work and time agree. Speeds are of this machine, so have no interval."""
    mean = {name: float(draws[0]) for name, draws in zip(study.names, study.values["mean"].T, strict=True)}
    ms = speed.latency_ms
    both = {name: (ms[name], mean[name]) for name in study.names if name in ms}
    if not both:
        raise UsageError("no network has both a latency and a mean under corruption; names of models must agree")
    front = pareto_front(both)
    lines = [
        f"On {speed.where}, {len(front)} of {counted(len(both), 'network')} have no other that is faster and better "
        f"under corruption: {listed([f'{name} ({ms[name]:.0f} ms, {100 * mean[name]:.1f} %)' for name in front], 8)}."
    ]
    zoo = speed.here[speed.here["model"].isin(both)]
    macs = zoo[zoo["macs"].notna()]
    if macs["macs"].nunique() > 1:
        rho = spearmanr(macs["macs"].astype(float), macs["median_ms"]).statistic
        lines.append(f"Rank correlation of multiply-accumulates and latency over {len(macs)} networks: {rho:+.2f}.")
    lines += [faster(ms, both, front)] if REFERENCE in ms else []
    return lines


def faster(ms: Mapping[str, float], both: Mapping[str, tuple[float, float]], front: list[str]) -> str:
    """Compare latencies with SegFormer-B0's."""
    quicker = sum(own < ms[REFERENCE] for own, _ in both.values())
    best = front[-1]
    return (
        f"{quicker} of {len(both)} take less time than {REFERENCE} ({ms[REFERENCE]:.0f} ms); the best under "
        f"corruption, {parse(best).label}, takes {both[best][0] / ms[REFERENCE]:.2f} times as long."
    )
