"""Fill the tables of reports/README.md from the files of the committed reports: python docs/make_studies.py

A comment names a table and is followed by its lines, up to `<!-- end -->`:

    <!-- scores STUDY view=VIEW: QUANTITY, ... -->                        a row per arm and per training run
    <!-- differences STUDY [view=VIEW]: A - C: QUANTITY, ...; ... -->     a row per difference between two arms
    <!-- interactions STUDY: (B - P) - (E - A): QUANTITY, ... -->         a row per difference of two differences
    <!-- speeds STUDY: MODEL -->                                          a row per size of input, with the paper's
    <!-- sentences STUDY: NAME -->                                        what study/NAME.md states, by examples/zoo

An arm is its letter in ARMS. Without a view, a difference is between views, such as `extent`. Interactions are not in
the reports: they are computed from the store.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.arms import arm_mean
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.resolution import Shift, shifts_of
from robustbench_seg.wording import points

__all__ = ["ARMS", "PAGE", "difference", "numbers", "of_view", "score", "with_tables"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "reports/README.md"
ARMS = {
    "A": "segformer-b0-mix",
    "B": "segformer-b0-learned",
    "C": "deeplabv3plus-mobilenet_v2",
    "E": "segformer-b0-mix-learned",
    "P": "segformer-b0-plain",
    "A int8": "segformer-b0-mix-int8",
    "B int8": "segformer-b0-learned-int8",
    "C int8": "deeplabv3plus-mobilenet_v2-int8",
}
NAMES = {"clean": "clean mIoU", "mean": "mean under corruption", "drop": "clean minus mean"}
BLOCK = re.compile(
    r"(<!-- (scores|differences|interactions|speeds|sentences) (\S+?)(?: view=(\S+?))?: (.*?) -->\n)"
    r".*?(?=<!-- end -->)",
    re.DOTALL,
)


@cache
def numbers(study: str) -> pd.DataFrame:
    """Read all tables of a report: a row per number of all images and one draw of the corruptions, of the mIoU."""
    tables = [pd.read_csv(path) for path in sorted((ROOT / "reports" / study / "report").glob("*.csv"))]
    rows = pd.concat(tables)
    own = rows["group"].isna() & rows["seed"].notna() & rows["metric"].isin(["miou"]) & rows["row"].notna()
    return rows[own & (rows["value"].notna() | rows["grade"].notna())]  # without arms that a view lacks


def one(rows: pd.DataFrame, what: str) -> dict[str, Any]:
    """Return the only number; a number that stands in several tables is the same in all of them."""
    values = rows.drop_duplicates(["value", "low", "high"]).to_dict("records")
    if len(values) != 1:
        raise SystemExit(f"{what}: {len(values)} numbers in the report's CSV files")
    return values[0]


def of_view(rows: pd.DataFrame, view: str | None) -> pd.DataFrame:
    """Return the numbers of a view; without one, those that are between views."""
    return rows[rows["view"].isna() if view is None else rows["view"] == view]


def score(study: str, view: str, row: str, quantity: str) -> dict[str, Any]:
    """Look up a score. row: an arm's or a model's name, as in the report."""
    rows = of_view(numbers(study), view)
    return one(rows[(rows["row"] == row) & (rows["quantity"] == quantity)], f"{study} {view} {row} {quantity}")


def difference(study: str, view: str | None, pair: str, quantity: str) -> dict[str, Any]:
    """Look up a difference such as "A - C". Its sign is turned where the report has the pair the other way round."""
    rows = of_view(numbers(study), view)
    first, second = (ARMS[letter] for letter in pair.split(" - "))
    rows = rows[rows["quantity"] == quantity]
    here, turned = (rows[rows["row"] == f"{a} minus {b}"] for a, b in ((first, second), (second, first)))
    if len(here):
        return one(here, f"{study} {pair} {quantity}")
    found = one(turned, f"{study} {pair} {quantity}")
    ends = {"low": -found["high"], "high": -found["low"]}
    over_runs = {"low_runs": -found["high_runs"], "high_runs": -found["low_runs"]}
    return {**found, "value": -found["value"], **ends, **over_runs}


def scores_table(study: str, view: str, spec: str) -> list[str]:
    """Write a row per arm, then its runs, in % with one decimal; then other networks under their names."""
    quantities = [name.strip() for name in spec.split(",")]
    rows = of_view(numbers(study), view)
    names = rows.loc[rows["quantity"] == quantities[0], "row"].drop_duplicates().tolist()
    titles = {}
    for letter, arm in ARMS.items():
        for name in names:
            if match := re.fullmatch(rf"{re.escape(arm)}(-s(\d+)| \(mean of \d+\))", name):
                titles[name] = f"{letter}, run {match[2]}" if match[2] else f"**{letter}**{match[1]}"
    lines = [f"| arm or run | {' | '.join(quantities)} |", "|:--|" + "--:|" * len(quantities)]
    others = [name for name in names if name not in titles and " minus " not in name]
    for name in (*titles, *others):
        cells = [f"{100 * score(study, view, name, quantity)['value']:.1f}" for quantity in quantities]
        lines.append(f"| {titles.get(name, name)} | {' | '.join(cells)} |")
    return lines


def differences_table(study: str, view: str | None, spec: str) -> list[str]:
    """Write a row per difference, in points with one decimal."""
    lines = ["| arms | in | points | 95 % images | 95 % images + runs | grade |", "|:--|:--|--:|--:|--:|:--|"]
    for part in spec.split(";"):
        pair, _, quantities = part.strip().partition(": ")
        for quantity in quantities.split(", "):
            row = difference(study, view, pair, quantity)
            kind = f" ({row['comparison']})" if row["grade"] == "significant" else ""
            cells = [pair, NAMES.get(quantity, quantity), points(row["value"]), ends(row), ends(row, "_runs")]
            lines.append(f"| {' | '.join([*cells, row['grade'] + kind])} |")
    return lines


@cache
def leading_shift(study: str) -> Shift:
    """Read a store, and return the shift of the resolution that leads its report."""
    folder = ROOT / "reports" / study
    (evidence,) = evidence_of(quality_frame(folder))
    views = max((plan.views for plan in Store(folder).plans()), key=len)
    return shifts_of(evidence, [View.parse(str(view)) for view in views], {})[0]


def interactions_table(study: str, _: str | None, spec: str) -> list[str]:
    """Write a row per effect of the leading shift: how much more one difference of arms is than another."""
    arms, _, effects = spec.partition(": ")
    first, second, third, fourth = (ARMS[letter] for letter in re.findall(r"[A-Z]", arms))
    shift = leading_shift(study)
    lines = ["| arms | in | points | 95 % images |", "|:--|:--|--:|--:|"]
    for effect in effects.split(", "):
        lost = {title: shift.lost(title)[effect] for title in shift.evidence.titles}
        a, b, c, d = (arm_mean(lost, arm) for arm in (first, second, third, fourth))
        each = shift.evidence.interval((a - b) - (c - d))
        row = {"low": each.low, "high": each.high}
        lines.append(f"| {arms} | {effect} | {points(each.estimate)} | {ends(row)} |")
    return lines


def speeds_table(study: str, model: str) -> list[str]:
    """Write a row per size of the input, the smallest first: images/s, how many times those at 1024x2048, and MACs."""
    rows = pd.read_csv(ROOT / "reports" / study / "report" / f"{study}-speed-published.csv")
    wide = rows[rows["row"] == model].pivot(index="setup", columns="quantity", values="value").sort_values("input")
    lines = [
        "| input | images/s | times those at 1024x2048 | GMACs | paper: frames/s | paper: times |",
        "|:--" + "|--:" * 5 + "|",
    ]
    for setup, own in wide.iterrows():
        cells = (own["images_per_s"], own["times_full"], own["macs"] / 1e9, own["paper_fps"], own["paper_times_full"])
        formats = ("{:.2f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}")
        texts = (form.format(value) for form, value in zip(formats, cells, strict=True))
        lines.append(f"| {' | '.join([str(setup).partition(',')[0], *texts])} |")
    return lines


def sentences(study: str, _: str | None, name: str) -> list[str]:
    """Take over the sentences that a study of the zoo has written next to its report."""
    lines = (ROOT / "reports" / study / "study" / f"{name}.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("- ")]


def ends(row: dict[str, Any], suffix: str = "") -> str:
    low, high = row[f"low{suffix}"], row[f"high{suffix}"]
    return "one run" if pd.isna(low) else f"{points(low)} to {points(high)}"


def with_tables(page: str) -> str:
    """Return the page with its tables as the reports have them."""

    def table(match: re.Match[str]) -> str:
        head, kind, study, view, spec = match.groups()
        kinds = {
            "scores": scores_table,
            "differences": differences_table,
            "interactions": interactions_table,
            "sentences": sentences,
        }
        lines = speeds_table(study, spec) if kind == "speeds" else kinds[kind](study, view, spec)
        return head + "".join(f"{line}\n" for line in lines)

    return BLOCK.sub(table, page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
