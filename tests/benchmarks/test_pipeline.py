"""The page of benchmarks.pipeline follows from its samples, and sides of other scores end it. Speed is not tested."""

from typing import Any

import pytest

from benchmarks.pipeline_page import markdown
from benchmarks.pipeline_parts import expect_equal, in_turn

ABOUT = {
    "command": "python -m benchmarks.pipeline", "robustbench_seg": "0", "engine_version": 2, "commit": "abc+",
    "python": "3", "packages": {"torch": "2"}, "machine": "none", "time": "now",
}  # fmt: skip


def walls(*seconds: float, **more: Any) -> list[dict[str, Any]]:
    return [{"wall_s": one, **more} for one in seconds]


def test_the_page_has_medians_and_what_they_are_of_the_forward_passes() -> None:
    calls = {"decoded": 4, "corrupted": 28}
    sweep = {
        "sweep": walls(11, 10, 30, cells=24, calls=calls), "single": walls(16, 15, 17), "forward": walls(10, 10, 9),
        "kept": walls(8),
    }  # fmt: skip
    shape = {"size": [64, 96], "images": 4, "conditions": 8, "workers": 0}
    script = {"largest_difference": 0.0004, "clean_difference": 0.00001}
    rates = [{"images_per_s": {"clean": rate, "fog": rate / 2}} for rate in (20, 30, 10)]
    later = ABOUT | {"commit": "def"}
    page = markdown({
        "sweep": {**shape, "about": ABOUT, "baseline": True, "samples": sweep},
        "script": {**shape, **script, "about": ABOUT, "samples": {"run": walls(2.0), "script": walls(9.0)}},
        "glass": {**shape, **script, "about": ABOUT, "with": ", glass",
                  "samples": {"run": walls(2.0), "script": walls(15.0)}},
        "prepare": {**shape, "about": later,
                    "samples": {"0": rates, "2": rates[1:2], "forward": walls(2.0)},
                    "handover": {"cpu_s": {"shared memory": 0.0011, "the pipe": 0.0084}}},
    })  # fmt: skip
    for line in (
        "| run | 11.0 | 10.0 to 30.0 | 1.10 |",
        "| another checkout | 16.0 | 15.0 to 17.0 | 1.60 |",
        "| forward passes alone | 10.0 | 9.0 to 10.0 | 1.00 |",
        "| the same, memory kept | 8.0 | 8.0 to 8.0 | 0.80 |",
        "Counted in a run, not timed: 4 images decoded of 4, 28 corrupted of 28 (7 corruptions).",
        "The script takes 4.5 times as long. On clean images the two mIoU differ by 0.0010 points, under a",
        "under a corruption by up to 0.04, since draws are not the same.",
        "8 conditions, glass",
        "The script takes 7.5 times as long.",
        "| fog | 10.0 | 15.0 |",
        "SegFormer-B0 beside it: 4.0 images/s.",
        "of worker and main process together, 1.1 ms through shared memory and 8.4 ms through the pipe.",
        "commit abc+ (+: with changes)",
        "## Where `sweep`, `script`, `glass` come from",
    ):
        assert line in page
    assert page.index("## Where `prepare` comes from") < page.index("commit def")


def test_sides_take_turns_and_who_goes_first_changes() -> None:
    order: list[str] = []
    samples = in_turn({name: lambda name=name: order.append(name) or {"n": len(order)} for name in "abc"}, 2)
    assert "".join(order) == "abccba"
    assert samples["a"] == [{"n": 1}, {"n": 6}]
    order.clear()
    in_turn({name: lambda name=name: order.append(name) for name in "abc"}, 2, {"b": 1})
    assert "".join(order) == "abcca"


def test_scores_that_differ_end_the_benchmark() -> None:
    assert expect_equal({"a": 0.5}, {"a": 0.25}, None) == 0.25
    assert expect_equal({"a": 0.5}, {"a": 0.5}, 0) == 0
    with pytest.raises(SystemExit, match=r"scores differ by 0\.25"):
        expect_equal({"a": 0.5}, {"a": 0.25}, 0)
    with pytest.raises(SystemExit, match="other cells"):
        expect_equal({"a": 0.5}, {"a": 0.5, "b": 0.5}, 0)
