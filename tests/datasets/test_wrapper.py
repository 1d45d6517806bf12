"""A data set around another one is the other one, in all that a data set has, except how it loads a sample."""

from collections.abc import Sequence
from inspect import get_annotations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustbench_seg.datasets.base import Dataset, Inspection, Sample, Survey
from robustbench_seg.datasets.in_memory import InMemory

INSPECTION = Inspection("a", (1, 2), np.zeros(2, np.int64))


class Other(Dataset):
    """A data set in which everything differs from the defaults of `Dataset`."""

    name, split, splits = "other", "here", ("here", "there")
    class_names, palette = ("road",), ((1, 2, 3),)
    shows_images, synthetic, notes, cautions, block_pattern = False, True, ("a note",), ("a caution",), "^a"
    ids, total = ("a", "b"), 9

    def choose(self, split: str) -> None:
        self.split = f"{split}, chosen"

    def load(self, image_id: str) -> Sample:
        return Sample(image_id, np.zeros((1, 2, 3), np.uint8), np.zeros((1, 2), np.uint8))

    def files(self, image_id: str) -> tuple[Path, ...]:
        return (Path(image_id),)

    def fingerprint(self, ids: Sequence[str]) -> str:
        return f"of {len(ids)}"

    def survey(self, ids: Sequence[str]) -> Survey:
        return Survey("surveyed", tuple(ids))

    def inspect(self, image_id: str) -> Inspection:
        return INSPECTION

    def inspections(self, ids: Sequence[str]) -> Any:
        return [INSPECTION for _ in ids]

    def describe(self, image_id: str) -> str:
        return f"image {image_id}"

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        return ("block",) * len(ids)

    @staticmethod
    def groups(ids: Sequence[str]) -> tuple[str, ...]:
        return ("group",) * len(ids)


ARGUMENTS: dict[str, Any] = dict.fromkeys(("files", "describe", "inspect"), "a") | {
    name: ["a", "b"] for name in ("fingerprint", "survey", "inspections", "blocks", "groups")
}
PUBLIC = {name for name in {*dir(Dataset), *get_annotations(Dataset)} if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(PUBLIC - {"choose", "load"}))
def test_what_a_data_set_has_is_passed_on(name: str) -> None:
    assert name in vars(Other), "a new attribute of Dataset needs a value here that differs from its default"
    other = Other()
    value, expected = getattr(InMemory(other), name), getattr(other, name)
    if name in ARGUMENTS:
        value, expected = value(ARGUMENTS[name]), expected(ARGUMENTS[name])
    assert value == expected


def test_a_split_is_chosen_in_both() -> None:
    other = Other()
    around = InMemory(other)
    around.choose("there")
    assert around.split == other.split == "there, chosen"
