"""A suite as a plan: the cells that it asks for, before and after their keys are known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small import write_suite

from robustbench_seg.errors import UsageError
from robustbench_seg.files import canonical_json
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.suites import expand, read_suite

REPORTS = Path(__file__).parents[2] / "reports"
LATENCY = {"sizes": [[32, 64], [64, 64]], "batches": [1, 3]}


def test_cells_are_each_model_in_each_view_under_each_condition_then_the_speed_cells(tmp_path: Path) -> None:
    suite = read_suite(str(write_suite(tmp_path, latency=LATENCY, seed=4, metrics=["boundary"])))
    cells = expand(
        suite, {"a": "cpu", "b": "cuda"}, precision="bf16", num_classes={"a": 7, "b": 8}, images=6
    ).to_measure()
    expected = []
    for model in ("a", "b"):
        for view in ("whole", "slide-64-32"):
            for condition in ("clean", "gaussian_noise-1", "gaussian_noise-3", "contrast-2"):
                expected.append(("quality", f"{model}-streets-{condition}-{view}"))
    for model, device in (("a", "cpu"), ("b", "cuda")):
        for size in ("32x64", "64x64"):
            for batch in (1, 3):
                expected.append(("latency", f"{model}-{size}-b{batch}-bf16-{device}"))
    assert [(cell.kind, cell.slug) for cell in cells] == expected
    assert {cell.precision for cell in cells} == {"bf16"}
    assert {(cell.split, cell.seed, cell.metrics) for cell in cells if cell.kind == "quality"} == {
        ("test", 4, ("boundary",))
    }
    assert {(cell.model, cell.num_classes) for cell in cells if cell.kind == "latency"} == {("a", 7), ("b", 8)}


@pytest.mark.parametrize("folder", ["camvid-c", "camvid-resolution", "streets-c"])
def test_a_shipped_suite_still_has_the_plan_of_its_committed_store(folder: str) -> None:
    plans = [json.loads(path.read_text()) for path in (REPORTS / folder / "plans").glob("*.json")]
    stored = max(plans, key=lambda plan: str(plan["written"]))
    del stored["written"]
    suite = read_suite(folder)
    assert suite.dataset is not None
    assert set(stored["views"]) <= {view.label for view in suite.views}  # other views may be in stores of their own
    suite = suite.model_copy(update={"views": tuple(map(View.parse, stored["views"]))})
    end = f"-{suite.dataset.name}-clean-{stored['views'][0]}"
    models = [cell["slug"].removesuffix(end) for cell in stored["cells"] if cell["slug"].endswith(end)]
    plan = expand(suite, dict.fromkeys(models, "cpu"), images=stored["images"])
    keyed = plan.with_keys(cell["key"] for cell in stored["cells"])
    texts = {"description": stored["description"], "limits": tuple(stored["limits"])}  # which may be worded anew
    content = replace(keyed, **texts).to_dict()
    newer = {name: content.pop(name) for name in ("primary", "margin") if name not in stored}
    assert canonical_json(content) == canonical_json(stored)
    assert newer.get("primary", True), "the suite names primary comparisons since"


def test_a_plan_without_keys_is_not_stored_and_one_from_a_store_has_names_alone(tmp_path: Path) -> None:
    plan = expand(read_suite(str(write_suite(tmp_path))), {"a": "cpu"})
    store = Store(tmp_path / "out")
    with pytest.raises(UsageError, match="key must be 32 hexadecimal digits, got ''"):
        store.write_plan(plan)
    assert not store.plans()
    keyed = plan.with_keys(f"{k:032x}" for k in range(len(plan.cells)))
    store.write_plan(keyed)
    (read,) = store.plans()
    assert read.cells == keyed.cells
    with pytest.raises(ValueError, match="has only the names of its cells"):
        read.to_measure()


def test_each_cell_gets_one_key(tmp_path: Path) -> None:
    plan = expand(read_suite(str(write_suite(tmp_path))), {"a": "cpu"})
    with pytest.raises(ValueError, match="shorter"):
        plan.with_keys(["0" * 32])
    with pytest.raises(UsageError, match="keys must differ"):
        plan.with_keys(["0" * 32] * len(plan.cells))
