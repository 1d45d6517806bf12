import json

from robustbench_seg.studies.machines import differing_machines

HERE = {"machine": "A, 2 cores", "threads": 2, "packages": {"torch": "2.14.1", "pandas": "2"}, "commit": "a"}


def sentence(*environments: dict[str, object]) -> str:
    return differing_machines(map(json.dumps, environments))


def test_the_same_machine_threads_and_libraries_are_not_worth_a_word() -> None:
    assert sentence(HERE, HERE) == sentence() == ""
    assert sentence(HERE, {**HERE, "commit": "b", "packages": {"torch": "2.14.1", "pandas": "3"}}) == ""


def test_each_difference_is_named_once() -> None:
    other = {**HERE, "machine": "B, 8 cores", "threads": 1, "packages": {"torch": "2.15.0"}}
    assert sentence(HERE, other, other, HERE) == (
        "Cells were measured with A, 2 cores and B, 8 cores; 1 thread and 2 threads; torch 2.14.1 and torch 2.15.0: "
        "single pixels may differ by that alone."
    )


def test_parts_that_a_record_lacks_are_not_compared() -> None:
    assert sentence(HERE, {**HERE, "threads": None, "packages": {}}, {}) == ""
