"""The table of data sets in docs/datasets.md, made from what each makes of a small tree in its layout."""

from pathlib import Path

import pytest
from street_trees import TREES

from robustbench_seg.datasets import DATASETS, open_dataset

DOCS = Path(__file__).parents[2] / "docs/datasets.md"
BEGIN, END = "<!-- made by tests/datasets/test_driving_docs.py -->\n", "<!-- end -->\n"
# What no source that could be read states.
UNVERIFIED = {
    "acdc": "`..._labelIds.png`; sizes of the splits (400, 100 or 106, 500 of each condition); that test labels are "
    "not given out",
    "dark_zurich": "the folders below `val`; 50 images",
    "nighttime_driving": "50 images",
    "foggy_cityscapes": "nothing of the layout",
    "bdd100k": "which JSON files hold the attributes of which of the 10K images",
    "idd": "`..._labelids.png`; that a second part has JPEG",
    "wilddash2": "4,256 images; whether the archive has `labels/` next to `panoptic/`",
    "mapillary": "nothing of the layout; the class map is a choice (see below)",
    "voc": "the layout",
    "gta5": "the layout; id 34; which two labels are of another size",
}


def made(root: Path) -> str:
    """The table's text."""
    lines = [
        "| in a suite | an image, and its label | classes | splits | conditions | from memory or a guess |",
        "|:--|:--|--:|:--|:--|:--|",
    ]
    for name, tree in TREES.items():
        dataset = open_dataset(name, tree(root / name))
        image, label = (f"`{path.relative_to(root / name)}`" for path in dataset.pairs[dataset.ids[0]])
        splits = ", ".join(f"`{split}`" for split in dataset.splits if "ref" not in split and not is_part(split))
        conditions = ", ".join(dict.fromkeys(one.rpartition("/")[0] for one in dataset.ids if "/" in one))
        source = f"`{{name: {name}, split: {dataset.split}}}`"
        places = f"{image}<br>{label} | {len(dataset.class_names)}"
        lines.append(f"| {source} | {places} | {splits} | {conditions} | {UNVERIFIED[name]} |")
    return "\n".join(lines) + "\n"


def is_part(split: str) -> bool:
    """Whether it is a part of another split by its condition."""
    return split.endswith(("-fog", "-night", "-rain", "-snow"))


def test_the_table_is_what_the_data_sets_do(tmp_path: Path) -> None:
    before, _, rest = DOCS.read_text("utf-8").partition(BEGIN)
    table, _, _ = rest.partition(END)
    assert table == made(tmp_path), "put this into docs/datasets.md"
    assert before


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_in_the_docs(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text("utf-8") or f"name: {name}," in DOCS.read_text("utf-8") or name == "folder"
