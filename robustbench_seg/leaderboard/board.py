"""Boards: the models of many stores, one board for all that was measured alike, with ranks and their intervals.

Models share a board only if they agree in protocol and conditions, in all fields of BASIS (data set, split,
fingerprint, images, view, precision, void rule, seed, engine version), in classes and in the alignment to them. The
resamples of images are the same for all models of a board, so ranks and differences are paired. They keep the weights:
another training run of a model is another row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import StoreError
from ..files import digest
from ..store.cell import CLEAN, view_name
from ..studies.alarms import alarms_of_scores, same_counts
from ..studies.blocks import Blocks
from ..studies.bootstrap import resample
from ..studies.counts import blocks_in, read_counts
from ..studies.draws import first_draws
from ..studies.facts import facts_of, provenance
from ..studies.frame import expect_agreement, quality_frame
from ..studies.limits import transductive_notes
from ..studies.plans import read_plans
from ..studies.ranking import rank_intervals
from ..studies.robustness import BASIS, MODEL, Conditions, scores_of
from ..studies.sources import expect_one_source, only
from ..studies.statistics import NOTHING, Draws, Interval, interval, too_few
from ..studies.titles import titles_of
from ..wording import counted

__all__ = ["Board", "Standing", "boards_of"]

ALIKE = [*BASIS, "class_names", "alignment"]
CONDITION = ["corruption", "severity", "corruption_source"]
SCORES = (CLEAN, "mean", "retention")
HASH = 12  # hexadecimal digits of a hash in a link


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """A row of a board. weights: their hash. scores: by name of SCORES, 0-1, those that the protocol has.

    rank: 1 is the best, equal scores share it; ranks: its interval. Both None if cells are missing; ranks also for too
    few blocks. missing: number of such cells. alarms: lines. sources: what the numbers were made with, lines.
    """

    model: str
    weights: str
    licence: str
    parameters: int
    about: str
    scores: Mapping[str, Interval]
    missing: int
    alarms: tuple[str, ...]
    sources: tuple[str, ...]
    rank: int | None = None
    ranks: tuple[int, int] | None = None

    @property
    def anchor(self) -> str:
        """The row's permanent name: of the model and its weights alone, whatever other rows there are."""
        clean = re.sub(r"[^A-Za-z0-9._-]", "-", self.model)
        name = clean if clean == self.model else f"{clean}-{digest(self.model, 3)}"
        is_hash = re.fullmatch(f"[0-9a-f]{{{HASH},}}", self.weights)
        return f"{name}-{self.weights[:HASH] if is_hash else digest(self.weights, HASH // 2)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Board:
    """What was measured alike. setting: the fields of ALIKE. conditions: of the protocol; none for clean images alone.

    blocks: how many blocks of images the resamples draw. rows: the best first, then those without a rank. notes: what
    a reader must know of the view, without a full stop.
    """

    protocol: str
    conditions: Conditions
    setting: Mapping[str, Any]
    blocks: int
    rows: tuple[Standing, ...]
    notes: tuple[str, ...] = ()

    @property
    def view(self) -> str:
        """The view, with the rule for pixels without a label where that is not the usual one."""
        return view_name(self.setting["view"], self.setting["void"])

    @property
    def headline(self) -> str:
        """The score that ranks."""
        return "mean" if self.conditions else CLEAN

    @property
    def file(self) -> str:
        """The name of the board's page, without ending: of what was measured alone, whatever models there are."""
        words = "-".join((self.setting["dataset"], self.setting["split"], self.protocol, self.view))
        of = [self.protocol, sorted(self.conditions.items()), {name: str(self.setting[name]) for name in ALIKE}]
        return f"{re.sub(r'[^A-Za-z0-9._-]', '-', words)[:100].lstrip('.')}-{digest(of, 4)}"

    @property
    def caution(self) -> str:
        """Why there are no intervals; "" where there are."""
        return too_few(self.blocks)


def boards_of(folders: Sequence[Path]) -> list[Board]:
    """Compute the boards of stores, in the order of their data sets, protocols and views.

    Raises StoreError for a folder without a finished quality cell, for damage, and for stores that contradict each
    other.
    """
    cells: list[pd.DataFrame] = []
    for folder in folders:
        frame = quality_frame(folder)
        if not len(frame):
            raise StoreError(f"{folder}: holds no quality cells")
        for plan in read_plans(folder, frame):
            own = first_draws(only(frame, [cell.key for cell in plan.cells]))
            conditions = tuple(sorted((name, tuple(sorted(some))) for name, some in plan.conditions))
            cells.append(own.assign(protocol=plan.protocol, conditions=[conditions] * len(own.index)))
    every = pd.concat(cells, ignore_index=True)
    expect_agreement(every)
    expect_one_source(every)
    alike = ["protocol", "conditions", *ALIKE]
    every = every.drop_duplicates([*alike, *MODEL, *CONDITION])
    boards = [board_of(part) for _, part in every.groupby(alike, sort=False, dropna=False)]
    return sorted(
        boards, key=lambda one: (*(one.setting[n] for n in ("dataset", "split")), one.protocol, one.view, one.file)
    )


def board_of(cells: pd.DataFrame) -> Board:
    """Compute one board. cells: of one setting, with the plan's protocol and conditions."""
    first = cells.iloc[0]
    conditions = dict(first["conditions"])
    blocks = blocks_in(cells)
    number = len(set(blocks.names))
    draws = {key: draws_of(part, blocks, conditions) for key, part in cells.groupby(MODEL, sort=False)}
    alarms = alarms_in(cells, conditions)
    headline = "mean" if conditions else CLEAN
    rows = [
        standing(part, draws[key], number, conditions, alarms.get(key, ()))
        for key, part in cells.groupby(MODEL, sort=False)
    ]
    complete = [row for row in rows if not row.missing and not np.isnan(row.scores[headline].estimate)]
    ranked = [draws[row.model, row.weights][headline] for row in complete]
    ranks = rank_intervals(np.stack(ranked, axis=1), number) if ranked else []
    placed = [replace(row, rank=rank, ranks=ends) for row, (rank, ends) in zip(complete, ranks, strict=True)]
    placed.sort(key=lambda row: (row.rank, row.anchor))
    others = sorted((row for row in rows if row not in complete), key=lambda row: row.anchor)
    return Board(
        protocol=first["protocol"],
        conditions=conditions,
        setting={name: value.item() if isinstance(value := first[name], np.generic) else value for name in ALIKE},
        blocks=number,
        rows=(*placed, *others),
        notes=tuple(transductive_notes(cells)),
    )


def draws_of(cells: pd.DataFrame, blocks: Blocks, conditions: Conditions) -> dict[str, Draws]:
    """Compute the SCORES of a model in the data and in each resample of the board's blocks."""
    scores = resample(replace(read_counts(cells), blocks=blocks.names))
    every = scores_of(scores.under(checkpoint_sha256=cells["checkpoint_sha256"].iloc[0]), conditions)
    return {name: np.asarray(every[name]) for name in SCORES if name in every}


def standing(
    cells: pd.DataFrame, draws: Mapping[str, Draws], blocks: int, conditions: Conditions, alarms: Sequence[str]
) -> Standing:
    """Make the row of a model, without its rank."""
    first = cells.iloc[0]
    return Standing(
        **{name: first[name] for name in ("model", "licence", "about")},
        weights=first["checkpoint_sha256"],
        parameters=int(first["parameters"]),
        scores={name: with_ends(values, blocks) for name, values in draws.items()},
        missing=1 + sum(map(len, conditions.values())) - len(cells),
        alarms=tuple(alarms),
        sources=tuple(f"{what}: {text}" for what, text in provenance(facts_of(cells))),
    )


def with_ends(draws: Draws, blocks: int) -> Interval:
    """Make the interval of a score; NaN without a value."""
    return interval(draws, blocks) if not np.isnan(draws[0]) else NOTHING


def alarms_in(cells: pd.DataFrame, conditions: Conditions) -> dict[tuple[str, str], list[str]]:
    """State what speaks against trust in the numbers of a model, by name and weights."""
    alarms: dict[tuple[str, str], list[str]] = {}
    for key, part in cells.groupby(MODEL, sort=False):
        for flag, some in part[part["flag"] != ""].groupby("flag", sort=False):
            alarms.setdefault(key, []).append(f"{flag} in {len(some)} of {counted(len(part), 'cell')}")
    copies = dict(copies_in(cells))
    for key, lines in copies.items():
        alarms.setdefault(key, []).extend(lines)
    corrupted = cells[cells["corruption"] != CLEAN]
    scores = corrupted.pivot(index=MODEL, columns=["corruption", "severity"], values="miou")
    scores = scores.drop(index=list(copies), errors="ignore")
    classes = cells.groupby(MODEL)["classes"].max()
    if len(scores) and conditions:
        number: Any = {key: int(classes[key]) for key in scores.index}  # the index has pairs of a name and weights
        for pair, lines in alarms_of_scores(scores, number).items():
            alarms.setdefault((pair[0], pair[1]), []).extend(lines)
    return alarms


def copies_in(cells: pd.DataFrame) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Name the models with equal counts in each image of each cell that both have."""
    titles = titles_of(cells)
    keys = dict(zip(titles, cells[MODEL].itertuples(index=False, name=None), strict=True))
    pairs = same_counts(cells.assign(model=titles))
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        lines = [
            f"equal counts in each image of the {counted(number, 'cell')} shared with {other}: one model under two "
            "names, or the weights of one were not read"
            for pair, number in pairs.items()
            if name in pair
            for other in [pair[1] if pair[0] == name else pair[0]]
        ]
        yield keys[name], lines
