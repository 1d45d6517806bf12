"""Worst images: rankings next to counts made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import random_counts, random_rims, write_cell

from robustbench_seg.errors import UsageError
from robustbench_seg.studies.counts import blocks_in
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.worst import ImageScores, image_scores, metric_of
from robustbench_seg.wording import MISSING

IDS = ("a", "b", "c")
LABELLED = np.array([[100, 50, 0], [100, 0, 20], [100, 0, 0]])  # of three classes
CONDITIONS = {"fog": (1, 2), "snow": (3,)}


def write(folder: Path, model: str, condition: tuple[str, int], hits: list[list[int]]) -> None:
    """Write a cell in which a pixel that is wrong is predicted as the next class."""
    hit = np.array(hits)
    miss = LABELLED - hit
    predicted = hit + np.roll(miss, 1, axis=1)
    write_cell(folder, (hit, predicted, LABELLED), IDS, condition, model=model)


def iou(hits: list[int], k: int) -> float:
    """mIoU^I of an image, by hand: over the classes in its label."""
    miss = [LABELLED[k, c] - hits[c] for c in range(3)]
    each = [hits[c] / (LABELLED[k, c] + miss[c - 1]) for c in range(3) if LABELLED[k, c]]
    return sum(each) / len(each)


HITS = {
    ("clean", 0): [[100, 50, 0], [90, 0, 10], [100, 0, 0]],
    ("fog", 1): [[80, 40, 0], [90, 0, 0], [60, 0, 0]],
    ("fog", 2): [[70, 0, 0], [0, 0, 0], [50, 0, 0]],
    ("snow", 3): [[10, 5, 0], [40, 0, 10], [90, 0, 0]],
}


def scores_of(folder: Path, models: str = "mn") -> ImageScores:
    frame = quality_frame(folder)
    frame = frame[frame["model"].str[0].isin([*models])].assign(title=frame["model"])
    scores = image_scores(frame, blocks_in(frame), CONDITIONS)
    assert scores is not None
    return scores


@pytest.fixture
def one(tmp_path: Path) -> ImageScores:
    for condition, hits in HITS.items():
        write(tmp_path, "m", condition, hits)
    return scores_of(tmp_path)


def test_images_are_ranked_by_the_mean_over_corruptions_of_means_over_severities(one: ImageScores) -> None:
    by_hand = {
        name: ((iou(HITS["fog", 1][k], k) + iou(HITS["fog", 2][k], k)) / 2 + iou(HITS["snow", 3][k], k)) / 2
        for k, name in enumerate(IDS)
    }
    table = one.images(10).set_index("image")
    assert table["corrupted"].to_dict() == pytest.approx(by_hand)
    assert list(table.index) == sorted(IDS, key=by_hand.__getitem__)
    assert table["clean"].to_dict() == pytest.approx({name: iou(HITS["clean", 0][k], k) for k, name in enumerate(IDS)})
    assert table["condition"].to_dict() == {"a": "snow 3", "b": "fog 2", "c": "fog 2"}
    assert table.loc["b", "worst"] == 0
    assert list(one.images(1)["image"]) == [min(IDS, key=by_hand.__getitem__)]


def test_pairs_are_ranked_by_their_score_and_name_the_classes_that_are_lost(one: ImageScores) -> None:
    table = one.failures(100)
    assert len(table) == 12
    assert (np.diff(table["score"]) >= 0).all()
    first = table.iloc[0]
    assert (first["image"], first["condition"], first["score"], first["lost"]) == ("b", "fog 2", 0, "class 0, class 2")
    lost = {(row.image, row.condition): row.lost for row in table.itertuples()}
    assert lost["a", "fog 2"] == "class 1"
    assert lost["b", "fog 1"] == "class 2"
    assert {pair for pair, names in lost.items() if names == "none"} == lost.keys() - {
        ("a", "fog 2"), ("b", "fog 2"), ("b", "fog 1"),
    }  # fmt: skip


def test_of_several_models_the_score_is_the_mean_and_lost_is_what_all_lose(tmp_path: Path) -> None:
    for condition, hits in HITS.items():
        write(tmp_path, "m", condition, hits)
        write(tmp_path, "n-s0", condition, [[row[0], 50 if k == 0 else 0, row[2]] for k, row in enumerate(hits)])
        write(tmp_path, "n-s1", condition, [[row[0], 50 if k == 0 else 0, row[2]] for k, row in enumerate(hits)])
    scores = scores_of(tmp_path)
    assert list(scores.scores) == ["m", "n"], "runs are one arm"
    table = scores.failures(100).set_index(["image", "condition"])
    both = (iou([70, 0, 0], 0) + iou([70, 50, 0], 0)) / 2
    assert table.loc[("a", "fog 2"), "score"] == pytest.approx(both)
    assert table.loc[("a", "fog 2"), "lost"] == "none", "n does not lose class 1"
    parts = scores.partings(10)
    assert list(parts["image"]) == ["a"], "on the others the two are equal"
    assert tuple(parts.iloc[0][["better", "worse"]]) == ("n", "m")
    gap = np.mean([np.mean([iou([80, 50, 0], 0) - iou([80, 40, 0], 0), iou([70, 50, 0], 0) - iou([70, 0, 0], 0)]),
                   iou([10, 50, 0], 0) - iou([10, 5, 0], 0)])  # fmt: skip
    assert parts.iloc[0]["better_score"] - parts.iloc[0]["worse_score"] == pytest.approx(gap)
    assert not len(scores_of(tmp_path, "m").partings(10))


def test_only_conditions_that_all_models_have_count_and_the_note_states_how_many(tmp_path: Path) -> None:
    for condition, hits in HITS.items():
        write(tmp_path, "m", condition, hits)
        if condition != ("fog", 2):
            write(tmp_path, "n", condition, hits)
    scores = scores_of(tmp_path)
    assert scores.conditions == {"fog": (1,), "snow": (3,)}
    assert "Of 2 of 3 conditions, those that all models have." in scores.note
    frame = quality_frame(tmp_path)
    split = frame[(frame["model"] == "m") != (frame["corruption"] == "clean")].assign(title=frame["model"])
    assert image_scores(split, blocks_in(split), {"fog": (2,)}) is None


def test_without_the_clean_cells_of_all_models_it_is_not_known_which_classes_are_lost_there(tmp_path: Path) -> None:
    for condition, hits in HITS.items():
        write(tmp_path, "m", condition, hits)
        if condition != ("clean", 0):
            write(tmp_path, "n", condition, hits)
    for models in ("n", "mn"):
        scores = scores_of(tmp_path, models)
        assert set(scores.images(3)["lost"]) == {MISSING}
        assert "class 1" in set(scores.failures(9)["lost"])


def test_without_corruptions_clean_images_are_ranked_and_images_without_labels_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = random_counts(rng, 12, 4)
    counts = tuple(np.where(np.arange(12)[:, None] == 5, 0, values) for values in counts)
    rims = random_rims(rng, counts)
    write_cell(tmp_path, counts, [f"i{k}" for k in range(12)], ("clean", 0), boundary=rims)
    frame = quality_frame(tmp_path).assign(title="m")
    scores = image_scores(frame, blocks_in(frame), {})
    table = scores.images(100)
    assert list(table) == ["image", "clean", "lost", "models"]
    assert len(table) == 11
    assert "i5" not in set(table["image"])
    boundary = image_scores(frame, blocks_in(frame), {}, metric_of(frame, "boundary_miou")).images(100)
    hit, predicted, labelled = (values.astype(float) for values in rims)
    for row in boundary.itertuples():
        k = int(row.image[1:])
        union = (predicted + labelled - hit)[k]
        assert row.clean == pytest.approx((hit[k][union > 0] / union[union > 0]).mean())
    with pytest.raises(UsageError, match="--metric nll: the cells have no such counts; there are miou, boundary_miou"):
        metric_of(frame, "nll")


def test_a_metric_of_which_lower_is_better_ranks_the_highest_first(tmp_path: Path) -> None:
    counts = random_counts(np.random.default_rng(0), 4, 3)
    write_cell(tmp_path, counts, list("abcd"), ("clean", 0), likelihood=[9, 2**30, 7, 2**25])
    frame: pd.DataFrame = quality_frame(tmp_path).assign(title="m")
    scores = image_scores(frame, blocks_in(frame), {}, metric_of(frame, "nll"))
    nats = np.array([9, 2**30, 7, 2**25]) / 2**20 / counts[2].sum(axis=1)
    assert list(scores.images(4)["image"]) == ["abcd"[k] for k in np.argsort(-nats)]
    assert scores.images(1)["clean"].iloc[0] == pytest.approx(nats.max())
