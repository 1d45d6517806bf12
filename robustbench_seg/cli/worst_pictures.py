"""Pictures of the worst, median and best image of each model: made again from the command that a record keeps.

Nothing is shown that was not measured: the command is read again, and a cell has pictures only if its model, images and
settings have the key of the stored cell.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
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
    from ..studies.sources import Source
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


def wishes_of(sources: Sequence["Source"], metric: str) -> list[Wish]:
    """Choose for each model and view the worst, median and best image by a metric: clean, and where it is worst.

    A view of several settings has a folder in each, numbered as in a report; each of several suites has a folder too.
    """
    from ..studies.counts import blocks_in
    from ..studies.titles import numbered
    from ..studies.worst import image_scores, metric_of

    wishes: list[Wish] = []
    suites = numbered([source.plan.suite for source in sources])
    for suite, source in zip(suites if len(sources) > 1 else [""], sources, strict=True):
        place = Path(folder_name(suite)) if suite else Path()
        for view, cells in cells_by_view(source):
            for title, own in cells.groupby("title", sort=False):
                if scores := image_scores(own, blocks_in(own), source.conditions, metric_of(own, metric)):
                    wishes += wishes_in(place / folder_name(title) / folder_name(view), own, scores)
    return wishes


def wishes_in(folder: Path, cells: "pd.DataFrame", scores: "ImageScores") -> Iterator[Wish]:
    """Wish for the extremes of a model's scores in a view, clean and where each is worst, below a folder."""
    for name, image in scores.extremes.items():
        for corruption, severity in dict.fromkeys([("clean", 0), scores.worst_place(image)]):
            place = folder / name / (f"{corruption}-{severity}" if severity else corruption)
            for cell in cells[(cells["corruption"] == corruption) & (cells["severity"] == severity)].itertuples():
                yield wish_of(cell, scores.ids[image], place)


def cells_by_view(source: "Source") -> "list[tuple[str, pd.DataFrame]]":
    """Take the cells of a view in one setting, with `title`, under the view's name in a report."""
    from ..store.cell import view_name
    from ..studies.evidence import SAME_IMAGES
    from ..studies.titles import numbered, titles_of

    if not len(source.quality):
        return []
    cells = source.quality.assign(title=titles_of(source.quality))
    settings = sorted((part for _, part in cells.groupby(SAME_IMAGES, sort=False)), key=source.precedence, reverse=True)
    parts = [part for setting in settings for _, part in setting.groupby("view", sort=False)]
    names = [view_name(part["view"].iloc[0], part["void"].iloc[0]) for part in parts]
    return list(zip(numbered(names), parts, strict=True))


def gallery_wishes(source: "Source") -> list[Wish]:
    """Choose the run's worst, median and best image in its main view, for the gallery of its store: every model's.

    Each is shown clean, and in the condition in which it is worst.
    """
    from ..store.folder import Store
    from ..studies.setting import Setting

    wishes = []
    for view in (view for setting in Setting.all_of(source) for view in setting.main_views()):
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


def folder_name(text: str) -> str:
    """Name the folder of a model or view: no part of the name leads out of its parent folder."""
    return re.sub(r"[^\w.+-]", "-", text).strip(".") or "model"


def make_pictures(
    context: "typer.Context",
    wishes: Sequence[Wish],
    out: Path,
    data: list[str] | None,
    weights: list[str] | None,
    note: Callable[[str], None],
) -> None:
    """Make the pictures into a folder.

    context: see `read_run`. data, weights: in the place of those in the commands. note: see `make_jobs`.

    Raises UsageError if a command can't be read again, or if its models and data are not the ones in the store.
    """
    from ..measure.plan import make_jobs, open_data

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
        for key in dict.fromkeys(wish.key for wish in own):
            assert dataset is not None  # the command made quality cells
            save_images(jobs[key], dataset, [(wish.image_id, out / wish.folder) for wish in own if wish.key == key])


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
