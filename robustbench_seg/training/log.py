"""log.csv of a training run: iteration, mean loss per labelled pixel, learning rate, mIoU after each validation."""

import csv
from pathlib import Path

from ..files import replacing

__all__ = ["Log"]

COLUMNS = ("iteration", "loss", "learning_rate", "miou")  # mIoU 0-1, empty where there was no validation


class Log:
    """A row per iteration. If a run resumes from a checkpoint, later rows are dropped.

    path: None for a log that is never written (in all processes except the first). last_miou: at the last validation,
    0-1; None before the first. Files from older versions lack the column miou, which is then read as empty.
    """

    def __init__(self, path: Path | None, done: int) -> None:
        self.path = path
        self.rows: list[list[str]] = []
        if path and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [[row.get(name) or "" for name in COLUMNS] for row in csv.DictReader(file)]
            self.rows = [row for row in rows if row[0].isdigit() and int(row[0]) <= done]
        self.last_miou = next((float(row[3]) for row in reversed(self.rows) if row[3]), None)

    def add(self, iteration: int, loss: float, rate: float) -> None:
        self.rows.append([str(iteration), f"{loss:.6g}", f"{rate:.6g}", ""])

    def is_scored(self, iteration: int) -> bool:
        """Whether the last row is this iteration's and has a mIoU."""
        return bool(self.rows) and self.rows[-1][0] == str(iteration) and self.rows[-1][3] != ""

    def score(self, iteration: int, miou: float) -> None:
        """Set the mIoU (0-1) of the last iteration, in a new row if the file lacks its row; write the file."""
        if not self.rows or self.rows[-1][0] != str(iteration):
            self.rows.append([str(iteration), "", "", ""])
        self.rows[-1][3] = f"{miou:.6g}"
        self.last_miou = miou
        self.write()

    def write(self) -> None:
        if not self.path:
            return
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *self.rows])
