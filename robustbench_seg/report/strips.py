"""The pictures that a run stored: strips of one image under several conditions, and what a gallery can show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..store.cell import CLEAN
from ..store.folder import Store
from ..studies.robustness import Conditions
from . import figures
from .content import GalleryPicture, Picture

__all__ = ["gallery_pictures", "strips"]


def strips(gallery: Sequence[str], cells: pd.DataFrame, conditions: Conditions) -> list[Picture]:
    """Make a strip per gallery image: the first model and view, clean and at each corruption's highest severity.

    cells: of `Evidence`.
    """
    first = cells.iloc[0]
    same = cells[(cells["title"] == first["title"]) & (cells["view"] == first["view"])]
    wanted = [(CLEAN, 0), *((name, max(severities)) for name, severities in conditions.items())]
    slugs = {(row.corruption, row.severity): pictures_of(row) for row in same.itertuples()}
    found = []
    for image_id in gallery:
        places = {
            name.replace("_", " ") + (f", severity {severity}" if severity else ""): slugs[name, severity]
            for name, severity in wanted
            if (name, severity) in slugs and (slugs[name, severity] / f"{image_id}-prediction.png").is_file()
        }
        if not places:
            continue
        shown = (next(iter(places.values())) / f"{image_id}-image.png").is_file()
        what = (
            "images above, predictions below"
            if shown
            else ("label and predictions only, since the data set's terms do not allow showing its images")
        )
        caption = f"{first['title']}, view {first['view']}, {first['dataset']} {image_id}: {what}."
        title = f"What the model {'saw and ' if shown else ''}said: {image_id}"
        figure = figures.strip(places, image_id)
        found.append(Picture(file=f"strip-{image_id}", title=title, caption=caption, figure=figure, group="Gallery"))
    return found


def gallery_pictures(gallery: Sequence[str], cells: pd.DataFrame) -> list[GalleryPicture]:
    """List what the stores show of the gallery's images in the first view. cells: of `Evidence`."""
    found = []
    for row in cells[cells["view"] == cells["view"].iloc[0]].itertuples():
        place = pictures_of(row)
        for image_id in gallery:
            image, label, prediction = (place / f"{image_id}-{kind}.png" for kind in ("image", "label", "prediction"))
            if label.is_file() and prediction.is_file():
                found.append(
                    GalleryPicture(
                        model=row.title,
                        view=row.view,
                        image_id=image_id,
                        corruption=row.corruption,
                        severity=row.severity,
                        image=image if image.is_file() else None,
                        label=label,
                        prediction=prediction,
                    )
                )
    return found


def pictures_of(cell: Any) -> Path:
    """Where the store that has a cell keeps its pictures. cell: a row of `quality_frame`."""
    return Store(cell.path.parents[1]).gallery(cell.slug, cell.key)
