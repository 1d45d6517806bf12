"""Which images fail most, under which condition, which classes are lost there, and where models differ most.

A single image has a score, but no interval: images are what the bootstrap draws. An arm's score of an image is the mean
over its runs. With several arms, the score of an image is the mean over them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import UsageError
from ..metrics import MIOU, Metric
from ..store.cell import CLEAN
from ..wording import MISSING, conjoin, percent, spaced
from .arms import arms_of, runs_of
from .blocks import Blocks
from .counts import CellCounts, metrics_in, why_without
from .fine_grained import image_iou
from .robustness import Conditions, headline

__all__ = ["ImageScores", "image_scores", "metric_of"]

Scores = NDArray[np.float64]  # (images,)
Place = tuple[str, int]  # corruption, severity


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Scores of each image in one view.

    ids: of the images. scores: by arm and condition, the clean one included. conditions: of the plan, those that all
    models have; planned: how many the plan has. metric: of the scores. cells: of `quality_frame`. counted: which of
    their images count, booleans.
    """

    ids: NDArray[Any]
    scores: Mapping[str, Mapping[Place, Scores]]
    conditions: Conditions
    planned: int
    metric: Metric
    cells: pd.DataFrame
    counted: NDArray[np.bool_]

    @property
    def note(self) -> str:
        """What a reader must know of the rankings."""
        some = sum(map(len, self.conditions.values()))
        missing = f" Of {some} of {self.planned} conditions, those that all models have." if some < self.planned else ""
        return f"One image has no interval.{missing}"

    @cached_property
    def places(self) -> list[Place]:
        """The conditions, the clean one included."""
        return list(next(iter(self.scores.values())))

    @cached_property
    def table(self) -> NDArray[np.float64]:
        """The mean over arms, (conditions, images)."""
        return np.asarray(np.mean([[own[place] for place in self.places] for own in self.scores.values()], axis=0))

    @cached_property
    def counts(self) -> dict[Place, list[CellCounts]]:
        """The counts of each model by condition."""
        counts: dict[Place, list[CellCounts]] = {}
        for cell in self.cells[["corruption", "severity", "counts"]].itertuples():
            counts.setdefault((cell.corruption, cell.severity), []).append(cell.counts)
        return counts

    @property
    def order(self) -> NDArray[np.intp]:
        """The indices of images, by their score under corruption, from the worst to the best."""
        return self.worst_first(self.corrupted(dict(zip(self.places, self.table, strict=True))))

    @property
    def extremes(self) -> dict[str, int]:
        """The indices of the worst, the median and the best image; none without a score."""
        order = self.order.tolist()
        return {"worst": order[0], "median": order[(len(order) - 1) // 2], "best": order[-1]} if order else {}

    def state_extremes(self) -> dict[str, str]:
        """State by id what the worst, the median and the best image are: "worst of 12 images, mIoU 18.2 %"."""
        scores = self.corrupted(dict(zip(self.places, self.table, strict=True)))
        names: dict[int, list[str]] = {}
        for name, k in self.extremes.items():
            names.setdefault(k, []).append(name)
        where = " under corruption" if self.conditions else ""
        return {
            str(self.ids[k]): f"{conjoin(some)} of {len(self.order)} images, mIoU{where} {percent(scores[k])} %"
            for k, some in names.items()
        }

    def worst_place(self, image: int) -> Place:
        """Find the condition with the worst score of an image."""
        return self.places[int(self.worst_first(self.table[:, image])[0])]

    def corrupted(self, scores: Mapping[Place, Scores]) -> Scores:
        """Compute the mean over corruptions of means over severities of each image; the clean score without any."""
        if not self.conditions:
            return scores[CLEAN, 0]
        return np.asarray(headline(lambda corruption, severity: scores[corruption, severity], self.conditions))

    def worst_first(self, scores: Scores) -> NDArray[np.intp]:
        """Return the indices of scores from the worst to the best, without NaN."""
        order = np.argsort(scores if self.metric.higher else -scores, kind="stable")
        return order[~np.isnan(scores[order])]

    def images(self, top: int) -> pd.DataFrame:
        """Rank images by their score under corruption; clean without any.

        Columns: image, clean, corrupted, condition and worst (the condition with the worst score, and this score), lost
        (on the clean image), models. Without corruptions: image, clean, lost, models.
        """
        table = self.table
        means = dict(zip(self.places, table, strict=True))
        corrupted = self.corrupted(means)
        rows = []
        for k in self.order[:top]:
            row = {"image": self.ids[k]} | ({"clean": means[CLEAN, 0][k]} if (CLEAN, 0) in means else {})
            place = self.worst_place(k)
            if self.conditions:
                row |= {"corrupted": corrupted[k], "condition": name_of(*place), "worst": means[place][k]}
            rows.append(row | self.facts(k, (CLEAN, 0)))
        return pd.DataFrame(rows)

    def failures(self, top: int) -> pd.DataFrame:
        """Rank pairs of an image and a condition.

        Columns: image, condition, score, lost, models, corruption, severity.
        """
        table = self.table
        rows = []
        for flat in self.worst_first(table.ravel())[:top]:
            k, image = divmod(int(flat), len(self.ids))
            place = self.places[k]
            row = {"image": self.ids[image], "condition": name_of(*place), "score": table[k, image]}
            rows.append(row | self.facts(image, place) | {"corruption": place[0], "severity": place[1]})
        return pd.DataFrame(rows)

    def partings(self, top: int) -> pd.DataFrame:
        """Rank images by the difference of two arms under corruption; clean without any. Empty for one arm.

        Columns: image, better and worse (the arms that differ most), their scores, models.
        """
        arms = list(self.scores)
        table = np.array([self.corrupted(self.scores[arm]) for arm in arms])
        differences = table.max(axis=0) - table.min(axis=0)
        rows = []
        for k in np.argsort(-differences, kind="stable")[:top]:
            if differences[k] > 0:  # neither NaN nor equal
                worse, *_, better = self.worst_first(table[:, k])
                rows.append(
                    {
                        "image": self.ids[k],
                        "better": arms[better],
                        "worse": arms[worse],
                        "better_score": table[better, k],
                        "worse_score": table[worse, k],
                        "models": f"{arms[better]} {arms[worse]}",
                    }
                )
        return pd.DataFrame(rows)

    def facts(self, image: int, place: Place) -> dict[str, str]:
        """Name the lost classes of an image in a condition, a dash where not all models have it; and the models."""
        lost = (", ".join(self.lost(image, *place)) or "none") if place in self.places else MISSING
        return {"lost": lost, "models": " ".join(self.cells["title"].unique())}

    def lost(self, image: int, corruption: str, severity: int) -> tuple[str, ...]:
        """Name the classes that the image's label has, and in which no model has a pixel right in a condition."""
        own, index = self.counts[corruption, severity], int(np.flatnonzero(self.counted)[image])
        labelled = own[0]["labelled"][index] > 0
        hit = np.any([counts["intersection"][index] > 0 for counts in own], axis=0)
        names = self.cells["class_names"].iloc[0]
        return tuple(name for name, lost in zip(names, labelled & ~hit, strict=True) if lost)


def name_of(corruption: str, severity: int) -> str:
    return f"{spaced(corruption)} {severity}" if severity else corruption


def metric_of(cells: pd.DataFrame, name: str) -> Metric:
    """Look up a metric that the cells have counts of. Raises UsageError that names the others."""
    metrics = metrics_in(cells)
    if name not in metrics:
        raise UsageError(f"--metric {name}: the cells have no such counts; there are {', '.join(metrics)}")
    return metrics[name]


def image_scores(
    cells: pd.DataFrame, blocks: Blocks, conditions: Conditions, metric: Metric = MIOU
) -> ImageScores | None:
    """Score each image in each cell: by its mIoU^I (see `fine_grained`), or by another metric of this image alone.

    cells: of `quality_frame`, with `title`; of the same images and one view. blocks: as returned by `blocks_in`; images
    without a labelled pixel are left out. None if there is no condition that all models have, with counts of one code.
    """
    have = {
        (cell.title, (cell.corruption, cell.severity)): score_images(cell.counts, metric)[blocks.labelled]
        for cell in cells[["title", "corruption", "severity", "counts", "metric_sources"]].itertuples()
        if not why_without(metric, cell.counts, cell.metric_sources)
    }
    weights = dict(zip(cells["title"], cells["checkpoint_sha256"], strict=True))
    titles = list(weights)
    places = [(CLEAN, 0), *((name, severity) for name, severities in conditions.items() for severity in severities)]
    places = [place for place in places if all((title, place) in have for title in titles)]
    if not places:
        return None
    shared = {name: tuple(s for s in severities if (name, s) in places) for name, severities in conditions.items()}
    return ImageScores(
        ids=cells.iloc[0]["counts"]["image_id"][blocks.labelled],
        scores={
            arm: {place: np.mean([have[run, place] for run in runs_of(members, weights)], axis=0) for place in places}
            for arm, members in arms_of(titles).items()
        },
        conditions={name: severities for name, severities in shared.items() if severities},
        planned=sum(map(len, conditions.values())),
        metric=metric,
        cells=cells,
        counted=blocks.labelled,
    )


def score_images(counts: CellCounts, metric: Metric) -> Scores:
    """Score each image of a cell by itself, (images,); NaN for an image without a score."""
    arrays = {name: counts[name] for name in metric.reads}
    if metric is MIOU:
        return image_iou(arrays)
    return metric.score(metric.terms(arrays), (len(counts["image_id"]),))
