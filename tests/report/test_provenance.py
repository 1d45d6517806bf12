"""What a report says of the machines behind its numbers, and of what these leave open."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import synthetic
from small import write_suite
from synthetic import write_synthetic

from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.report.sections import sections_of
from robustbench_seg.studies.facts import facts_of, provenance
from robustbench_seg.suites import read_suite

SENTENCE = "Cells were measured with 1 thread and 2 threads: single pixels may differ by that alone."


def windows_smaller(tmp_path: Path, root: Path, *views: dict[str, object]) -> list[str]:
    suite = write_suite(
        tmp_path,
        dataset={"name": "camvid", "split": "test"},
        models=[{"name": "constant"}],
        conditions={},
        gallery=[],
        views=list(views),
    )
    out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    assert not run(read_suite(str(suite)), out, Options(data={"camvid": root}), Listener())
    (section,) = sections_of([out], reference=None)
    return [sentence for sentence in section.limits if "window" in sentence]


def test_a_report_says_how_many_images_are_smaller_than_a_views_windows(tmp_path: Path, camvid_folder: Path) -> None:
    for number, size in enumerate([(40, 64), (64, 40), (64, 80)]):
        for folder, channels in (("test", (3,)), ("testannot", ())):
            cv2.imwrite(str(camvid_folder / folder / f"frame_{number}.png"), np.ones((*size, *channels), np.uint8))
    found = windows_smaller(
        tmp_path,
        camvid_folder,
        {"mode": "whole"},
        {"mode": "slide", "crop": 40, "stride": 32},
        {"mode": "slide", "crop": 64, "stride": 32},
        {"mode": "slide", "crop": 70, "stride": 32},
        {"mode": "slide", "crop": 70, "stride": 32, "scale": [2.0, 1.09]},
    )
    there = "on one side or both; there the window is the image."
    assert found == [
        f"2 of 3 images are smaller than the windows of view slide-64-32, {there}",
        f"3 of 3 images are smaller than the windows of view slide-70-32, {there}",
        f"2 of 3 images are smaller than the windows of view slide-70-32-x2_1.09, {there}",  # 44, 44, 70 pixels
    ]


def test_a_report_of_images_as_large_as_the_windows_has_nothing_to_say_of_them(
    tmp_path: Path, camvid_folder: Path
) -> None:
    assert windows_smaller(tmp_path, camvid_folder, {"mode": "slide", "crop": 40, "stride": 40}) == []


def test_a_report_says_where_cells_that_it_compares_had_other_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 2):
        monkeypatch.setattr(synthetic, "ENVIRONMENT", {**synthetic.ENVIRONMENT, "threads": threads})
        write_synthetic(tmp_path / str(threads), lambda *cell: 0.8, models=[f"m{threads}"], conditions={}, images=12)
    (both,) = sections_of([tmp_path / "1", tmp_path / "2"], pictures=False)
    (one,) = sections_of([tmp_path / "1"], pictures=False)
    assert SENTENCE in both.limits
    assert SENTENCE not in one.limits
    machines = [text for term, text in both.provenance if term == "machine"]
    assert machines == ["none; 1 thread", "none; 2 threads"]


def test_what_commands_and_versions_share_stands_once() -> None:
    run = "robustbench-seg run demo"
    facts = {
        "data": [],
        "commands": [{"command": f"{run} --weights {name}=x --out o"} for name in "ab"] + [{"command": "run b"}],
        "builds": [{"robustbench_seg": "1", "commit": commit, "python": "3"} for commit in ("c", None)],
        "packages": [{"numpy": "2.0", "torch": "2"}, {"numpy": "2.1"}],
        "machines": [{"machine": "A", "threads": None}],
    }
    assert provenance(facts) == [
        ("command", f"`{run} --weights a=x --out o --weights b=x`, 2 times, each with some of these options"),
        ("command", "`run b`"),
        ("code", "robustbench-seg 1, commit c (also unknown), Python 3"),
        ("packages", "numpy 2.0 (also 2.1), torch 2"),
        ("machine", "A"),
    ]


def test_a_report_of_speed_alone_names_machine_and_weights_and_no_data() -> None:
    row = {"environment": json.dumps({"command": "run latency"}), "fingerprint": "", "images": 0, "of": 0}
    row |= {
        "model": "m",
        "checkpoint_sha256": "random-m",
        "licence": "",
        "parameters": 7,
        "about": "",
        "engine_version": 0,
    }
    facts = facts_of(pd.DataFrame([row]))
    assert facts["data"] == []
    assert facts["commands"] == [{"command": "run latency"}]
    assert [weights["model"] for weights in facts["weights"]] == ["m"]
