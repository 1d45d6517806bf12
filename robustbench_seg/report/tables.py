"""Tables for readers: % with one decimal, no number without its n of N. Functions give DataFrames and write nothing."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ..record import CLEAN

__all__ = ["headline", "markdown", "per_class", "severities", "speed", "views"]

MISSING = "–"


def percent(value: float) -> str:
    """0.1234 ─▶ "12.3"; a dash where there is no number."""
    return MISSING if pd.isna(value) else f"{100 * value:.1f}"


def headline(table: pd.DataFrame, conditions: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """The layout of the SegFormer paper's Table 5: a row per model, a column per corruption; % mIoU."""
    shown = pd.DataFrame({"model": table["model"] + table["flags"].map(lambda flags: " ⚠" if flags else "")})
    shown["params (M)"] = table["parameters"].map(lambda n: f"{n / 1e6:.1f}")
    for name in (CLEAN, *conditions):
        shown[name.replace("_", " ")] = table[name].map(percent)
    if conditions:
        shown["mean"] = table["mean"].map(percent)
        shown["retention"] = table["retention"].map(percent)
    shown["images"] = [f"{n} of {of}" for n, of in zip(table["images"], table["of"], strict=True)]
    return shown


def severities(table: pd.DataFrame) -> pd.DataFrame:
    """% mIoU, a row per corruption and a column per severity."""
    shown = table.map(percent)
    shown.columns = [f"severity {s}" for s in shown.columns]
    return (
        shown.rename_axis("corruption").reset_index().assign(corruption=lambda t: t["corruption"].str.replace("_", " "))
    )


def views(table: pd.DataFrame) -> pd.DataFrame:
    """% clean mIoU per view, and the difference to the model's first view in points."""
    return pd.DataFrame(
        {
            "model": table["model"],
            "view": table["view"],
            "clean": table["miou"].map(percent),
            "against its first view (points)": table["points"].map(lambda p: f"{p:+.1f}"),
            "images": [f"{n} of {of}" for n, of in zip(table["images"], table["of"], strict=True)],
        }
    )


def per_class(cells: pd.DataFrame) -> pd.DataFrame:
    """% IoU of each class on clean images, a column per model and view."""
    clean = cells[cells["corruption"] == CLEAN]
    columns = {"class": list(clean["class_names"].iloc[0])}
    for row in clean.itertuples():
        columns[f"{row.model}, {row.view}, {row.images} of {row.of}"] = [percent(value) for value in row.iou]
    return pd.DataFrame(columns)


def speed(table: pd.DataFrame) -> pd.DataFrame:
    """Milliseconds per batch."""
    return pd.DataFrame(
        {
            "model": table["model"],
            "params (M)": table["parameters"].map(lambda n: f"{n / 1e6:.1f}"),
            "input": [f"{h}x{w}" for h, w in zip(table["height"], table["width"], strict=True)],
            "batch": table["batch"],
            "precision": table["precision"],
            "device": table["device"],
            "median (ms)": table["median_ms"].map("{:.1f}".format),
            "p90 (ms)": table["p90_ms"].map("{:.1f}".format),
            "images/s": table["images_per_s"].map("{:.2f}".format),
            "samples": table["samples"],
        }
    )


def markdown(table: pd.DataFrame) -> str:
    """Write a table of texts as Markdown; the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(escaped(name) for name in table.columns) + " |"]
    lines.append("|" + ":--|" + "--:|" * (len(table.columns) - 1))
    lines += ["| " + " | ".join(escaped(value) for value in row) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def escaped(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
