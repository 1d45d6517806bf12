"""Draw docs/img/intervals.svg: what the two intervals of a difference cover, on the committed report of CamVid-C.

python docs/make_intervals.py       # from the root of a checkout that is installed
"""

from itertools import product
from pathlib import Path

from make_studies import ARMS, difference, numbers, of_view, score
from matplotlib.figure import Figure

from robustbench_seg.charts import save_figure

__all__ = ["OUT", "draw"]

OUT = Path(__file__).parent / "img/intervals.svg"
STUDY, VIEW = "camvid-c", "whole"
PAIR = "A - C"
QUANTITIES = {
    "clean": "clean mIoU",
    "mean": "mean under corruption",
    "retention": "retention",
    "noise": "mIoU under noise",
}
BLUE, ORANGE = "#0072B2", "#D55E00"


def draw() -> Figure:
    """Draw a row per quantity: the pairs of runs, the interval over images, the interval over images and runs."""
    names = set(of_view(numbers(STUDY), VIEW)["row"])
    runs = [sorted(name for name in names if name.startswith(f"{ARMS[arm]}-s")) for arm in PAIR.split(" - ")]
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0, color="#888888", linewidth=1)
    for y, quantity in enumerate(QUANTITIES):
        line = difference(STUDY, VIEW, PAIR, quantity)
        first, second = ([score(STUDY, VIEW, name, quantity)["value"] for name in arm] for arm in runs)
        axis.plot([100 * line["low_runs"], 100 * line["high_runs"]], [y, y], color=BLUE, linewidth=1)
        axis.plot([100 * line["low"], 100 * line["high"]], [y, y], color=BLUE, linewidth=5, solid_capstyle="butt")
        pairs = [100 * (a - c) for a, c in product(first, second)]
        axis.plot(pairs, [y - 0.28] * len(pairs), "o", color=ORANGE, markersize=4)
        axis.plot(100 * line["value"], y, "o", color=BLUE, markersize=6, markerfacecolor="white")
    axis.set_yticks(range(len(QUANTITIES)), list(QUANTITIES.values()), fontsize=9)
    axis.set_ylim(len(QUANTITIES) - 0.5, -0.7)
    axis.set_xlabel("SegFormer minus DeepLabV3+ (points)", fontsize=9)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(labelsize=8)
    return figure


if __name__ == "__main__":
    save_figure(draw(), OUT, "svg")
