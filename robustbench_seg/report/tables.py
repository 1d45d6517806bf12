"""Tables for readers: % with one decimal, no number without its n of N. Functions give DataFrames and write nothing."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from ..record import CLEAN

__all__ = ["headline", "per_class", "percent", "readable_classes", "speed", "unique", "views"]

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


def views(table: pd.DataFrame) -> pd.DataFrame:
    """% clean mIoU per view, and the difference to the first view in points."""
    return pd.DataFrame(
        {
            "model": table["model"],
            "view": table["view"],
            "clean": table["miou"].map(percent),
            "against the first view (points)": table["points"].map(lambda p: MISSING if pd.isna(p) else f"{p:+.1f}"),
            "images": [f"{n} of {of}" for n, of in zip(table["images"], table["of"], strict=True)],
        }
    )


def per_class(cells: pd.DataFrame) -> pd.DataFrame:
    """IoU (0-1) of each class on the clean images of one setting, a column per model."""
    clean = cells[cells["corruption"] == CLEAN]
    names = unique(list(clean["model"]))
    columns = dict(zip(names, clean["iou"], strict=True))
    return pd.DataFrame({"class": list(clean["class_names"].iloc[0]), **columns})


def readable_classes(table: pd.DataFrame) -> pd.DataFrame:
    """The same in %."""
    return table.assign(**{name: table[name].map(percent) for name in table.columns[1:]})


def unique(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def speed(table: pd.DataFrame) -> pd.DataFrame:
    """Milliseconds per batch; an asterisk where the samples spread as they do on a busy machine."""
    return pd.DataFrame(
        {
            "model": table["model"],
            "params (M)": table["parameters"].map(lambda n: f"{n / 1e6:.1f}"),
            "input": [f"{h}x{w}" for h, w in zip(table["height"], table["width"], strict=True)],
            "batch": table["batch"],
            "precision": table["precision"],
            "device": table["device"],
            "GMACs": table["macs"].map(lambda n: known(n, lambda n: f"{n / 1e9:.1f}")),
            "median (ms)": table["median_ms"].map("{:.1f}".format) + table["noisy"].map({True: "*", False: ""}),
            "p90 (ms)": table["p90_ms"].map("{:.1f}".format),
            "p99 (ms)": table["p99_ms"].map(lambda ms: known(ms, "{:.1f}".format)),
            "resize + argmax (ms)": table["classify_ms"].map("{:.1f}".format),
            "both (ms)": table["total_ms"].map("{:.1f}".format),
            "images/s": table["images_per_s"].map("{:.2f}".format),
            "peak memory (MiB)": table["peak_memory_mib"].map(lambda mib: known(mib, "{:.0f}".format)),
            "samples": table["samples"],
        }
    )


def known(value: float | None, text: Callable[[float], str]) -> str:
    """Write a number, or a dash where there is none."""
    return "–" if value is None or pd.isna(value) else text(value)
