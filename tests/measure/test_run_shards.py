"""Shards: every cell is in exactly one, whatever the number; and the variables of Slurm and torchrun."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustbench_seg.corruptions import CORRUPTIONS
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.shards import OTHER_MS, PREPARING_MS, Shard, assign, cost, shard_from
from robustbench_seg.store.cell import CLEAN, LatencyCell, QualityCell
from robustbench_seg.store.view import View

ROOT = Path(__file__).parents[2]
VIEWS = [View(), View.parse("slide-256-128"), View(batchnorm=32)]
Cells = list[QualityCell | LatencyCell]


def quality(model: str, corruption: str, severity: int, view: View, seed: int = 0) -> QualityCell:
    return QualityCell(
        model=model, dataset="d", split="val", corruption=corruption, severity=severity, view=view, precision="fp32",
        seed=seed,
    )  # fmt: skip


def speed(model: str, side: int) -> LatencyCell:
    return LatencyCell(model=model, num_classes=19, height=side, width=side, batch=1, precision="fp32", device="cpu")


@st.composite
def plans(draw: st.DrawFn) -> Cells:
    """Plans as suites make them: models x views x conditions, then speed cells."""
    models = [f"m{k}" for k in range(draw(st.integers(1, 4)))]
    views = draw(st.lists(st.sampled_from(VIEWS), min_size=1, unique=True))
    names = draw(st.lists(st.sampled_from(sorted(CORRUPTIONS)), unique=True, max_size=19))
    severities = {name: range(1, draw(st.integers(1, 5)) + 1) for name in names}
    conditions = [(CLEAN, 0), *((name, severity) for name in names for severity in severities[name])]
    cells: Cells = [quality(model, *condition, view) for model in models for view in views for condition in conditions]
    return cells + [speed(model, 64 * k) for model in models for k in range(1, draw(st.integers(0, 2)) + 1)]


def group(cell: QualityCell | LatencyCell) -> object:
    if isinstance(cell, LatencyCell):
        return cell
    return (cell.condition, None if cell.view.batchnorm is None else cell)


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(1, 70))
def test_every_cell_is_in_one_part_a_sweep_in_one_and_no_part_is_longer_than_it_must_be(cells: Cells, of: int) -> None:
    parts = assign(cells, of)
    assert len(parts) == len(cells)
    assert set(parts) <= set(range(1, of + 1))
    places: dict[object, set[int]] = {}
    for cell, part in zip(cells, parts, strict=True):
        places.setdefault(group(cell), set()).add(part)
    assert {len(some) for some in places.values()} == {1}
    groups: dict[object, Cells] = {}
    for cell in cells:
        if isinstance(cell, QualityCell):
            groups.setdefault(group(cell), []).append(cell)
    costs = {key: cost(some) for key, some in groups.items()}
    for part in set().union(*places.values()):
        own = [costs[key] for key in costs if part in places[key]]
        # Graham 1966: a part gets its last sweep, its shortest, when no part has less to do than it has.
        if own:
            assert sum(own) - min(own) <= (sum(costs.values()) - min(own)) / of + 1e-9
    speeds = [part for cell, part in zip(cells, parts, strict=True) if isinstance(cell, LatencyCell)]
    counts = [speeds.count(part) for part in range(1, of + 1)]
    assert max(counts) - min(counts) <= 1


def test_the_parts_depend_on_the_plan_alone() -> None:
    cells = [quality("m", name, severity, View()) for name in sorted(CORRUPTIONS) for severity in (1, 2, 3)]
    assert assign(cells, 7) == assign(list(cells), 7)
    assert sorted(assign(cells, 7)) != assign(cells, 7)


def test_the_costs_of_corruptions_are_those_of_the_benchmark() -> None:
    page = (ROOT / "benchmarks/results/corruptions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \| \d+ \|", page, re.MULTILINE)
    measured = {name: float(ms) for name, ms in rows if name in CORRUPTIONS}
    assert measured.keys() == PREPARING_MS.keys() - {CLEAN}
    for name, ms in measured.items():
        assert PREPARING_MS[name] == pytest.approx(ms, rel=0.5), name
    assert pytest.approx(sum(PREPARING_MS.values()) / len(measured), abs=1) == OTHER_MS


@pytest.mark.parametrize(("text", "shard"), [("1/1", None), ("all", None), ("2/8", Shard(2, 8)), ("8/8", Shard(8, 8))])
def test_a_shard_is_read(text: str, shard: Shard | None) -> None:
    assert Shard.parse(text) == shard


@pytest.mark.parametrize("text", ["", "0/4", "5/4", "0/0", "1", "1/", "/4", "-1/4", "1/4/2", "a/b", "1.0/4", "²/4"])
def test_another_shard_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--shard takes K/N with K from 1 to N.*, got") as found:
        Shard.parse(text)
    assert "\n" not in str(found.value)


NUMBERS = {"COUNT": "4", "MIN": "10", "MAX": "16", "STEP": "2"}
ARRAY = {f"SLURM_ARRAY_TASK_{name}": value for name, value in NUMBERS.items()}


@pytest.mark.parametrize(
    ("environ", "shard", "names"),
    [
        ({}, None, ""),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None, ""),
        ({"SLURM_STEP_NUM_TASKS": "4"}, None, ""),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, None, ""),  # a batch script, without srun
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"}, None, ""),  # srun --ntasks=1 in it
        ({"SLURM_ARRAY_TASK_ID": "3"}, None, ""),
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_ARRAY_TASK_MIN": "3"}, None, ""),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None, ""),
        ({"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"}, "3/4", "SLURM_PROCID and SLURM_STEP_NUM_TASKS"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "1/2", "RANK and WORLD_SIZE"),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "8"}, "1/8", "SLURM_ARRAY_TASK_ID"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "14"}, "3/4", "SLURM_ARRAY_TASK_ID"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "16", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "3"}, "11/12",
         "SLURM_ARRAY_TASK_ID and SLURM_PROCID and SLURM_STEP_NUM_TASKS"),
        # torchrun on two nodes of Slurm: its ranks count all processes, and Slurm's tasks only the nodes
        ({"RANK": "5", "WORLD_SIZE": "8", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, "6/8",
         "RANK and WORLD_SIZE"),
    ],
)  # fmt: skip
def test_a_task_of_a_scheduler_is_a_shard(environ: dict[str, str], shard: str | None, names: str) -> None:
    found = shard_from(environ)
    assert (found and (str(found[0]), found[1])) == (shard and (shard, names))


def test_the_tasks_of_an_array_of_several_tasks_each_are_all_shards_once() -> None:
    every = [
        shard_from({**ARRAY, "SLURM_ARRAY_TASK_ID": str(task), "SLURM_PROCID": str(rank), "SLURM_STEP_NUM_TASKS": "3"})
        for task in (10, 12, 14, 16)
        for rank in range(3)
    ]
    assert [str(shard) for shard, _ in filter(None, every)] == [f"{k}/12" for k in range(1, 13)]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"SLURM_PROCID": "4", "SLURM_STEP_NUM_TASKS": "4"}, "SLURM_PROCID=4 is not below SLURM_STEP_NUM_TASKS=4"),
        ({"RANK": "x", "WORLD_SIZE": "2"}, "RANK must be a whole number, got 'x'"),
        ({"RANK": "0", "WORLD_SIZE": "2.0"}, "WORLD_SIZE must be a whole number, got '2.0'"),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK must be a whole number, got '-1'"),
        ({"RANK": "1" * 5000, "WORLD_SIZE": "2"}, "RANK must be a whole number, got .1{3}"),
        ({"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "8"}, "SLURM_ARRAY_TASK_MIN must be a whole number, g"),
        ({"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "8"}, "SLURM_ARRAY_TASK_MIN must be a whole number, g"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "13"}, "SLURM_ARRAY_TASK_ID=13: an array must have evenly spaced numbers"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_MAX": "17"}, "evenly spaced .* has 4 from 10 to 17"),
    ],
)
def test_variables_that_contradict_each_other_are_refused_in_one_line(environ: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as found:
        shard_from(environ)
    assert "--shard" in str(found.value)
    assert "\n" not in str(found.value)
