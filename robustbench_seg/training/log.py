"""log.csv of a training run: iteration, mean loss per labelled pixel, learning rate, mIoU where it was validated."""

import csv
from pathlib import Path

from ..files import replacing

__all__ = ["Log"]

COLUMNS = ("iteration", "loss", "learning_rate", "miou")  # mIoU 0-1, empty where there was no validation


class Log:
    """A row per iteration; rows after the checkpoint that a run goes on from are dropped.

    A file of before there was validation has no column miou: it is read as empty.
    """

    def __init__(self, path: Path, done: int) -> None:
        self.path = path
        self.rows: list[list[str]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [[row.get(name) or "" for name in COLUMNS] for row in csv.DictReader(file)]
            self.rows = [row for row in rows if row[0].isdigit() and int(row[0]) <= done]

    @property
    def last_miou(self) -> float | None:
        """The mIoU at the last validation, 0-1; None if there was none."""
        return next((float(row[3]) for row in reversed(self.rows) if row[3]), None)

    def add(self, iteration: int, loss: float, rate: float, miou: float | None) -> None:
        score = "" if miou is None else f"{miou:.6g}"
        self.rows.append([str(iteration), f"{loss:.6g}", f"{rate:.6g}", score])

    def write(self) -> None:
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *self.rows])
