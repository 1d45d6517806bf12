"""Gallery: images under several conditions, with what a model makes of them; from the pictures that a run stored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...store.cell import CLEAN
from ...studies.pictures import StoredPicture, picture_of, stored_pictures
from ...wording import spaced
from ..content import Content, Picture
from ..panel import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["make", "strip"]

ABOVE = "images above, predictions below"
BELOW = "label and predictions only, since the data set's terms do not allow showing its images"


def make(panel: Panel) -> Content:
    """Make a strip per gallery image: the first model and view, clean and at each corruption's highest severity."""
    if not (panel.main and panel.source.pictures):
        return Content()
    highest = {name: max(severities) for name, severities in panel.conditions.items()}
    titles = {(name, severity): f"{spaced(name)}, severity {severity}" for name, severity in highest.items()}
    pictures = []
    for image_id in panel.source.plan.gallery:
        stored = stored_pictures(panel.cells, [image_id])
        own = {(one.corruption, one.severity): one for one in stored if one.model == stored[0].model}
        panels = {title: own[key] for key, title in {(CLEAN, 0): CLEAN, **titles}.items() if key in own}
        if not panels:
            continue
        first = next(iter(panels.values()))
        where = f"{first.model}, view {first.view}, {panel.cells.iloc[0]['dataset']} {image_id}"
        pictures.append(
            Picture(
                file=f"strip-{image_id}",
                title=f"What the model {'saw and ' if first.image else ''}predicted: {image_id}",
                caption=f"{where}: {ABOVE if first.image else BELOW}.",
                figure=strip(panels),
            )
        )
    return Content(pictures=tuple(pictures))


def strip(stored: Mapping[str, StoredPicture]) -> "Figure":
    """Show one image under several conditions, by title: what the model saw above what it made of it, after the label.

    Where the data set's terms do not allow showing images there are the label and the predictions only.
    """
    from matplotlib.figure import Figure

    label = next(iter(stored.values())).label
    panels = [("label", None, label), *((title, one.image, one.prediction) for title, one in stored.items())]
    down = 2 if any(image for _, image, _ in panels) else 1
    columns = min(4, len(panels))
    blocks = -(-len(panels) // columns)
    width, height = picture_of(label).size
    size = (2.7 * columns, blocks * (down * 2.6 * height / width + 0.32))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(blocks * down, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for k, (title, image, classes) in enumerate(panels):
        block, column = divmod(k, columns)
        below = axes[(block + 1) * down - 1, column]
        below.imshow(picture_of(classes), interpolation="nearest")
        above = axes[block * down, column] if image else below
        above.set_title(title, fontsize=9)
        if image:
            above.imshow(picture_of(image))
    return figure
