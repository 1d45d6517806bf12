"""Pictures of the worst, median and best image of each model: made again from the command that a record keeps.

Nothing is shown that was not measured: the command is read again, and a cell has pictures only if its model, images and
settings have the key of the stored cell.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..files import expanded
from ..wording import listed
from .choice import Choice, choose, options_for
from .slurm import read_run

if TYPE_CHECKING:
    import pandas as pd
    import typer

    from ..datasets.base import Dataset, LabelMap, Sample
    from ..measure.plan import Job, Options
    from ..studies.sources import ReportSource
    from ..studies.worst import ImageScores
    from ..suites import Suite

__all__ = ["Wish", "gallery_wishes", "make_pictures", "wishes_of"]

MOST = 3  # models in a line


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An image of a cell to show. command: it made the cell. folder: for the pictures; in --pictures if relative."""

    key: str
    command: str
    model: str
    image_id: str
    folder: Path


def wishes_of(sources: Sequence["ReportSource"], metric: str) -> list[Wish]:
    """Choose for each model and view the worst, median and best image by a metric: clean, and where it is worst.

    Each suite has a folder, and in it each model, and in this each view under its name in a report.
    """
    from ..studies.counts import blocks_in, metrics_in
    from ..studies.selection import Selection
    from ..studies.worst import image_scores

    wishes: list[Wish] = []
    suites = folder_names([source.plan.suite for source in sources])
    for suite, source in zip(suites, sources, strict=True):
        views = [view for setting in Selection.all_of(source) for view in setting.views]
        models = list(dict.fromkeys(title for view in views for title in view.cells["title"]))
        folders = dict(zip(models, folder_names(models), strict=True))
        counted = metrics_in(source.quality).get(metric) if views else None
        if counted is None:
            continue  # the tables leave it out, too
        for name, view in zip(folder_names([view.name for view in views]), views, strict=True):
            for title, own in view.cells_with(counted).groupby("title", sort=False):
                if scores := image_scores(own, blocks_in(own), source.conditions, counted):
                    wishes += wishes_in(Path(suite, folders[title], name), own, scores)
    return wishes


def wishes_in(folder: Path, cells: "pd.DataFrame", scores: "ImageScores") -> Iterator[Wish]:
    """Wish for the extremes of a model's scores in a view, clean and where each is worst, below a folder."""
    for name, image in scores.extremes.items():
        for corruption, severity in dict.fromkeys([("clean", 0), scores.worst_place(image)]):
            place = folder / name / (f"{corruption}-{severity}" if severity else corruption)
            for cell in cells[(cells["corruption"] == corruption) & (cells["severity"] == severity)].itertuples():
                yield wish_of(cell, scores.ids[image], place)


def gallery_wishes(source: "ReportSource") -> list[Wish]:
    """Choose the run's worst, median and best image in its main view, for the gallery of its store: every model's.

    Each is shown clean, and in the condition in which it is worst.
    """
    from ..store.folder import Store
    from ..studies.selection import Selection

    wishes = []
    for view in (view for setting in Selection.all_of(source) for view in setting.main_views()):
        scores = view.image_scores()
        if scores is None:
            continue
        for image in scores.extremes.values():
            places = ("clean", 0), scores.worst_place(image)
            for cell in view.cells.itertuples():
                if (cell.corruption, cell.severity) in places:
                    folder = Store(cell.path.parents[1]).gallery(cell.slug, cell.key)
                    wishes.append(wish_of(cell, scores.ids[image], folder.absolute()))
    return wishes


def wish_of(cell: Any, image_id: Any, folder: Path) -> Wish:
    """Wish for an image of a cell, a row of `quality_frame`."""
    command = str(json.loads(cell.environment).get("command", ""))
    return Wish(key=cell.key, command=command, model=cell.model, image_id=str(image_id), folder=folder)


def folder_names(names: Sequence[str]) -> list[str]:
    """Name a folder for each suite, model or view: none leads out of its parent folder, and no two are one."""
    from ..studies.titles import numbered

    return numbered([re.sub(r"[^\w.+-]+", "-", name).strip(".-") or "model" for name in names])


def make_pictures(
    context: "typer.Context",
    wishes: Sequence[Wish],
    out: Path,
    data: list[str] | None,
    weights: list[str] | None,
    note: Callable[[str], None],
) -> None:
    """Make the pictures into a folder, in the place of those that an earlier call left of the same views.

    context: see `read_run`. data, weights: in the place of those in the commands. note: see `make_jobs`.

    Raises UsageError if a command can't be read again, or if its models and data are not the ones in the store.
    """
    from ..measure.plan import make_jobs, open_data

    former = {out / wish.folder.parent for wish in wishes if not wish.folder.is_absolute()}
    for command in dict.fromkeys(wish.command for wish in wishes):
        own = [wish for wish in wishes if wish.command == command]
        suite, options = request_of(context, command, data, weights)
        dataset, ids = open_data(suite, options)
        jobs = {job.record.key: job for job in make_jobs(suite, options, dataset, ids, note)[1]}
        if other := [wish.model for wish in own if wish.key not in jobs]:
            raise UsageError(
                f"no pictures of {listed(list(dict.fromkeys(other)), MOST)}: the weights, the data or the program are "
                f"not those that were measured by {command!r}; name them with --weights and --data"
            )
        while former:
            remove_pictures(former.pop())
        for key in dict.fromkeys(wish.key for wish in own):
            assert dataset is not None  # the command made quality cells
            save_images(jobs[key], dataset, [(wish.image_id, out / wish.folder) for wish in own if wish.key == key])


def remove_pictures(folder: Path) -> None:
    """Remove the pictures of all conditions in a folder such as worst/: another image may be the worst now."""
    for path in list(folder.rglob("*.png")):
        if path.stem.endswith(("-image", "-label", "-prediction")):
            path.unlink()
            with suppress(OSError):  # it is not empty
                path.parent.rmdir()


def save_images(job: "Job", dataset: "Dataset", folders: Sequence[tuple[str, Path]]) -> None:
    """Save the pictures of some images of a cell. folders: of each image; an image may have several."""
    from ..measure.evaluate import Screening, show
    from ..measure.pictures import save_pictures
    from ..measure.tally import Tally
    from ..measure.workers import Loader
    from ..store.cell import QualityCell

    assert isinstance(job.cell, QualityCell)
    if job.cell.view.batchnorm is not None:
        raise UsageError(f"no pictures in view {job.cell.view}: its statistics are of all images of a condition")

    def save(tally: Tally, sample: "Sample", prediction: "LabelMap | None") -> None:
        assert prediction is not None  # every image is pictured
        for image_id, folder in folders:
            if image_id == sample.image_id:
                save_pictures(folder, dataset, sample, prediction)

    ids = list(dict.fromkeys(image_id for image_id, _ in folders))
    tally = Tally(job.model, job.cell.setting, job.record.environment["threads"])
    screening = Screening(dataset, (), Loader(0), others=ids, pictured=ids)
    show([tally], job.cell.condition, screening, save)
    if tally.error is not None:
        raise tally.error


def request_of(
    context: "typer.Context", command: str, data: list[str] | None, weights: list[str] | None
) -> "tuple[Suite, Options]":
    """Read the command of a run again, as the command line does. data, weights: in the place of the command's."""
    from ..plugin import import_file

    try:
        words = shlex.split(command)
    except ValueError:  # an open quotation mark, as of a script called it's.py
        words = []
    if words[:2] != ["robustbench-seg", "run"]:
        raise UsageError(f"no pictures: the cells were made by {command!r}, which is no `run` that can be read again")
    given = read_run(context, words[2:])
    for path in given["plugins"] or ():
        import_file(Path(expanded(str(path))))
    choice: dict[str, Any] = {name: given[name] for name in vars(Choice()) if name != "data"}
    choice["views"] = choice["views"] or ()
    target = choose(given["suite"], Choice(data=merged(given["data"], data), **choice))
    own = {name: given[name] for name in ("device", "precision", "limit")}
    paths = merged(given["weights"], weights)
    return target.suite, options_for(target, weights=paths, models=given["model"], workers=0, **own)


def merged(before: list[str] | None, instead: list[str] | None) -> list[str]:
    """Put pairs NAME=PATH in the place of other pairs of the same name."""
    pairs = {pair.partition("=")[0]: pair for pair in (*(before or ()), *(instead or ()))}
    return list(pairs.values())
