"""The papers' tables as data, and whether they are comparable with our numbers.

Each table is a CSV file in this folder; tables.toml has the settings of its numbers. Numbers are as printed: mIoU in %.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from tomllib import loads

import pandas as pd

from ...errors import UsageError
from ...protocols import PROTOCOLS
from ...store.cell import CLEAN
from ..alarms import alarms_of_scores

__all__ = ["TABLES", "OwnRun", "PublishedTable", "published_rows", "published_scores", "read_published"]

UNSTATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class OwnRun:
    """The setting of our numbers. view: its label. images, of: number of images measured, and in the split.

    void: the rule for pixels without a label.
    """

    protocol: str
    view: str
    dataset: str
    split: str
    images: int
    of: int
    void: str = "ignored"


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """A published table. key: the columns that name a row. values: a description of the other columns.

    protocol, view: in our names; "" if the source does not state them. views: the view of single rows, by the first key
    column. A view without a stride matches any stride, because the source states only the window. classes: of each data
    set, where rows differ in it: they have a column `dataset`. prefixes: what the columns' names have before ours.
    notes: known errors, and other reasons why the numbers are not comparable with ours.
    """

    title: str
    source: str
    key: Sequence[str]
    values: str
    dataset: str = "cityscapes"
    split: str = "val"
    protocol: str = ""
    view: str = ""
    views: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    prefixes: Sequence[str] = ()
    notes: Sequence[str] = ()


def tables() -> dict[str, PublishedTable]:
    """Read the settings of the tables, by the name of their CSV file."""
    text = files(__package__).joinpath("tables.toml").read_text(encoding="utf-8")
    return {name: PublishedTable(**fields) for name, fields in loads(text).items()}


TABLES = tables()


def read_published(name: str) -> pd.DataFrame:
    """Read a published table as printed. Raises UsageError, which lists the known tables."""
    if name not in TABLES:
        raise UsageError(f"unknown published table {name!r}; known: {', '.join(TABLES)}")
    with files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def published_rows(name: str, ours: OwnRun) -> pd.DataFrame:
    """Return a published table with a column `differs`, which names the differences between a row's setting and ours.

    If it is "", the row may share a table with ours; otherwise the row needs a separate table, with that text. Columns
    of scores have our names of corruptions, and a column `row` names the row.
    """
    table, about = read_published(name), TABLES[name]
    view_key = "inference_mode" if "inference_mode" in table else about.key[0]
    views = table[view_key].map(lambda row: about.views.get(row, about.view))
    datasets = table["dataset"] if about.classes else [about.dataset] * len(table)
    differs = [
        differences(replace(about, dataset=dataset), view, ours) for dataset, view in zip(datasets, views, strict=True)
    ]
    rows = table[list(about.key)].astype(str).agg(", ".join, axis=1) if len(about.key) > 1 else table[about.key[0]]
    return table.rename(columns=lambda column: without(column, about.prefixes)).assign(row=rows, differs=differs)


def without(column: str, prefixes: Iterable[str]) -> str:
    """Take the first of the prefixes that a column's name has from it."""
    return next((column.removeprefix(prefix) for prefix in prefixes if column.startswith(prefix)), column)


def published_scores(name: str, ours: OwnRun) -> tuple[pd.DataFrame, list[str]]:
    """Return the scores of a published table, 0-1, and what all its rows differ in from our setting.

    Columns, next to what `published_rows` has: mean over the protocol's corruptions, and retention; setup: what a row
    differs in; own: what it alone differs in; alarm: what is wrong with it, if the classes of its data set are known.
    """
    table, about = published_rows(name, ours), TABLES[name]
    names = list(PROTOCOLS[about.protocol])
    table[[CLEAN, *names]] /= 100
    mean = table[names].mean(axis=1, skipna=False)
    rows = table.set_index("row")
    least = (rows["gam"] / 100).to_dict() if "gam" in rows else None
    alarms = alarms_of_scores(rows[names], rows["dataset"].map(about.classes).to_dict(), least) if about.classes else {}
    differing = [text.split("; ") if text else [] for text in table["differs"]]
    shared = [each for each in differing[0] if all(each in others for others in differing)]
    alike = "nothing else" if shared else "nothing stated: comparable"
    own = ["; ".join(each for each in some if each not in shared) or alike for some in differing]
    alarm = ["; ".join(alarms.get(row, ())) for row in table["row"]]
    scores = {"mean": mean, "retention": mean / table[CLEAN]}
    return table.assign(**scores, setup=table["differs"], own=own, alarm=alarm), shared


def differences(theirs: PublishedTable, view: str, ours: OwnRun) -> str:
    """Name the differences between a published number's setting and ours, theirs first."""
    pairs = [
        ("dataset", f"{theirs.dataset} {theirs.split}", f"{ours.dataset} {ours.split}"),
        ("protocol", theirs.protocol or UNSTATED, ours.protocol),
        ("view", view or UNSTATED, ours.view),
    ]
    parts = [f"{what} {a} (ours {b})" for what, a, b in pairs if not agree(a, b)]
    if ours.images != ours.of:
        parts.append(f"all images (ours {ours.images} of {ours.of})")
    if ours.void != "ignored":
        parts.append(f"void ignored (ours {ours.void})")
    return "; ".join(parts)


def agree(theirs: str, ours: str) -> bool:
    """Whether two values are the same, or theirs is our window without a stride."""
    window, _, stride = ours.rpartition("-")
    return theirs == ours or (theirs.startswith("slide-") and theirs == window and stride.isdigit())
