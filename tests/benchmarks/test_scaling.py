"""The simulation of a run's stages: what follows by hand where it does, and its limits elsewhere."""

import pytest

from benchmarks.pipeline_page import markdown
from benchmarks.pipeline_scaling import Stages, seconds_of_claims, seconds_of_run
from robustbench_seg.measure.workers import PREFETCH

EQUAL = Stages([0.3] * 100, take=0.01, show=0.1)


def test_without_workers_all_stages_follow_each_other() -> None:
    assert seconds_of_run(EQUAL, 0, 1) == pytest.approx(100 * 0.4)


def test_with_enough_cores_the_slowest_stage_decides() -> None:
    assert seconds_of_run(EQUAL, 1, 2) == pytest.approx(100 * 0.3 + 0.11)  # the last image is shown alone
    assert seconds_of_run(EQUAL, 2, 3) == pytest.approx(100 * 0.15 + 2 * 0.11)  # two at once
    for workers in (8, 64):
        assert seconds_of_run(EQUAL, workers, workers + 1) == pytest.approx(
            0.3 + 100 * 0.11
        )  # the first one is waited for


def test_on_one_core_nothing_is_gained() -> None:
    for workers in (1, 2, 4):
        assert seconds_of_run(EQUAL, workers, 1) == pytest.approx(100 * 0.41)


def test_two_cores_are_never_idle_while_there_is_work() -> None:
    assert 100 * 0.41 / 2 <= seconds_of_run(EQUAL, 2, 2) <= 100 * 0.41 / 2 + 0.41


def test_a_slow_image_is_waited_for_as_far_as_its_followers_may_be_ahead() -> None:
    stages = Stages([10.0, *[0.1] * 99], take=0.0, show=1.0)
    ahead = 2 * PREFETCH  # prepared when the slow one comes
    assert seconds_of_run(stages, 2, 3) == pytest.approx(10 + 100)
    assert ahead * 0.1 < 10


def test_a_gpu_shows_images_while_the_next_are_taken_over() -> None:
    for workers in (8, 64):  # enough of them: the GPU is at work from the first image on
        assert seconds_of_run(EQUAL, workers, workers + 1, 48) == pytest.approx(0.3 + 0.01 + 100 * 0.1)
    assert seconds_of_run(EQUAL, 1, 2, 48) == pytest.approx(100 * 0.3 + 0.11)
    slow_to_take = Stages([0.3] * 100, take=0.2, show=0.1)
    assert seconds_of_run(slow_to_take, 64, 65, 48) == pytest.approx(0.3 + 100 * 0.2 + 0.1)


def test_a_gpu_has_no_more_images_than_allowed() -> None:
    """With one at a time, nothing is taken over while it is at work."""
    assert seconds_of_run(EQUAL, 64, 65, 1) == pytest.approx(0.3 + 100 * 0.11)
    stages = Stages([0.0] * 3 + [5.0], take=0.0, show=1.0)
    assert seconds_of_run(stages, 4, 5, 2) == pytest.approx(6.0)


def test_workers_continue_with_the_next_condition() -> None:
    """A slow condition after a quick one is prepared while the last quick images are shown."""
    stages = Stages([0.0] * 20 + [0.5] * 4, take=0.0, show=0.1)
    assert seconds_of_run(stages, 4, 5, 48) == pytest.approx(20 * 0.1 + 4 * 0.1)


def test_processes_share_sweeps_until_fewer_are_left_than_processes() -> None:
    assert seconds_of_claims([1.0] * 73, 1) == 73
    assert seconds_of_claims([1.0] * 73, 8) == 10  # nine for all, and one for one
    assert seconds_of_claims([1.0] * 73, 64) == 2
    assert seconds_of_claims([3.0, 1.0, 1.0, 1.0], 2) == 3


def test_the_page_states_what_the_samples_give() -> None:
    times = {"prepare": {"clean": 0.1, "fog-3": 0.3}, "give": 0.001, "take": 0.01, "stack": 0.01, "forward": 0.5,
             "show": 0.6}  # fmt: skip
    large = {"size": [128, 192], **times}
    scaling = {"images": 4, "size": [64, 96], "cores": 2, "models": 3, "stages": times, "runs": {"1": 3.0},
               "large": large}  # fmt: skip
    flips = {"images": 4, "size": [64, 96], "pixels": 2_000_000, "flips": {"mix": {"a batch of 4": 1}}}
    memory = {"images": 2000, "size": [64, 96], "mib": [100.0, 101.0, 180.0, 182.5]}
    about = {"commit": "", "machine": "m", "command": "c", "packages": {}, "python": "3", "robustbench_seg": "0",
             "engine_version": 2, "time": "t"}  # fmt: skip
    parts = {"scaling": scaling, "flips": flips, "memory": memory}
    page = markdown({name: {**own, "about": about} for name, own in parts.items()})
    assert "| mix | a batch of 4 | 1 | 0.50 |" in page
    assert "| clean | 100.0 | 101.0 | +1.0 |" in page
    assert "| brightness 3 | 180.0 | 182.5 | +2.5 |" in page
    prepare = [0.101] * 4 + [0.301] * 4
    rate = 3 * 8 / seconds_of_run(Stages(prepare, 0.01, 0.6), 1, 2)
    assert f"| 1 | 3.00 | {rate:.2f} | {rate / 3 - 1:+.0%} |" in page
    assert "20.1 of them for each 100 images/s" in page
    assert "From 50 images/s on, the process of the run is what is waited for" in page
    row = next(line for line in page.splitlines() if line.startswith("| 64 |") and "%" in line)
    assert row.startswith("| 64 | 100 % |")
    assert row.endswith("| 12 % |"), "50 of 400 images/s"
