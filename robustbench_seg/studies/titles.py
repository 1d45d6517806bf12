"""The names of suites, models and views in a report, and models without trust; cells are of `quality_frame`."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

import pandas as pd

from ..store.cell import CLEAN
from ..store.plan import Plan
from ..wording import BRIEF, counted, listed, spaced
from .robustness import MODEL

__all__ = [
    "Model", "blank_models", "flagged_models", "name_models", "name_protocols", "name_suites", "numbered", "titles_of",
    "told_apart", "with_titles",
]  # fmt: skip

Model = tuple[str, str]  # the values of MODEL

# In what cells of equal views may differ, and how a name states it.
FACTS = (
    "{precision}", "{images} of {of} images", "seed {seed}", "engine version {engine_version}", "{dataset} {split}",
    f"fingerprint {{fingerprint:.{BRIEF}}}",
)  # fmt: skip
# The same for plans, of suites of equal names, and of equal protocols.
IN_SUITES = "protocol {protocol}", "{corruptions}", "{number}", "{differing}"
IN_PROTOCOLS = "suite {suite}", *IN_SUITES[1:]
MOST_CORRUPTIONS = 3  # in a name


def numbered(names: list[str]) -> list[str]:
    """Number the later ones of equal names."""
    return [f"{name} ({seen + 1})" if (seen := names[:k].count(name)) else name for k, name in enumerate(names)]


def told_apart(
    names: Sequence[str], cells: Sequence[pd.Series] | Sequence[Mapping[str, Any]], facts: Sequence[str] = FACTS
) -> list[str]:
    """Add to equal names, in brackets, the first of these facts that tell them apart; number what none tells apart.

    cells: one of each name, or what else has the fields of the facts.
    """
    notes: list[tuple[str, ...]] = [()] * len(names)
    for fact in facts:
        texts = [fact.format(**cell) for cell in cells]
        keys = list(zip(names, notes, strict=True))
        differ = [len({text for other, text in zip(keys, texts, strict=True) if other == key}) > 1 for key in keys]
        notes = [(*note, text) if own else note for note, text, own in zip(notes, texts, differ, strict=True)]
    both = zip(names, notes, strict=True)
    return numbered([f"{name} ({', '.join(note)})" if note else name for name, note in both])


def name_suites(plans: Sequence[Plan]) -> list[str]:
    """Name the suite of each plan; equal names have what differs: the protocol, else the conditions."""
    return told_apart([plan.suite for plan in plans], fields_of(plans), IN_SUITES)


def name_protocols(plans: Sequence[Plan]) -> list[str]:
    """Name the protocol of each plan; equal names have what differs: the suite, else the conditions."""
    return told_apart([plan.protocol for plan in plans], fields_of(plans), IN_PROTOCOLS)


def fields_of(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """Give the fields of IN_SUITES and IN_PROTOCOLS. differing: conditions that not all plans of a suite have."""
    fields = []
    for plan in plans:
        others = [dict(other.conditions) for other in plans if other.suite == plan.suite]
        differing = [
            f"{spaced(name)} {'/'.join(map(str, severities))}"
            for name, severities in plan.conditions
            if any(other.get(name) != severities for other in others)
        ]
        number = counted(sum(len(severities) for _, severities in plan.conditions), "condition")
        corruptions = counted(len(plan.conditions), "corruption")
        own = {"number": number, "corruptions": corruptions, "differing": listed(differing, MOST_CORRUPTIONS)}
        fields.append({"suite": plan.suite, "protocol": plan.protocol, **own})
    return fields


def titles_of(cells: pd.DataFrame) -> list[str]:
    """Name the model of each row, numbered where the same name has other weights; by its `title` where there is one."""
    if "title" in cells:
        return list(cells["title"])
    names = name_models([cells], [])
    return [names[pair] for pair in cells[MODEL].itertuples(index=False, name=None)]


def name_models(frames: Iterable[pd.DataFrame], runs: Sequence[Plan]) -> dict[Model, str]:
    """Name each model of some cells, by name and weights: of one name, the last run's first; later ones are numbered.

    runs: of the folders, each from its last run on. Other weights of a name come as in the cells.
    """
    first: dict[str, float] = {}
    for place, run in enumerate(run for run in runs if run.written):
        for cell in run.cells:
            first.setdefault(cell.key, place)
    places: dict[Model, float] = {}
    leading: dict[str, float] = {}
    for cells in frames:
        for name, weights, key in cells[[*MODEL, "key"]].itertuples(index=False, name=None) if len(cells) else ():
            own = first.get(key, inf)
            places[name, weights] = min(places.get((name, weights), inf), own)
            leading[name] = min(leading.get(name, inf), own)
    models = sorted(places, key=lambda model: places[model] > leading[model[0]])
    return dict(zip(models, numbered([name for name, _ in models]), strict=True))


def with_titles(cells: pd.DataFrame, names: Mapping[Model, str]) -> pd.DataFrame:
    """Add the `title` of each row's model, and put the models of one name in the order of their numbers.

    names: of `name_models`. Names keep their order, and so do the cells of a model.
    """
    if not len(cells):
        return cells
    places = {model: place for place, model in enumerate(names)}
    models = list(cells[MODEL].itertuples(index=False, name=None))
    order = pd.DataFrame({"name": pd.factorize(cells["model"])[0], "place": [places[model] for model in models]})
    cells = cells.assign(title=[names[model] for model in models])
    return cells.iloc[order.sort_values(["name", "place"], kind="stable").index]


def flagged_models(cells: pd.DataFrame) -> set[str]:
    """List the models with a cell that deserves no trust, by title."""
    return set(cells.loc[cells["flag"] != "", "title"])


def blank_models(cells: pd.DataFrame) -> set[str]:
    """List the models that deserve no trust on clean images already, by title: they are the best of nothing."""
    return flagged_models(cells[cells["corruption"] == CLEAN])
