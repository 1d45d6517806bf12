"""What a report is made of: sections, each with its sentences, tables, figures and pictures; plain values."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:  # tables alone start fast
    from matplotlib.figure import Figure

__all__ = ["GalleryPicture", "Picture", "Section", "Table"]

NUMBER = re.compile(r"[+\-<]?\d")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; its first column names its rows.

    file: its file's name without ending. readable: texts for people. full: all digits, for the CSV. main: worth a look
    in the terminal. hover, best, sort have readable's shape and columns: what more there is to say of a number ("" for
    nothing), whether it is the best of its column, and the value to sort by (None: the text itself). group: the heading
    that it stands under.
    """

    file: str
    title: str
    caption: str
    readable: pd.DataFrame
    full: pd.DataFrame
    main: bool = False
    hover: pd.DataFrame | None = None
    best: pd.DataFrame | None = None
    sort: pd.DataFrame | None = None
    group: str = ""

    def left(self) -> list[bool]:
        """Whether a column stands to the left: the first, and those whose texts do not begin with a number."""
        texts = self.readable.astype(str).to_numpy().T
        return [k == 0 or not any(NUMBER.match(text) for text in column) for k, column in enumerate(texts)]

    def bold(self) -> list[list[bool]]:
        """Whether each text is the best of its column, by row; False throughout where nothing is compared."""
        if self.best is None:
            return [[False] * len(self.readable.columns) for _ in range(len(self.readable))]
        return [[bool(value) for value in row] for row in self.best.to_numpy()]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure. file: its file's name without ending. description: what it shows, for those who cannot see it."""

    file: str
    title: str
    caption: str
    figure: "Figure"
    description: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class GalleryPicture:
    """The files of one image under one condition; image is None where the data's terms do not allow showing it."""

    model: str
    view: str
    image_id: str
    corruption: str
    severity: int
    image: Path | None
    label: Path
    prediction: Path


@dataclass(kw_only=True)
class Section:
    """One suite's part of a report.

    planned: how many cells. models: as the tables name them. found: at most three sentences with numbers. missing:
    slugs of cells that were planned and are not in the store. failures: file names and last lines of the tracebacks.
    limits: what the numbers do not tell.
    """

    suite: str
    description: str
    planned: int
    models: list[str] = field(default_factory=list)
    synthetic: bool = False
    found: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    gallery: list[GalleryPicture] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    provenance: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
