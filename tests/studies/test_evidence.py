"""What is resampled: every metric of the cells that have it."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import random_counts, random_rims, write_cell

from robustbench_seg.store.plan import Comparison
from robustbench_seg.store.view import View
from robustbench_seg.studies.evidence import Evidence, Quantities, evidence_of
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


def test_all_pairs_of_five_arms_are_compared_and_of_six_those_with_the_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frames = []
    for model in (
        "other",
        *(f"segformer-{arm}" for arm in ("plain-s0", "mix-learned-s0", "mix-s0", "learned-s0", "learned-s1")),
        "sixth",
    ):
        write_cell(tmp_path / model, random_counts(rng, 4, 3), list("abcd"), model=model)
        frames.append(quality_frame(tmp_path / model))
    (five,), (six,) = (evidence_of(pd.concat(some)) for some in (frames[:-1], frames))
    arms = ["segformer-mix", "segformer-learned", "other", "segformer-plain", "segformer-mix-learned"]
    assert {frozenset(pair) for pair in five.pairs()} == {frozenset(pair) for pair in combinations(arms, 2)}
    assert five.pairs()[0] == ("segformer-mix", "segformer-learned"), "a control comes after the arms of the claim"
    assert {frozenset(pair) for pair in six.pairs()} == {frozenset({arms[0], arm}) for arm in (*arms[1:], "sixth")}


def test_any_statistic_is_one_of_each_drive_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    ids = [f"0001TP_{k:06d}" for k in range(0, 30 * 90, 30)] + [f"Seq05VD_f{k:05d}" for k in range(0, 30 * 90, 30)]
    counts = {model: random_counts(rng, len(ids), 3) for model in ("a", "b")}
    for model, own in counts.items():
        write_cell(tmp_path / model, own, ids, model=model, dataset="camvid")
    (evidence,) = evidence_of(pd.concat([quality_frame(tmp_path / model) for model in counts]))
    assert evidence.groups == ("0001TP", "Seq05VD")
    assert evidence.blocks == 12

    def by_hand(model: str, part: slice) -> float:
        intersection, predicted, labelled = (values[part].sum(axis=0) for values in counts[model])
        return float(np.mean(intersection / (predicted + labelled - intersection)))

    drives = {"0001TP": slice(0, 90), "Seq05VD": slice(90, 180)}
    expected = {model: {drive: by_hand(model, part) for drive, part in drives.items()} for model in counts}
    for model in counts:
        draws = evidence.miou(model, View())("clean", 0)
        assert evidence.by_group(draws) == pytest.approx(expected[model])
        assert draws[0] == pytest.approx(by_hand(model, slice(None)))
    differences = evidence.differences(lambda title: {"x": evidence.miou(title, View())("clean", 0)}, (View(),))
    assert differences["a", "b", "x"].by_group == pytest.approx(
        {drive: expected["a"][drive] - expected["b"][drive] for drive in drives}
    )


def test_images_of_one_drive_have_no_groups(tmp_path: Path) -> None:
    write_cell(
        tmp_path, random_counts(np.random.default_rng(4), 2, 3), ["0001TP_000030", "0001TP_000900"], dataset="camvid"
    )
    (evidence,) = evidence_of(quality_frame(tmp_path))
    assert evidence.groups == ()
    assert evidence.by_group(evidence.miou("m", View())("clean", 0)) == {}


def test_the_same_weights_under_two_names_are_one_run_of_an_arm(tmp_path: Path) -> None:
    rng, ids = np.random.default_rng(4), [f"i{k}" for k in range(12)]
    own = [random_counts(rng, 12, 3) for _ in range(4)]
    runs = {"a-s0": 0, "a-s1": 1, "b-s0": 2, "b-s1": 3}

    def evidence_with(copies: dict[str, int], folder: Path) -> Evidence:
        for model, number in (runs | copies).items():
            write_cell(folder, own[number], ids, model=model, checkpoint_sha256=str(number) * 64)
        (evidence,) = evidence_of(quality_frame(folder))
        return evidence

    def clean(evidence: Evidence) -> Quantities:
        return lambda title: {"clean": evidence.miou(title, View())("clean", 0)}

    alone, copied = evidence_with({}, tmp_path / "1"), evidence_with({"a-s2": 0, "a-s3": 0}, tmp_path / "2")
    (one,), (two,) = (each.differences(clean(each), (View(),)).values() for each in (alone, copied))
    assert two == one
    means = [next(entry for entry in each.entries(clean(each)) if entry.arm == "a") for each in (alone, copied)]
    assert means[1].values["clean"][0] == means[0].values["clean"][0]
    assert [(mean.run, mean.models) for mean in means] == [("mean of 2", ["a-s0", "a-s1"])] * 2
    assert copied.intervals(means[1], "clean") == alone.intervals(means[0], "clean")
    listed = [entry.name for entry in copied.entries(clean(copied)) if entry.arm == "a"]
    assert listed == ["a (mean of 2)", "a-s0", "a-s1", "a-s2", "a-s3"]
    assert sum(entry.compared for entry in copied.entries(clean(copied))) == 2
    only = evidence_with({"c-s0": 0, "c-s1": 0}, tmp_path / "3")
    assert [entry.name for entry in only.arm_entries(clean(only))][-1] == "c (mean of 1)"


def test_holms_number_is_that_of_all_primary_comparisons_where_some_are_left_out(tmp_path: Path) -> None:
    ids = [f"i{k}" for k in range(12)]
    for number, model in enumerate(("a-s0", "a-s1", "a-s2", "b-s0", "b-s1", "b-s2")):
        labelled = np.full((12, 3), 1000)
        right = labelled - 300 - 10 * (number % 3) - (30 if model.startswith("b") else 0) - np.arange(12)[:, None]
        write_cell(tmp_path, (right, labelled, labelled), ids, model=model, checkpoint_sha256=str(number) * 64)
    cells = quality_frame(tmp_path)
    named, *others = (Comparison(arms=("a", "b"), quantity=name) for name in ("clean", "mean", "retention"))

    def p_with(*primary: Comparison) -> float:
        (evidence,) = evidence_of(cells, primary=primary)
        part = replace(evidence, primary=[named])
        (each,) = part.differences(lambda title: {"clean": part.miou(title, View())("clean", 0)}, (View(),)).values()
        assert each.primary
        return each.p_over_runs

    alone = p_with(named)
    assert 0 < alone < 1 / 3
    assert [p_with(named, others[0]), p_with(named, *others)] == pytest.approx([2 * alone, 3 * alone])


def test_seeds_next_to_a_model_with_the_name_of_their_arm_have_their_mean(tmp_path: Path) -> None:
    """As own weights next to released ones."""
    rng, ids = np.random.default_rng(5), [f"i{k}" for k in range(12)]
    for number, model in enumerate(("a", "a-s0", "a-s1")):
        write_cell(tmp_path, random_counts(rng, 12, 3), ids, model=model, checkpoint_sha256=str(number) * 64)
    (evidence,) = evidence_of(quality_frame(tmp_path))
    entries = evidence.entries(lambda title: {"clean": evidence.miou(title, View())("clean", 0)})
    scores = {entry.name: entry.values["clean"][0] for entry in entries}
    assert list(scores) == ["a", "a (seeds) (mean of 2)", "a-s0", "a-s1"]
    assert scores["a (seeds) (mean of 2)"] == pytest.approx((scores["a-s0"] + scores["a-s1"]) / 2)
    assert [entry.name for entry in entries if entry.compared] == ["a", "a (seeds) (mean of 2)"]
