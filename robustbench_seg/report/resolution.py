"""What a shift of the resolution costs, per arm and between arms, beside the SegFormer paper's Table 1c."""

import numpy as np
import pandas as pd

from ..store.cell import CLEAN
from ..studies.published import Setting, beside
from ..studies.resolution import published_extent
from ..studies.robustness import Conditions
from ..studies.statistics import Draws, Interval
from .content import Table
from .differences import HOLM, NONE, long_table, rule
from .evidence import Evidence
from .shift import Shift, effect_differences, effect_draws
from .tables import Cell, make_table, percent, points, score, span

__all__ = ["resolution_tables"]

GROUP = "Resolution"


def resolution_tables(evidence: Evidence, shift: Shift, conditions: Conditions, about: str) -> list[Table]:
    """Make the tables of effects on clean images, of differences between arms, of Table 1c, and under corruption."""
    base = str(shift.slide)

    def quantities(title: str) -> dict[str, Draws]:
        clean = evidence.miou(title, base)(CLEAN, 0)
        lost = effect_draws(evidence, shift, title, (CLEAN, 0))
        positive = np.where(clean > 0, clean, np.nan)
        return {base: clean, **lost, **{f"{name} share": draws / positive for name, draws in lost.items()}}

    rows = evidence.rows(quantities)
    names = [name for name in rows[0].values if name != base and not name.endswith(" share")]
    shown, full = [], []
    for row in rows:
        shown.append(
            {"model": Cell(row.label), f"{base} (mIoU)": score(evidence.interval(row.values[base]))}
            | {name: effect_cell(evidence, row.values, name) for name in names}
        )
        for name, draws in row.values.items():
            full.append({"row": row.name, "quantity": name, **vars(evidence.interval(draws))})
    extent = "extent: windows minus the whole image; scale: the same windows on a scaled image; joint: both"
    tables = [
        make_table(
            shown,
            file="resolution",
            title="What a shift of the resolution costs",
            caption=f"Clean images: mIoU in % of windows of {shift.slide.crop} pixels at scale 1, and points lost "
            f"against that ({extent}); positive is a loss; {about}.",
            full=pd.DataFrame(full),
            main=True,
            group=GROUP,
        )
    ]
    if found := effect_differences(evidence, shift):
        tables.append(
            long_table(
                {(" minus ".join(pair), effect): each for (pair, effect), each in found.items()},
                ("arms", "effect"),
                file="resolution-differences",
                title="Whether arms lose differently",
                caption="Points lost by one arm minus those lost by the other; positive: the first loses more; "
                f"{rule(evidence, HOLM)}; {about}.",
                group=GROUP,
                main=True,
            )
        )
    if conditions:
        tables.append(growth_table(evidence, shift, conditions, about))
    return [*tables, published_table(evidence, shift)]


def effect_cell(evidence: Evidence, values: dict[str, Draws], name: str) -> Cell:
    number, share = evidence.interval(values[name]), evidence.interval(values[f"{name} share"])
    ends = "" if np.isnan(number.low) else f"95 % interval {span(number.low, number.high)}; "
    return Cell(points(number.estimate), f"{ends}{percent(share.estimate)} % of the mIoU", number.estimate)


def growth_table(evidence: Evidence, shift: Shift, conditions: Conditions, about: str) -> Table:
    """Say whether arms lose more to a shift of the resolution under corruption than on clean images."""
    wanted = [(name, severity) for name, severities in conditions.items() for severity in severities]

    def quantities(title: str) -> dict[str, Draws]:
        return {
            f"{effect}|{corruption}|{severity}": draws
            for corruption, severity in [(CLEAN, 0), *wanted]
            for effect, draws in effect_draws(evidence, shift, title, (corruption, severity)).items()
        }

    shown, full = [], []
    for row in evidence.rows(quantities):
        for effect in dict.fromkeys(name.split("|")[0] for name in row.values):
            clean = row.values[f"{effect}|{CLEAN}|0"]
            line = {
                "model": Cell(row.label),
                "effect": Cell(effect),
                CLEAN: growth_cell(evidence.interval(clean), None),
            }
            for corruption, severity in wanted:
                lost = row.values[f"{effect}|{corruption}|{severity}"]
                number, grown = evidence.interval(lost), evidence.interval(lost - clean)
                line[f"{corruption.replace('_', ' ')} {severity}"] = growth_cell(number, grown, blank=row.blank)
                condition = {"effect": effect, "corruption": corruption, "severity": severity}
                full.append(
                    {"row": row.name, **condition, "lost": number.estimate}
                    | {f"growth_{name}": value for name, value in vars(grown).items()}
                )
            shown.append(line)
    star = "* where the interval of the difference to clean excludes zero"
    if evidence.few:
        star = f"{NONE}, since {evidence.few}"
    return make_table(
        shown,
        file="resolution-under-corruption",
        title="Whether the loss grows under corruption",
        caption=f"Points of mIoU lost to the shift of the resolution, on clean and on corrupted images; {star}; "
        f"positive is a loss; {about}.",
        full=pd.DataFrame(full),
        main=True,
        group=GROUP,
    )


def growth_cell(number: Interval, grown: Interval | None, *, blank: bool = False) -> Cell:
    """Show a loss, with a star where it grows. blank: whether the model deserves no trust on clean images."""
    ends = "" if np.isnan(number.low) else f"95 % interval {span(number.low, number.high)}"
    if grown is None:
        return Cell(points(number.estimate), ends, number.estimate)
    hover = f"{ends}; more than on clean images by {points(grown.estimate)}, {span(grown.low, grown.high)}"
    star = "*" if grown.excludes_zero and not blank else ""
    return Cell(points(number.estimate) + star, hover if ends else "", number.estimate)


def published_table(evidence: Evidence, shift: Shift) -> Table:
    """Show the paper's extent effects, with what sets them apart from ours."""
    table = published_extent()
    differs = "; ".join(dict.fromkeys(text for mode in ("slide", "whole") for text in apart(evidence, shift, mode)))
    rows = [
        {
            "paper": Cell(str(row["encoding"]).replace("_", " ")),
            "768x768 windows (mIoU)": Cell(percent(row["slide"]), "", row["slide"]),
            "whole 1024x2048 (mIoU)": Cell(percent(row["whole"]), "", row["whole"]),
            "extent (points)": Cell(f"{row['points']:+.1f}", f"{percent(row['share'])} % of the mIoU", row["points"]),
        }
        for _, row in table.iterrows()
    ]
    return make_table(
        rows,
        file="resolution-published",
        title="Published: Table 1c",
        caption="Xie et al., SegFormer, NeurIPS 2021: B2 on cityscapes val, from ImageNet weights, without intervals. "
        + (f"Differs from ours in {differs}. " if differs else "")
        + "How the paper's arm with a positional encoding was built is not released.",
        full=table,
        group=GROUP,
    )


def apart(evidence: Evidence, shift: Shift, mode: str) -> list[str]:
    """Name what sets the paper's windows ("slide") or whole images apart from ours."""
    first = evidence.cells.iloc[0]
    given = {name: first[name] for name in ("dataset", "split", "images", "of")}
    ours = Setting(protocol="clean", view=str(shift.slide) if mode == "slide" else mode, **given)
    table = beside("table1c_positional", ours).set_index("inference_mode")
    return [text for text in table.loc[mode, "differs"].iloc[0].split("; ") if text]
