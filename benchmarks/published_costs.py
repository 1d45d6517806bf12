"""Every count that Xie et al. 2021 publish of SegFormer (Tables 1a, 2 and 7) beside ours.

The paper's figures come from robustbench_seg/studies/published, ours are counted; by hand are only the conventions that
the paper does not state: input sizes, the classes of the head, and the expansions behind Table 7.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import pandas as pd
import torch

from robustbench_seg.studies.published import read_published
from segformer import VARIANTS, MixTransformerClassifier
from segformer.complexity import Complexity, complexity, complexity_as_published

__all__ = ["CLASSES", "HEAD", "INPUTS", "Comparison", "as_published", "compare_with_paper", "written"]

Size = tuple[int, int]  # height and width in pixels

# The input of each data set's FLOPs, and how many classes the paper says the data set has (Section 4.1).
INPUTS = {"ADE20K": (512, 512), "Cityscapes": (1024, 2048), "COCO-Stuff": (512, 512)}
B5_ON_ADE20K = (640, 640)
CLASSES = {"ADE20K": 150, "Cityscapes": 19, "COCO-Stuff": 172}
# The classes of the head that a figure fits: 150, but for these rows of Table 2 on Cityscapes.
HEAD = 150
OTHER_HEADS = {"SegFormer@768 B0": 19, "SegFormer@640 B0": 19, "SegFormer@512 B0": 19, "SegFormer B5": 19}
# Table 7 fits Table 6's expansions at the released depths; released weights have 4 in every stage.
TABLE_6_EXPANSIONS = dict.fromkeys(VARIANTS, (8, 8, 4, 4)) | {"b5": (4, 4, 4, 4)}
IMAGENET_CLASSES, IMAGENET_INPUT = 1000, (224, 224)


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours.

    quantity: the unit of ours and paper, "GMACs" or "M parameters". of: a data set, or a part of the network. classes:
    of the head that ours is counted with. own_head: ours with as many classes as the data set has, where they differ.
    """

    table: str
    row: str
    quantity: str
    of: str
    input: str
    classes: int
    ours: float
    paper: float
    own_head: float | None = None


def compare_with_paper() -> pd.DataFrame:
    """Every count that the paper publishes of SegFormer: Comparison's fields and the difference in %."""
    table = pd.DataFrame([asdict(each) for each in (*table_1a(), *table_2(), *table_7())])
    return table.assign(difference_percent=100 * (table["ours"] / table["paper"] - 1))


def table_1a() -> Iterator[Comparison]:
    """Compare three inputs' FLOPs and the parameters of each variant."""
    for published in rows_of("table1a_variants"):
        row = published["variant"]
        for data, common in INPUTS.items():
            size = B5_ON_ADE20K if (row, data) == ("B5", "ADE20K") else common
            paper = published[f"{data.replace('-', '').lower()}_gflops"]
            yield compare_macs("1a", row, data, size, HEAD, paper)
        encoder, decoder = published["encoder_params_m"], published["decoder_params_m"]
        yield compare_parameters("1a", row, "network", round(encoder + decoder, 1))
        yield compare_parameters("1a", row, "decoder", decoder)


def table_2() -> Iterator[Comparison]:
    """Compare the rows of SegFormer; "SegFormer@768" is an input whose short side is 768."""
    for published in rows_of("table2_main"):
        method, _, side = published["method"].partition("@")
        if method != "SegFormer":
            continue
        row = f"{published['method']} {published['encoder']}"
        if not pd.isna(published["ade20k_gflops"]):
            size = B5_ON_ADE20K if row == "SegFormer B5" else INPUTS["ADE20K"]
            yield compare_macs("2", row, "ADE20K", size, HEAD, published["ade20k_gflops"])
        size = (int(side), 2 * int(side)) if side else INPUTS["Cityscapes"]
        yield compare_macs("2", row, "Cityscapes", size, OTHER_HEADS.get(row, HEAD), published["cityscapes_gflops"])
        yield compare_parameters("2", row, "network", published["params_m"])


def table_7() -> Iterator[Comparison]:
    """Compare the encoders as ImageNet classifiers."""
    for published in rows_of("table7_imagenet"):
        row, size = published["encoder"], IMAGENET_INPUT
        expansions = TABLE_6_EXPANSIONS[row.lower()]
        with torch.device("meta"):
            config = replace(VARIANTS[row.lower()], expansions=expansions, num_classes=IMAGENET_CLASSES)
            cost = complexity(MixTransformerClassifier(config), size)
        head = IMAGENET_CLASSES
        macs, paper = cost.macs / 1e9, published["gflops_224"]
        yield Comparison("7", row, "GMACs", "ImageNet-1K", written(size), head, macs, paper)
        parameters, paper = cost.parameters / 1e6, published["params_m"]
        yield Comparison("7", row, "M parameters", "classifier", "", head, parameters, paper)


def rows_of(table: str) -> list[dict[str, Any]]:
    """The rows of a published table, a number where there is one."""
    return read_published(table).to_dict("records")


def compare_macs(table: str, row: str, data: str, size: Size, head: int, paper: float) -> Comparison:
    """Compare FLOPs of a row whose name ends with the variant's."""
    cost = as_published(row[-2:].lower(), head, size)
    ours, own_head = cost.macs / 1e9, None
    if CLASSES[data] != head:
        per_class = cost.modules["decoder.classify"].macs / head / 1e9
        own_head = ours + (CLASSES[data] - head) * per_class
    return Comparison(table, row, "GMACs", data, written(size), head, ours, paper, own_head)


def compare_parameters(table: str, row: str, part: str, paper: float) -> Comparison:
    """Compare parameters of a row whose name ends with the variant's. part: "network", or a module's path."""
    cost = as_published(row[-2:].lower(), HEAD, INPUTS["ADE20K"])
    parameters = cost.parameters if part == "network" else cost.modules[part].parameters
    return Comparison(table, row, "M parameters", part, "", HEAD, parameters / 1e6, paper)


@cache
def as_published(variant: str, classes: int, size: Size) -> Complexity:
    """Count the paper's own form of a SegFormer."""
    return complexity_as_published(replace(VARIANTS[variant], num_classes=classes), size)


def written(size: Size) -> str:
    """(512, 1024) ─▶ "512x1024"."""
    return f"{size[0]}x{size[1]}"
