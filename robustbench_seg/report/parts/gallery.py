"""Gallery: images under several conditions, with what a model makes of them; from the pictures that a run stored."""

from collections.abc import Mapping

from ...charts import Chart, Tile
from ...store.cell import CLEAN
from ...studies.pictures import StoredPicture, stored_pictures
from ...wording import spaced
from ..content import Content, Picture
from ..panel import Panel

__all__ = ["make", "strip"]

ABOVE = "images above, predictions below"
BELOW = "label and predictions only, since the data set's terms do not allow showing its images"


def make(panel: Panel) -> Content:
    """Make a strip per gallery image: the first model and view, clean and at each corruption's highest severity."""
    highest = {(name, max(some)): f"{spaced(name)}, severity {max(some)}" for name, some in panel.conditions.items()}
    pictures = []
    for image_id in panel.source.plan.gallery if panel.main and panel.source.pictures else ():
        stored = stored_pictures(panel.cells, [image_id])
        own = {(one.corruption, one.severity): one for one in stored if one.model == stored[0].model}
        panels = {title: own[key] for key, title in {(CLEAN, 0): CLEAN, **highest}.items() if key in own}
        if panels:
            first = next(iter(panels.values()))
            where = f"{first.model}, view {first.view}, {panel.cells.iloc[0]['dataset']} {image_id}"
            pictures.append(
                Picture(
                    file=f"strip-{image_id}",
                    title=f"What the model {'saw and ' if first.image else ''}predicted: {image_id}",
                    caption=f"{where}: {ABOVE if first.image else BELOW}.",
                    chart=strip(panels),
                )
            )
    return Content.of(*pictures)


def strip(stored: Mapping[str, StoredPicture]) -> Chart:
    """Show one image under several conditions, by title: what the model saw above what it made of it, after the label.

    Where the data set's terms do not allow showing images there are the label and the predictions only.
    """
    label = next(iter(stored.values())).label
    panels = [(title, tuple(filter(None, (one.image, one.prediction)))) for title, one in stored.items()]
    return Chart(
        panels=tuple(Tile(title=title, files=files) for title, files in [("label", (label,)), *panels]), across=4
    )
