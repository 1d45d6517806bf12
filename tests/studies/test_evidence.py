"""What is resampled: every metric of the cells that have it."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from counted import random_counts, random_rims, write_cell

from robustbench_seg.store.cell import View
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.frame import quality_frame


def test_of_a_cell_that_is_there_twice_each_metric_comes_from_the_one_that_has_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = random_counts(rng, 5, 3)
    rims = random_rims(rng, counts)
    write_cell(tmp_path / "bare", counts, list("abcde"))
    write_cell(tmp_path / "full", counts, list("abcde"), boundary=rims)
    bare, full = (quality_frame(tmp_path / name) for name in ("bare", "full"))
    for order in ([bare, full], [full, bare]):
        (evidence,) = evidence_of(pd.concat(order))
        assert len(evidence.cells) == 1
        assert set(evidence.scores) == {"miou", "boundary_miou"}
        for metric in evidence.scores:
            assert evidence.metric(metric, "m", View())("clean", 0)[0] == full[metric].item()


def test_one_block_from_two_folders_has_numbers_without_intervals(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids = ["0001TP_008550", "0001TP_008580"]  # CamVid's neighbours, one block
    for model in ("a", "b"):
        counts = random_counts(rng, 2, 3)
        own = {"boundary": random_rims(rng, counts), "model": model, "dataset": "camvid"}
        write_cell(tmp_path / model, counts, ids, **own)
    cells = pd.concat([quality_frame(tmp_path / model) for model in ("a", "b")])
    (evidence,) = evidence_of(cells)
    assert not evidence.resamples
    for model, expected in zip(cells["model"], cells["boundary_miou"], strict=True):
        number = evidence.interval(evidence.metric("boundary_miou", model, View())("clean", 0))
        assert number.estimate == expected
        assert np.isnan(number.low)
    assert evidence.pairs() == []
    assert evidence.differences(lambda title: {"x": np.ones(1)}, (View(),)) == {}


def test_all_pairs_of_four_arms_are_compared_and_of_five_those_with_the_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frames = []
    for model in (
        "other",
        *(f"segformer-{arm}" for arm in ("plain-s0", "mix-s0", "learned-s0", "learned-s1")),
        "fifth",
    ):
        write_cell(tmp_path / model, random_counts(rng, 4, 3), list("abcd"), model=model)
        frames.append(quality_frame(tmp_path / model))
    (four,), (five,) = (evidence_of(pd.concat(some)) for some in (frames[:-1], frames))
    arms = ["segformer-mix", "segformer-learned", "other", "segformer-plain"]
    assert {frozenset(pair) for pair in four.pairs()} == {frozenset(pair) for pair in combinations(arms, 2)}
    assert four.pairs()[0] == ("segformer-mix", "segformer-learned"), "a control comes after the arms of the claim"
    assert {frozenset(pair) for pair in five.pairs()} == {frozenset({arms[0], arm}) for arm in (*arms[1:], "fifth")}
