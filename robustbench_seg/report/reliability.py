"""What mIoU does not see: the quality of boundaries, and how far confidence can be trusted."""

from collections.abc import Callable, Sequence
from functools import cache, partial

import pandas as pd

from ..metrics import Metric
from ..store.cell import CLEAN
from ..studies.robustness import Conditions, Miou, corruption_scores, headline
from ..studies.statistics import Draws
from .content import Table
from .differences import HOLM, long_table, rule
from .evidence import Evidence
from .provenance import file_name
from .tables import MISSING, Cell, make_table, percent, score

__all__ = ["reliability_by_view", "reliability_tables"]

GROUP = "Boundary and calibration"
Lookup = Callable[[str, str], Miou]  # of a metric, by title and view


def plain(value: float) -> str:
    """1.234 ─▶ "1.23"; a dash where there is no number."""
    return MISSING if pd.isna(value) else f"{value:.2f}"


def metrics_of(evidence: Evidence) -> dict[str, Metric]:
    """The metrics that some cells have in addition to mIoU, by their column of the frame."""
    return {quantity: scores.metric for quantity, scores in evidence.scores.items() if quantity != "miou"}


def reliability_tables(evidence: Evidence, view: str, conditions: Conditions, about: str, name: str) -> list[Table]:
    """Make a table per metric that the cells of one view have: clean, each corruption (mean over severities), mean.

    The CSV holds every severity. After them, how arms differ.
    """

    def columns(metric: Lookup, title: str) -> dict[str, Draws]:
        value = metric(title, view)
        scores = {CLEAN: value(CLEAN, 0), **corruption_scores(value, conditions)}
        return scores | ({"mean": headline(value, conditions)} if conditions else {})

    averaged = "each corruption the mean over its severities; " if conditions else ""
    tables = metric_tables(evidence, columns, averaged + about, f", view {name}", name, view)
    return tables + difference_tables(evidence, view, conditions, about, name)


def reliability_by_view(evidence: Evidence, views: Sequence[str], about: str) -> list[Table]:
    """Make a table per metric of clean images, a column per view."""

    def columns(metric: Lookup, title: str) -> dict[str, Draws]:
        return {view: metric(title, view)(CLEAN, 0) for view in views}

    return metric_tables(evidence, columns, f"clean images; {about}", " by view", "views")


def metric_tables(
    evidence: Evidence,
    columns: Callable[[Lookup, str], dict[str, Draws]],
    about: str,
    of: str,
    name: str,
    view: str | None = None,
) -> list[Table]:
    """Make a table per metric that cells have. columns: of a metric and a model. view: None for clean images in all."""
    tables = []
    for metric, one in metrics_of(evidence).items():
        text = percent if one.unit == "%" else plain
        cells = having(evidence, metric)
        cells = cells[cells["corruption"] == CLEAN if view is None else cells["view"] == view]
        if not len(cells):
            continue
        lookup = cache(partial(evidence.metric, metric))
        rows = evidence.rows(partial(columns, lookup), view)
        texts = [
            {"model": Cell(row.label)}
            | {what.replace("_", " "): score(evidence.interval(draws), text) for what, draws in row.values.items()}
            for row in rows
        ]
        places = cells[["title", "view", "corruption", "severity"]]
        intervals = [
            vars(evidence.interval(lookup(title, own)(corruption, severity)))
            for title, own, corruption, severity in places.itertuples(index=False)
        ]
        tables.append(
            make_table(
                texts,
                best=list(texts[0])[1:],
                lowest=not one.higher,
                compared=[row.competes for row in rows],
                file=file_name(metric.replace("_", "-"), name),
                title=f"{one.title}{of}",
                caption=f"In {one.unit}, {one.direction}; {about}."
                if one.unit
                else f"{one.direction.capitalize()}; {about}.",
                full=places.join(pd.DataFrame(intervals, index=places.index).rename(columns={"estimate": metric})),
                group=GROUP,
            )
        )
    return tables


def difference_tables(evidence: Evidence, view: str, conditions: Conditions, about: str, name: str) -> list[Table]:
    """Make the table of how arms differ on clean images and on average; none without two arms and such metrics."""
    found = {}
    in_points = {metric: one for metric, one in metrics_of(evidence).items() if one.unit == "%"}
    for first, second in evidence.pairs() if evidence.resamples else []:
        for metric, one in in_points.items():
            of = {title: evidence.metric(metric, title, view) for title in evidence.titles}
            arms = f"{first} minus {second}"
            clean = {title: value(CLEAN, 0) for title, value in of.items()}
            found[arms, f"clean {one.label}"] = evidence.difference(clean, first, second, (view,))
            if conditions:
                mean = {title: headline(value, conditions) for title, value in of.items()}
                found[arms, f"mean {one.label}"] = evidence.difference(mean, first, second, (view,))
    found = {key: each for key, each in found.items() if each.measured}
    if not found:
        return []
    return [
        long_table(
            found,
            ("arms", "in"),
            file=file_name("differences-reliability", name),
            title=f"Differences between arms in boundaries and calibration, view {name}",
            caption=f"Points; {', '.join(f'of {one.label} {one.direction}' for one in in_points.values())}; "
            f"{rule(evidence, HOLM)}; {about}.",
            group=GROUP,
        )
    ]


def having(evidence: Evidence, metric: str) -> pd.DataFrame:
    """The cells that have a metric: a suite may switch it off."""
    scores = evidence.scores.get(metric)
    return evidence.cells.iloc[:0] if scores is None else scores.cells
