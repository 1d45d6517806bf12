"""Draw docs/img/intervals.svg: what the two intervals of a difference cover, on the committed report of CamVid-C.

python docs/make_intervals.py       # from the root of a checkout that is installed
"""

from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from robustbench_seg.charts import save_figure

__all__ = ["OUT", "draw"]

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs/img/intervals.svg"
REPORT = ROOT / "reports/camvid-c/report"
ARMS = ("segformer-b0-mix", "deeplabv3plus-mobilenet_v2")
QUANTITIES = {
    "clean": "clean mIoU",
    "mean": "mean under corruption",
    "retention": "retention",
    "noise": "mIoU under noise",
}
BLUE, ORANGE = "#0072B2", "#D55E00"


def draw() -> Figure:
    """Draw a row per quantity: the pairs of runs, the interval over images, the interval over images and runs."""
    scores, differences = (
        pd.concat(pd.read_csv(REPORT / f"camvid-c-{name}-whole.csv") for name in names)
        for names in (("robustness", "categories"), ("differences", "differences-by-corruption"))
    )
    differences = differences[(differences["row"] == " minus ".join(ARMS)) & differences["group"].isna()]
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0, color="#888888", linewidth=1)
    for y, quantity in enumerate(QUANTITIES):
        (line,) = differences[differences["quantity"] == quantity].to_dict("records")
        own = scores[scores["quantity"] == quantity].drop_duplicates("row").set_index("row")["value"]
        first, second = ([value for name, value in own.items() if name.startswith(f"{arm}-s")] for arm in ARMS)
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
