"""What SegFormer costs: our counts beside the paper's, the models of this package, and attention as the input grows.

    python -m benchmarks.complexity

writes to benchmarks/results: complexity.md, to be read; complexity.csv, the comparison with the paper;
complexity-models.csv; attention.csv and attention.svg.
"""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jinja2 import StrictUndefined, Template
from matplotlib.figure import Figure

from benchmarks.published_costs import CLASSES, HEAD, INPUTS, as_published, compare_with_paper, written
from benchmarks.tables import frame_table
from robustbench_seg import environment
from robustbench_seg.charts import save_figure, style
from robustbench_seg.files import write_text
from robustbench_seg.models import DEEPLABV3PLUS_ENCODERS, build_network
from segformer import VARIANTS, SegFormer
from segformer.complexity import complexity, count

RESULTS = Path(__file__).parent / "results"
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
COMMAND = "python -m benchmarks.complexity"
SQUARES = (128, 256, 512, 768, 1024, 1536, 2048)  # sides of the figure's inputs, in pixels


def measure_models() -> pd.DataFrame:
    """The models of this package with Cityscapes' 19 classes: M parameters, GMACs of what runs and of the paper's form.

    weights_product is the part of `decoder` that multiplies weights by weights, once a pass whatever the input.
    """
    names, rows = [str(k) for k in range(CLASSES["Cityscapes"])], []
    for variant in VARIANTS:
        with torch.device("meta"):
            network = build_network(f"segformer-{variant}", names)
        cost = complexity(network, INPUTS["Cityscapes"])
        published = as_published(variant, len(names), INPUTS["Cityscapes"])
        rows.append(
            {
                "model": f"segformer-{variant}",
                "parameters": cost.parameters / 1e6,
                "macs": cost.macs / 1e9,
                "decoder": cost.modules["decoder"].macs / 1e9,
                "weights_product": macs_of_weights_product(network) / 1e9,
                "decoder_as_published": published.modules["decoder"].macs / 1e9,
                "macs_as_published": published.macs / 1e9,
            }
        )
    for encoder in DEEPLABV3PLUS_ENCODERS:
        with torch.device("meta"):
            network = build_network(f"deeplabv3plus-{encoder}", names)
        cost = complexity(network, INPUTS["Cityscapes"])
        name = f"deeplabv3plus-{encoder}"
        rows.append({"model": name, "parameters": cost.parameters / 1e6, "macs": cost.macs / 1e9})
    return pd.DataFrame(rows)


def macs_of_weights_product(network: SegFormer) -> int:
    """What a second image does not add to the decoder's cost."""
    one, two = (
        count(network.decoder, [torch.empty(n, c, 8, 8, device="meta") for c in network.config.widths]).macs
        for n in (1, 2)
    )
    return 2 * one - two


def measure_attention() -> pd.DataFrame:
    """GMACs of all attention modules of an encoder against the side of a square input, and of all else in the network.

    An attention module is its queries, keys, values and projection, the reduction, Q K^T and A V.
    """
    rows = []
    for variant in ("b0", "b5"):
        for reductions in ((8, 4, 2, 1), (1, 1, 1, 1)):
            with torch.device("meta"):
                network = SegFormer(replace(VARIANTS[variant], reductions=reductions))
            for side in SQUARES:
                cost = complexity(network, (side, side))
                attention = sum(each.macs for path, each in cost.modules.items() if path.endswith(".attention"))
                ratios = ",".join(str(stride**2) for stride in reductions)  # Eq. 2's R is the stride's square
                costs = {"attention": attention / 1e9, "rest": (cost.macs - attention) / 1e9}
                rows.append({"variant": variant, "R": ratios, "side": side} | costs)
    return pd.DataFrame(rows)


def draw_attention(table: pd.DataFrame) -> Figure:
    """A panel per variant: GMACs against the input's side, both axes logarithmic."""
    figure = Figure(figsize=(7.6, 3.7), layout="constrained")
    axes = figure.subplots(1, table["variant"].nunique(), sharey=True)
    for axis, (variant, of_variant) in zip(axes, table.groupby("variant"), strict=True):
        for k, (ratios, lines) in enumerate(of_variant.groupby("R")):
            label = "attention, R = 1 in every stage" if ratios == "1,1,1,1" else f"attention, R = {ratios}"
            look = {**style(1 - k), "markersize": 4}
            axis.plot(lines["side"], lines["attention"], label=label, **look)
        rest = of_variant[of_variant["R"] != "1,1,1,1"]
        axis.plot(rest["side"], rest["rest"], label="all other layers", color="#666666", linestyle="--", linewidth=1.2)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks([128, 256, 512, 1024, 2048], ["128", "256", "512", "1024", "2048"])
        axis.set_title(f"SegFormer-{variant.upper()}", fontsize=10)
        axis.set_xlabel("side of a square input (pixels)")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("multiply-accumulates (10⁹)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return figure


def page(comparison: pd.DataFrame, models: pd.DataFrame, about: dict[str, Any]) -> str:
    """Write the tables for readers, with what they were made with."""
    macs = comparison[comparison["quantity"] == "GMACs"]
    template = Template(TEMPLATE.read_text(encoding="utf-8"), undefined=StrictUndefined, keep_trailing_newline=True)
    return template.render(
        about=about,
        classes=CLASSES,
        head=HEAD,
        input=written(INPUTS["Cityscapes"]),
        macs=frame_table(readable_macs(macs)),
        parameters=frame_table(readable_parameters(comparison.drop(macs.index))),
        models=frame_table(readable_models(models)),
    )


def readable_macs(table: pd.DataFrame) -> pd.DataFrame:
    """Round to what is worth reading; the CSV has all digits."""
    own = 100 * (table["own_head"] / table["paper"] - 1)
    return pd.DataFrame(
        {
            "table": table["table"],
            "row": table["row"],
            "data": table["of"],
            "input": table["input"],
            "head": table["classes"],
            "ours (10⁹)": table["ours"].map("{:.2f}".format),
            "paper (10⁹)": table["paper"],
            "difference": table["difference_percent"].map("{:+.2f} %".format),
            "with the data's classes": own.map(lambda percent: "" if pd.isna(percent) else f"{percent:+.2f} %"),
        }
    )


def readable_parameters(table: pd.DataFrame) -> pd.DataFrame:
    """Round to what is worth reading."""
    return pd.DataFrame(
        {
            "table": table["table"],
            "row": table["row"],
            "of": table["of"],
            "head": table["classes"],
            "ours (M)": table["ours"].map("{:.2f}".format),
            "paper (M)": table["paper"],
            "difference (M)": (table["ours"] - table["paper"]).map("{:+.2f}".format),
        }
    )


def readable_models(table: pd.DataFrame) -> pd.DataFrame:
    """Round to what is worth reading; a dash where a model has no such decoder."""

    def giga(column: str, digits: int = 1) -> pd.Series:
        return table[column].map(lambda value: "–" if pd.isna(value) else f"{value:.{digits}f}")

    return pd.DataFrame(
        {
            "model": table["model"],
            "parameters (M)": giga("parameters"),
            "as run (10⁹ MACs)": giga("macs"),
            "its decoder": giga("decoder"),
            "of that the product of weights": giga("weights_product", 3),
            "as published (10⁹ MACs)": giga("macs_as_published"),
            "the published decoder": giga("decoder_as_published"),
        }
    )


def main() -> None:
    """Count everything and write the files."""
    ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "").parse_args()  # there is only --help
    about = environment.describe("cpu") | {"command": COMMAND}
    comparison, models, attention = compare_with_paper(), measure_models(), measure_attention()
    tables = {"complexity": comparison, "complexity-models": models, "attention": attention}
    for name, table in tables.items():
        write_text(RESULTS / f"{name}.csv", table.to_csv(index=False))
    save_figure(draw_attention(attention), RESULTS / "attention.svg", "svg")
    write_text(RESULTS / "complexity.md", page(comparison, models, about))


if __name__ == "__main__":
    main()
