"""A store, read: what was measured, its scores, and its report."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..errors import UsageError
from ..store.cell import CLEAN, view_name
from ..store.folder import Store
from ..store.plan import Plan
from ..studies.draws import over_draws
from ..studies.frame import latency_frame, quality_frame
from ..studies.plans import last_run_first, read_plans
from ..studies.regression import Changes, compare_stores
from ..studies.robustness import BASIS, MODEL
from ..studies.sources import only
from ..studies.titles import name_models, name_protocols, name_suites, told_apart, with_titles
from ..wording import percent
from .arguments import folder_of

__all__ = ["Results", "compare", "read_results"]

IN_BRIEF = (CLEAN, "mean", "retention")  # of `table`, in a shell and a notebook
INSIDE = ("scales", "counts", "truth", "content", "environment", "own_blocks")  # of `quality_frame`, for statistics


class Results:
    """What a folder holds that `run` or `evaluate` wrote.

    What `evaluate` returns has the cells, tables and failures of this call alone; its report, JSON and speed are of the
    folder, and led by this call.

    folder: of the store. notes: lines on the run that made it. plan: of the only run that counts; without it, those
    that the folder holds, the last run's first, as in a report. failures: why cells failed, by their name; empty where
    all are there.
    """

    def __init__(self, folder: Path, *, notes: Sequence[str] = (), plan: Plan | None = None) -> None:
        self.folder, self.notes = folder, tuple(notes)
        store, cells = Store(folder), quality_frame(folder)
        self.plans: Sequence[Plan] = [plan] if plan else last_run_first(read_plans(folder, cells), store.plans())
        planned = {cell.key for each in self.plans for cell in each.cells}
        self.failures = {
            failure.record.cell.slug: failure.message
            for failure in store.failures().values()
            if plan is None or failure.record.key in planned
        }
        keys = [cell.key for each in self.plans for cell in each.cells]
        own = only(cells, keys)
        names = name_models([own, only(latency_frame(folder), keys)], list(reversed(store.plans())))
        self.cells = with_titles(own, names)

    def frame(self) -> pd.DataFrame:
        """A row per quality cell: see `studies.frame.quality_frame` for the columns. Scores are 0-1.

        One more column, title, names the model as the report does: earlier weights of a name have a number.
        """
        return self.cells.drop(columns=[name for name in INSIDE if name in self.cells])

    def latency(self) -> pd.DataFrame:
        """A row per speed cell: see `studies.frame.latency_frame`."""
        return latency_frame(self.folder)

    def table(self, suite: str | None = None) -> pd.DataFrame:
        """A row per model and setting: clean, each corruption's score, mean, retention and what `over_draws` adds; 0-1.

        title: the model's name in the report, see `frame`.
        suite: as the report names it, where the folder holds several. Raises UsageError without it then.
        """
        return self.scores(self.plan(suite))

    def scores(self, plan: Plan) -> pd.DataFrame:
        """The rows of `table` of a plan; an empty frame where no cell of it is there."""
        own = self.cells[self.cells["key"].isin({cell.key for cell in plan.cells})] if len(self.cells) else self.cells
        if not len(own):
            return pd.DataFrame()
        titles = own.drop_duplicates(MODEL)[[*MODEL, "title"]]
        return over_draws(own, dict(plan.conditions)).merge(titles, on=MODEL)

    def plan(self, suite: str | None = None) -> Plan:
        """What was to be measured: the only plan, or a suite's. Raises UsageError that lists the suites.

        suite: its name; of several of one name, the one that tells it apart in the report.
        """
        names = name_suites(self.plans)
        plans = [plan for plan, name in zip(self.plans, names, strict=True) if name == suite]
        plans = plans or [plan for plan in self.plans if suite in (None, plan.suite)]
        if len(plans) != 1:
            texts = (
                name if name != plan.suite else f"{name} (protocol {plan.protocol})"
                for plan, name in zip(self.plans, names, strict=True)
            )
            raise UsageError(
                f"{self.folder}: holds the suites {', '.join(texts)}; name one of them, suite=..., got {suite!r}"
            )
        return plans[0]

    def compare(self, other: "Results | Path | str") -> Changes:
        """What changed from here to `other`, with paired intervals; see `compare`."""
        return compare(self, other)

    def report(
        self, path: Path | str, *, reference: str | None = None, pdf: bool = False, margin: float | None = None
    ) -> Path:
        """Write the report into a folder: a page, Markdown, CSV, LaTeX, figures; return the path of index.html.

        reference: the model that CD and rCD are against. pdf: write figures as PDF, too. margin: how many points count
        as the same, above 0 and at most 100, in the place of the suites' margins.

        Raises UsageError for an empty path, an unknown reference and another margin.
        """
        from ..report.page import write_report
        from ..report.sections import sections_of

        out = folder_of("path", path)
        return write_report(sections_of([self.folder], reference=reference, margin=margin), out, pdf=pdf)

    def to_json(self, *, reference: str | None = None, margin: float | None = None) -> str:
        """Write the report's tables, findings and provenance as one JSON document, as `report --json` prints it.

        reference, margin: as of `report`. Raises UsageError for an unknown reference and another margin.
        """
        from ..report.document import as_json
        from ..report.sections import sections_of

        return as_json(sections_of([self.folder], reference=reference, pictures=False, margin=margin))

    def brief(self) -> pd.DataFrame:
        """The main columns of each plan's table for readers: % with one decimal."""
        protocols = zip(self.plans, name_protocols(self.plans), strict=True)
        parts = [self.scores(plan).assign(protocol=protocol) for plan, protocol in protocols]
        if not any(map(len, parts)):
            return pd.DataFrame()
        table = pd.concat([part for part in parts if len(part)], ignore_index=True)
        columns = pd.DataFrame({"model": table["title"], "view": names_of_views(table), "protocol": table["protocol"]})
        for name in IN_BRIEF:
            columns[f"{name} (%)"] = list(map(percent, table[name]))
        columns["images"] = [f"{n} of {of}" for n, of in zip(table["images"], table["of"], strict=True)]
        return columns

    @property
    def remarks(self) -> list[str]:
        """What to know of the numbers, in lines: notes, failed cells, and numbers that deserve no trust."""
        failed = [f"failed: {slug}: {message}" for slug, message in self.failures.items()]
        flagged = self.cells[self.cells["flag"] != ""] if len(self.cells) else self.cells
        flags = [f"{row.slug}: {row.flag}; this number deserves no trust" for row in flagged.itertuples()]
        return [*self.notes, *failed, *flags]

    def __repr__(self) -> str:
        text = self.brief().to_string(index=False)
        return "\n".join([f"Results in {self.folder}", text, *self.remarks])

    def _repr_html_(self) -> str:
        from html import escape

        remarks = "".join(f"<p>{escape(line)}</p>" for line in self.remarks)
        return f"{self.brief().to_html(index=False, border=0)}{remarks}"


def names_of_views(table: pd.DataFrame) -> list[str]:
    """Name the view of each row as a report does: with what differs, where one was measured in several settings."""
    setting = [name for name in BASIS if name != "seed"]  # a row is over all draws
    firsts = table.drop_duplicates(setting).assign(seed=0)
    names = told_apart(list(map(view_name, firsts["view"], firsts["void"])), [row for _, row in firsts.iterrows()])
    views = dict(zip(firsts[setting].itertuples(index=False, name=None), names, strict=True))
    return [views[row] for row in table[setting].itertuples(index=False, name=None)]


def read_results(folder: Path | str) -> Results:
    """Read a folder that `run` or `evaluate` wrote. Raises StoreError for one without results, or with damaged ones."""
    return Results(folder_of("folder", folder))


def compare(base: Results | Path | str, new: Results | Path | str) -> Changes:
    """Compare the same cells of two results: `table`, a row per model, setting and quantity, and what is not in both.

    Raises StoreError where no cell is in both.
    """
    sides = [side if isinstance(side, Results) else read_results(side) for side in (base, new)]
    for side in sides:
        if not len(side.cells):
            raise UsageError(f"{side.folder}: holds no quality cells")
    return compare_stores(sides[0].cells, sides[1].cells, [plan for side in sides for plan in side.plans])
