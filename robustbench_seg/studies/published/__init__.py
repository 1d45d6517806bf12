"""The papers' tables as data, and whether they may stand under one heading with ours.

A table is a CSV file here; what its numbers were measured with is below. Numbers are as printed: mIoU in %.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import pandas as pd

from ...errors import UsageError

__all__ = ["TABLES", "Published", "Setting", "beside", "read_published"]

SEGFORMER = 'Xie et al., "SegFormer", NeurIPS 2021, arXiv 2105.15203'
UNSTATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What ours were measured with. view: as str(View). images, of: how many were used, and how many the split has."""

    protocol: str
    view: str
    dataset: str
    split: str
    images: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table. key: the columns that name a row; values: what the others are.

    protocol, view: as ours are named; "" where the source does not state it. views: the view of single rows, by the
    first key column. A view without a stride stands for any stride, where only the window is stated. notes: known
    errors, and what else sets the numbers apart from any of ours.
    """

    title: str
    source: str
    key: tuple[str, ...]
    values: str
    dataset: str = "cityscapes"
    split: str = "val"
    protocol: str = ""
    view: str = ""
    views: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# name of the CSV file: what it holds
TABLES: dict[str, Published] = {
    "table1a_variants": Published(
        title="Table 1a: size and accuracy of the variants",
        source=SEGFORMER,
        key=("variant",),
        values="parameters in millions, FLOPs (multiply-accumulates) in 10^9, mIoU in %, single and multi scale",
        protocol="clean",
        view="slide-1024",
        notes=(
            "data set and view are those of the single-scale Cityscapes columns",
            "encoder parameters are the rounded total minus the rounded decoder",
            "B4 on Cityscapes is 83.9 here and 83.8 in Table 2",
            "all FLOPs have a head of 150 classes",
        ),
    ),
    "table1c_positional": Published(
        title="Table 1c: Mix-FFN and positional encoding at two resolutions",
        source=SEGFORMER,
        key=("encoding", "inference_mode"),
        values="mIoU in %",
        protocol="clean",
        views={"slide": "slide-768", "whole": "whole"},
        notes=(
            "B2, trained on 768x768 crops; 768x768 is by sliding windows, so the table mixes window and resolution",
            "how the arm with positional encoding was built is not released; ours is our construction",
        ),
    ),
    "table2_main": Published(
        title="Table 2: SegFormer and others",
        source=SEGFORMER,
        key=("method", "encoder"),
        values="parameters in millions, FLOPs (multiply-accumulates) in 10^9, frames/s, mIoU in %",
        protocol="clean",
        notes=(
            "the data set is that of the Cityscapes columns",
            "frames/s are of the authors' GPU and software",
            "B5's FLOPs on Cityscapes have a head of 19 classes, 1460.4 in Table 1a one of 150",
            "B4 on Cityscapes is 83.8 here and 83.9 in Table 1a",
        ),
    ),
    "table5_cityscapes_c": Published(
        title="Table 5: Cityscapes-C",
        source=f"{SEGFORMER}; all rows but SegFormer-B5 after Kamann and Rother, arXiv 1908.05005",
        key=("method",),
        values="mIoU in %, each corruption the mean over its severities",
        protocol="segformer",
        views={"SegFormer-B5": "slide-1024"},
        notes=("the table has no mean; that of SegFormer-B5's 16 corruptions is 65.81",),
    ),
    "table7_imagenet": Published(
        title="Table 7: the encoders as ImageNet classifiers",
        source=SEGFORMER,
        key=("encoder",),
        values="FLOPs at 224x224 in 10^9, parameters in millions, top-1 accuracy in %",
        dataset="imagenet-1k",
        notes=("made with Table 6's expansions, which the released weights do not have",),
    ),
    "city_c_small": Published(
        title="Cityscapes-C of smaller models",
        source='Zhao et al., "Fully Attentional Networks with Self-emerging Token Labeling", ICCV 2023, Table 4',
        key=("model",),
        values="mIoU in %: clean and the mean over corruptions; retention in %",
        notes=("B5's 65.8 is Table 5's mean over 16 corruptions; the protocol of the other rows is not stated",),
    ),
    "semsegbench_sev3": Published(
        title="SemSegBench at severity 3",
        source="SemSegBench, arXiv 2505.18015",
        key=("model",),
        values="mIoU in %; crop is that of training",
        protocol="semsegbench",
        notes=("15 corruptions at severity 3 only: not comparable with Table 5",),
    ),
}


def read_published(name: str) -> pd.DataFrame:
    """Read a published table as printed. Raises UsageError that lists the known ones."""
    if name not in TABLES:
        raise UsageError(f"unknown published table {name!r}; known: {', '.join(TABLES)}")
    with files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def beside(name: str, ours: Setting) -> pd.DataFrame:
    """A published table with a column `differs`: in what a row was measured otherwise than ours.

    Where that is "", the row may stand under one heading with ours; else only apart from them, with that text.
    """
    table, about = read_published(name), TABLES[name]
    view_key = "inference_mode" if "inference_mode" in table else about.key[0]
    views = table[view_key].map(lambda row: about.views.get(row, about.view))
    return table.assign(differs=[differences(about, view, ours) for view in views])


def differences(theirs: Published, view: str, ours: Setting) -> str:
    """Name what sets a published number apart from ours, theirs first."""
    pairs = [
        ("dataset", f"{theirs.dataset} {theirs.split}", f"{ours.dataset} {ours.split}"),
        ("protocol", theirs.protocol or UNSTATED, ours.protocol),
        ("view", view or UNSTATED, ours.view),
    ]
    found = [f"{what} {a} (ours {b})" for what, a, b in pairs if not agree(a, b)]
    if ours.images != ours.of:
        found.append(f"all images (ours {ours.images} of {ours.of})")
    return "; ".join(found)


def agree(theirs: str, ours: str) -> bool:
    """Whether two are the same, or theirs is a window of which only the stride is not stated."""
    window, _, stride = ours.rpartition("-")
    return theirs == ours or (theirs.startswith("slide-") and theirs == window and stride.isdigit())
