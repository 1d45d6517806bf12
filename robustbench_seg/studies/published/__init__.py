"""The papers' tables as data, and whether they are comparable with our numbers.

Each table is a CSV file in this folder; the settings of its numbers are below. Numbers are as printed: mIoU in %.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files

import pandas as pd

from ...errors import UsageError

__all__ = ["TABLES", "OwnRun", "PublishedTable", "published_rows", "read_published", "shared_and_own"]

SEGFORMER = 'Xie et al., "SegFormer", NeurIPS 2021, arXiv 2105.15203'
UNSTATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class OwnRun:
    """The setting of our numbers. view: its label. images, of: number of images measured, and in the split.

    void: the rule for pixels without a label.
    """

    protocol: str
    view: str
    dataset: str
    split: str
    images: int
    of: int
    void: str = "ignored"


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """A published table. key: the columns that name a row. values: a description of the other columns.

    protocol, view: in our names; "" if the source does not state them. views: the view of single rows, by the first key
    column. A view without a stride matches any stride, because the source states only the window. classes: of each data
    set, where rows differ in it: they have a column `dataset`. prefixes: what the columns' names have before ours.
    notes: known errors, and other reasons why the numbers are not comparable with ours.
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
    classes: Mapping[str, int] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# name of the CSV file: its table
TABLES: dict[str, PublishedTable] = {
    "table1a_variants": PublishedTable(
        title="Table 1a: size and accuracy of the variants",
        source=SEGFORMER,
        key=("variant",),
        values="parameters in millions, FLOPs (multiply-accumulates) in 10^9, mIoU in %, single and multi scale",
        protocol="clean",
        view="slide-1024",
        notes=(
            "data set and view apply to the single-scale Cityscapes columns",
            "encoder parameters are the rounded total minus the rounded decoder",
            "B4 on Cityscapes is 83.9 here and 83.8 in Table 2",
            "all FLOPs have a head of 150 classes",
        ),
    ),
    "table1c_positional": PublishedTable(
        title="Table 1c: Mix-FFN and positional encoding at two resolutions",
        source=SEGFORMER,
        key=("encoding", "inference_mode"),
        values="mIoU in %",
        protocol="clean",
        views={"slide": "slide-768", "whole": "whole"},
        notes=(
            "B2, trained on 768x768 crops; 768x768 means sliding windows, so the table mixes window and resolution",
            "the arm with positional encoding was not released; ours is our construction",
        ),
    ),
    "table2_main": PublishedTable(
        title="Table 2: SegFormer and others",
        source=SEGFORMER,
        key=("method", "encoder"),
        values="parameters in millions, FLOPs (multiply-accumulates) in 10^9, frames/s, mIoU in %",
        protocol="clean",
        notes=(
            "frames/s are from the authors' GPU and software",
            "B5's FLOPs on Cityscapes have a head of 19 classes; 1460.4 in Table 1a has a head of 150",
            "B4 on Cityscapes is 83.8 here and 83.9 in Table 1a",
        ),
    ),
    "table5_cityscapes_c": PublishedTable(
        title="Table 5: Cityscapes-C",
        source=f"{SEGFORMER}; all rows except SegFormer-B5 from Kamann and Rother, arXiv 1908.05005",
        key=("method",),
        values="mIoU in %, each corruption the mean over its severities",
        protocol="segformer",
        views={"SegFormer-B5": "slide-1024"},
        notes=(
            "the table has no mean; the mean of SegFormer-B5's 16 corruptions is 65.81",
            "SegFormer-B5 has 84.7 million parameters and an encoder pretrained on ImageNet",
            "the copied rows have corruptions of another implementation",
            "their DeepLabV3+ is built otherwise than ours, and has 15.4 million parameters with MobileNetV2",
            "blurs, noises and textures have sizes in pixels, of images of 1024x2048",
        ),
    ),
    "table7_imagenet": PublishedTable(
        title="Table 7: the encoders as ImageNet classifiers",
        source=SEGFORMER,
        key=("encoder",),
        values="FLOPs at 224x224 in 10^9, parameters in millions, top-1 accuracy in %",
        dataset="imagenet-1k",
        notes=("these models have Table 6's expansions; the released weights do not",),
    ),
    "city_c_small": PublishedTable(
        title="Cityscapes-C of smaller models",
        source='Zhao et al., "Fully Attentional Networks with Self-emerging Token Labeling", ICCV 2023, Table 4',
        key=("model",),
        values="mIoU in %: clean and the mean over corruptions; retention in %",
        notes=("B5's 65.8 is Table 5's mean over 16 corruptions; the protocol of the other rows is not stated",),
    ),
    "semsegbench_sev3": PublishedTable(
        title="SemSegBench at severity 3",
        source="SemSegBench, arXiv 2505.18015",
        key=("model",),
        values="mIoU in %; crop is the training crop",
        protocol="semsegbench",
        notes=("15 corruptions at severity 3 only: not comparable with Table 5",),
    ),
    "semsegbench_all": PublishedTable(
        title="SemSegBench at severity 3, all rows",
        source="SemSegBench, arXiv 2505.18015 (CC0)",
        key=("architecture", "backbone", "dataset", "crop_size"),
        values="mIoU in %: clean and under corruption; the size is the training crop",
        protocol="semsegbench",
        classes={"cityscapes": 19, "ade20k": 150, "voc": 21},
        prefixes=("mIoU_2d_", "mIoU_"),
        notes=(
            "images are corrupted in BGR order, on ADE20K after they are resized",
            "DeepLabV3+ with ResNet-18 on Cityscapes is a broken run; two DeepLabV3 on ADE20K have the same "
            "scores; the stated minimum of four SegFormer is copied from other rows",
        ),
    ),
}


def read_published(name: str) -> pd.DataFrame:
    """Read a published table as printed. Raises UsageError, which lists the known tables."""
    if name not in TABLES:
        raise UsageError(f"unknown published table {name!r}; known: {', '.join(TABLES)}")
    with files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def published_rows(name: str, ours: OwnRun) -> pd.DataFrame:
    """Return a published table with a column `differs`, which names the differences between a row's setting and ours.

    If it is "", the row may share a table with ours; otherwise the row needs a separate table, with that text. Columns
    of scores have our names of corruptions, and a column `row` names the row.
    """
    table, about = read_published(name), TABLES[name]
    view_key = "inference_mode" if "inference_mode" in table else about.key[0]
    views = table[view_key].map(lambda row: about.views.get(row, about.view))
    datasets = table["dataset"] if about.classes else [about.dataset] * len(table)
    differs = [
        differences(replace(about, dataset=dataset), view, ours) for dataset, view in zip(datasets, views, strict=True)
    ]
    rows = table[list(about.key)].astype(str).agg(", ".join, axis=1) if len(about.key) > 1 else table[about.key[0]]
    return table.rename(columns=lambda column: without(column, about.prefixes)).assign(row=rows, differs=differs)


def without(column: str, prefixes: Iterable[str]) -> str:
    """Take the first of the prefixes that a column's name has from it."""
    return next((column.removeprefix(prefix) for prefix in prefixes if column.startswith(prefix)), column)


def shared_and_own(differs: Iterable[str]) -> tuple[list[str], list[str]]:
    """Separate what all rows of a published table differ in from what only some do. differs: of `published_rows`.

    Returns the shared differences, and the rest of each row as a text.
    """
    rows = [text.split("; ") if text else [] for text in differs]
    shared = [each for each in rows[0] if all(each in others for others in rows)]
    return shared, ["; ".join(each for each in row if each not in shared) for row in rows]


def differences(theirs: PublishedTable, view: str, ours: OwnRun) -> str:
    """Name the differences between a published number's setting and ours, theirs first."""
    pairs = [
        ("dataset", f"{theirs.dataset} {theirs.split}", f"{ours.dataset} {ours.split}"),
        ("protocol", theirs.protocol or UNSTATED, ours.protocol),
        ("view", view or UNSTATED, ours.view),
    ]
    parts = [f"{what} {a} (ours {b})" for what, a, b in pairs if not agree(a, b)]
    if ours.images != ours.of:
        parts.append(f"all images (ours {ours.images} of {ours.of})")
    if ours.void != "ignored":
        parts.append(f"void ignored (ours {ours.void})")
    return "; ".join(parts)


def agree(theirs: str, ours: str) -> bool:
    """Whether two values are the same, or theirs is our window without a stride."""
    window, _, stride = ours.rpartition("-")
    return theirs == ours or (theirs.startswith("slide-") and theirs == window and stride.isdigit())
