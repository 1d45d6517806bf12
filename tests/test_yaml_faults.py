"""Faults of YAML files are in YAML's words, and name the place, the value and what is allowed."""

from pathlib import Path
from typing import Any

import pytest

from robustbench_seg.datasets.folder_spec import FolderSpec
from robustbench_seg.errors import UsageError
from robustbench_seg.suites import Suite
from robustbench_seg.training.recipe import Recipe
from robustbench_seg.yaml_faults import in_yaml
from robustbench_seg.yaml_files import parse_yaml, validated

SUITE = {"name": "s", "description": "d", "dataset": {"name": "streets", "split": "val"}}
FOLDER = {"images": "i", "labels": "l", "classes": ["road", "sky"]}
PAIR = {"arms": ["a", "b"], "quantity": "clean"}


def fault(kind: Any, content: Any) -> str:
    with pytest.raises(UsageError) as error:
        validated(content, kind, "mine.yaml")
    message = str(error.value)
    assert message.startswith("mine.yaml: ")
    assert "\n" not in message
    assert not any(word in message for word in ("Input", "valid ", "Tuple", "dictionary", "None", "inputs"))
    return message.removeprefix("mine.yaml: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocl": "fan"}, "protocl: unknown field, got 'fan'; the nearest is protocol"),
        ({"colour": None}, "colour: unknown field, got null; known: name, description, models, "),
        ({"name": 3}, """name: must be a text, as "3", got 3"""),
        ({"name": "a b"}, "name: a name has up to 64 letters, digits, dots, hyphens and underscores, got 'a b'"),
        ({"description": None}, "description: must be a text, got null"),
        ({"limits": [True]}, """limits.0: must be a text, as "true", got true"""),
        ({"limits": "x"}, "limits: must be a list, got 'x'"),
        ({"dataset": "streets"}, "dataset: must be a mapping with name and split, got 'streets'"),
        ({"dataset": {"name": "streets"}}, "dataset.split: is missing"),
        ({"conditions": {3: [1]}, "protocol": "x"}, """conditions.3: as a key it must be a text, as "3", got 3"""),
        ({"conditions": {"fog": [1.5]}, "protocol": "x"}, "conditions.fog.0: must be a whole number, got 1.5"),
        ({"models": [3]}, "models.0: a model is its source, such as hf:FOLDER, or a mapping of its fields, got 3"),
        (
            {"models": [{"name": "constant", "wieghts": "x"}]},
            "models.0.wieghts: unknown field, got 'x'; the nearest is ",
        ),
        (
            {"models": [{"name": "constant", "classes": {"road": 3}}]},
            """models.0.classes.road: must be a text, as "3", got 3""",
        ),
        (
            {"models": [{"name": "constant", "classes": 3}]},
            """models.0.classes: must be a mapping or a text, as "3", got 3""",
        ),
        ({"views": [{"crp": 3}]}, "views.0: unknown field 'crp' of a view; the nearest is crop"),
        ({"views": [{"scale": "x"}]}, "views.0: view scale must be a number, or several, got 'x'"),
        ({"views": [{"scale": True}]}, "views.0: view scale must be a number, or several, got True"),
        ({"views": []}, "views: must have 1 or more, got []"),
        ({"batchnorm": "fresh"}, "batchnorm: must be 'stored' or 'reestimated', got 'fresh'"),
        ({"margin": float("nan")}, "margin: must be a finite number, got .nan"),
        ({"margin": 101}, "margin: must be 100 or less, got 101"),
        ({"primary": [{**PAIR, "arms": ["a"]}]}, "primary.0.arms: must have 2 values, got ['a']"),
        (
            {"latency": {"size": [[64, 64]]}},
            "latency.size: unknown field, got [[64, 64]]; the nearest is sizes (and 1 more)",
        ),
        ({"latency": {"sizes": [[64]]}}, "latency.sizes.0: must have 2 values, got [64]"),
    ],
)
def test_a_fault_of_a_suite_is_in_yamls_words(change: dict[str, Any], message: str) -> None:
    assert fault(Suite, SUITE | change).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clases": ["a"]}, "clases: unknown field, got ['a']; the nearest is classes"),
        ({"palette": [[1, 2, 300]]}, "palette.0.2: must be 255 or less, got 300"),
        ({"palette": [[1, 2]]}, "palette.0: must have 3 values, got [1, 2]"),
        ({"shows_images": "perhaps"}, "shows_images: must be true or false, got 'perhaps'"),
        ({"splits": {"val": None}}, "splits: val must be a list file or a share of 0 .. 1, got null"),
    ],
)
def test_a_fault_of_a_description_is_in_yamls_words(change: dict[str, Any], message: str) -> None:
    assert fault(FolderSpec, FOLDER | change) == message


@pytest.mark.parametrize("content", [None, ["a"], "text"])
def test_a_file_that_is_no_mapping_is_told_what_it_needs(content: Any) -> None:
    assert fault(FolderSpec, content) == f"must be a mapping with images, labels and classes, got {in_yaml(content)}"
    assert fault(Suite, content) == f"must be a mapping with name and description, got {in_yaml(content)}"


def test_a_field_that_is_misspelt_comes_before_those_that_are_missing() -> None:
    content = {"images": "i", "labls": "l", "classes": ["a"]}
    assert fault(FolderSpec, content) == "labls: unknown field, got 'l'; the nearest is labels (and 1 more)"
    assert fault(Recipe, {"modl": "segformer-b0"}).startswith(
        "modl: unknown field, got 'segformer-b0'; the nearest is model ("
    )


@pytest.mark.parametrize(
    "value", [None, True, 3, 1.5, "text", "3", float("inf"), float("-inf"), ["a", [1]], {"a": None, 3: False}]
)
def test_a_value_is_written_as_yaml_reads_it(value: Any) -> None:
    assert parse_yaml(in_yaml(value)) == value


def test_an_own_view_with_a_fault_names_its_file(tmp_path: Path) -> None:
    from robustbench_seg.suites import read_suite

    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: s\ndescription: d\ndataset: {name: streets, split: val}\nviews: [{mode: whole, flp: true}]\n"
    )
    with pytest.raises(UsageError) as error:
        read_suite(str(path))
    assert str(error.value) == f"{path}: views.0: unknown field 'flp' of a view; the nearest is flip"
