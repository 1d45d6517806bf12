"""Which file each network of a store was read from: the stores have identities, of file and code together."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.aligned import align_model
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.studies.frame import quality_frame

__all__ = ["table"]

SUFFIX = ".pth"


def table(folders: Sequence[Path], weights: Path) -> list[str]:
    """Write a row per network: the sha256 of its file, licence, and what it is.

    Each file is read again, by the code that is installed. Raises UsageError where that gives another identity than the
    store has: the file or the code is another one.
    """
    cells = pd.concat([quality_frame(folder) for folder in folders])
    if not len(cells):
        raise UsageError(f"{folders[0]}: has no quality cells")
    cells = cells.drop_duplicates(["model", "checkpoint_sha256"])
    lines = ["| network | sha256 of its file | licence | what it is |", "|:--|:--|:--|:--|"]
    for _, cell in cells.sort_values("model").iterrows():
        path = weights / f"{cell['model']}{SUFFIX}"
        if identity_of(path, cell) != cell["checkpoint_sha256"]:
            raise UsageError(f"{path}: not what {cell['path']} is of; the file, or the code of seg_zoo, is another one")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        what = cell["about"].partition(", BatchNorm folded")[0]
        lines.append(f"| {cell['model']} | `{sha256}` | {cell['licence']} | {what} |")
    return lines


def identity_of(path: Path, cell: "pd.Series[Any]") -> str:
    """The identity under which a run stores what this file gives, with the alignment of classes that the cell has."""
    classes = cell["class_names"]
    model = load_source(Source.parse(f"seg_zoo:make@{path}"), path.stem, classes, torch.device("cpu"))
    if cell["alignment"]:
        align_model(model, classes, dict(cell["alignment"]))
    return model.checkpoint_sha256
