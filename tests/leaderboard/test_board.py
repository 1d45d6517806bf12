"""Boards: what may share one, ranks with their intervals, and alarms; numbers next to the report's own functions."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import write_synthetic
from whole import rewrite

from robustbench_seg.errors import StoreError
from robustbench_seg.leaderboard.board import Board, boards_of
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.evidence import evidence_of
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.ranking import rank_intervals
from robustbench_seg.studies.robustness import by_corruption, scores_of
from robustbench_seg.studies.statistics import interval

CONDITIONS = {"fog": [1, 3], "snow": [2]}
LEVELS = {"a": 0.8, "b": 0.76, "c": 0.758, "d": 0.6}


def of(model: str, corruption: str, severity: int, view: View) -> float:
    return LEVELS.get(model[0], 0.5) - 0.05 * severity


def write(folder: Path, models: Sequence[str] = ("a", "b", "c", "d"), **fields: Any) -> Path:
    write_synthetic(folder, of, **{"models": list(models), "conditions": CONDITIONS, "images": 40, **fields})
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def board(store: Path) -> Board:
    (board,) = boards_of([store])
    return board


def test_rows_have_the_scores_of_the_report_and_the_best_is_first(store: Path, board: Board) -> None:
    table = by_corruption(quality_frame(store), CONDITIONS).set_index("model")
    assert [row.model for row in board.rows] == list(table.sort_values("mean", ascending=False).index)
    for row in board.rows:
        for name in ("clean", "mean", "retention"):
            assert row.scores[name].estimate == pytest.approx(table.loc[row.model, name], abs=1e-12)
        assert (row.missing, row.alarms) == (0, ())


def test_intervals_are_those_of_a_report_and_ranks_are_of_the_same_resamples(store: Path, board: Board) -> None:
    (evidence,) = evidence_of(quality_frame(store))
    draws = {title: scores_of(evidence.miou(title, View()), CONDITIONS)["mean"][:10_001] for title in evidence.titles}
    for row in board.rows:
        same = interval(draws[row.model], evidence.blocks)
        assert (row.scores["mean"].low, row.scores["mean"].high) == pytest.approx((same.low, same.high), abs=1e-12)
    names = [row.model for row in board.rows]
    table = np.array([draws[name] for name in names])
    for k, row in enumerate(board.rows):
        above = (table > table[k]).sum(axis=0) + 1
        assert row.rank == above[0]
        low, high = row.ranks or (0, 0)
        assert np.mean(above[1:] < low) <= 0.025
        assert np.mean(above[1:] > high) <= 0.025
        assert low <= row.rank <= high
    assert board.rows[0].ranks == (1, 1)
    assert board.rows[-1].ranks == (4, 4)


def test_a_rank_interval_holds_the_rank_in_nearly_all_resamples_and_ties_count_in_every_order() -> None:
    rng = np.random.default_rng(0)
    scores = np.array([0.5, 0.5, 0.7, 0.1]) + rng.normal(0, [0.02, 0.02, 0.05, 0.001], (4001, 4))
    scores[0] = 0.5, 0.5, 0.7, 0.1
    got = rank_intervals(scores, 1000)
    ranks = 1 + (scores[1:, None, :] > scores[1:, :, None]).sum(axis=2)
    assert [rank for rank, _ in got] == [2, 2, 1, 4]
    for k, (_, ends) in enumerate(got):
        assert ends is not None
        inside = (ranks[:, k] >= ends[0]) & (ranks[:, k] <= ends[1])
        assert inside.mean() >= 0.94
    assert got[0][1] == (2, 3)
    equal = np.tile([[0.5, 0.5, 0.4]], (101, 1))
    assert rank_intervals(equal, 1000) == [(1, (1, 2)), (1, (1, 2)), (3, (3, 3))]
    assert rank_intervals(equal, 9) == [(1, None), (1, None), (3, None)]


def test_a_second_store_adds_rows_and_changes_no_name_of_a_page_or_a_row(store: Path, tmp_path: Path) -> None:
    (before,) = boards_of([store])
    (after,) = boards_of([write(tmp_path, ["e", "a"], suite="another"), store])
    assert after.file == before.file
    assert {row.anchor for row in before.rows} < {row.anchor for row in after.rows}
    assert len(after.rows) == 5, "what both have is there once"


OTHERS: dict[str, dict[str, Any]] = {
    "data set": {"dataset": "other"},
    "split": {"split": "val"},
    "view": {"views": [View(mode="pad-32")]},
    "precision": {"precision": "bf16"},
    "seed": {"draw": 3},
    "number of images": {"images": 39, "ids": [f"image_{k:04d}" for k in range(39)]},
    "protocol": {"protocol": "another"},
    "conditions": {"conditions": {"fog": [1, 3]}},
    "no corruptions": {"conditions": {}},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_differs_in_this_never_shares_a_board(store: Path, tmp_path: Path, name: str) -> None:
    if name == "number of images":  # of the same fingerprint, so apart from the store
        boards = [*boards_of([store]), *boards_of([write(tmp_path, ["e"], **OTHERS[name])])]
    else:
        boards = boards_of([store, write(tmp_path, ["e"], **OTHERS[name])])
    assert sorted([row.model for row in one.rows] for one in boards) == [["a", "b", "c", "d"], ["e"]]
    assert len({one.file for one in boards}) == 2


@pytest.mark.parametrize("change", [{"alignment": [["way", "road"]]}, {"class_names": list("vwxyz")}])
def test_neither_do_other_alignments_and_classes(store: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    for path in (write(tmp_path, ["e"]) / "cells").iterdir():
        rewrite(path, record=lambda record: record | change)
    boards = boards_of([store, tmp_path])
    assert sorted([row.model for row in one.rows] for one in boards) == [["a", "b", "c", "d"], ["e"]]
    assert len({one.file for one in boards}) == 2


def test_neither_do_other_void_rules_and_engine_versions(board: Board) -> None:
    others = [{"void": "counted"}, {"engine_version": 3}, {"fingerprint": "g"}]
    files = {replace(board, setting={**board.setting, **other}).file for other in others}
    assert len(files | {board.file}) == 4, "each has a page of its own"


def test_models_of_incomplete_runs_stand_last_without_a_rank(tmp_path: Path) -> None:
    write(tmp_path, ["a", "d"], skip={"a-*snow*"})
    (board,) = boards_of([tmp_path])
    assert [(row.model, row.rank, row.missing) for row in board.rows] == [("d", 1, 0), ("a", None, 1)]
    assert np.isnan(board.rows[1].scores["mean"].estimate)
    assert board.rows[1].scores["clean"].estimate > 0


def test_of_several_draws_each_model_has_the_first_of_the_plan(tmp_path: Path) -> None:
    for draw in (1, 0):
        write(tmp_path, draw=draw)
    first, second = (plan for plan in Store(tmp_path).plans())
    for path in (tmp_path / "plans").glob("*.json"):
        path.unlink()
    Store(tmp_path).write_plan(replace(first, cells=(*second.cells, *first.cells)))
    (board,) = boards_of([tmp_path])
    assert board.setting["seed"] == 0
    assert [(row.model, row.missing) for row in board.rows] == [("a", 0), ("b", 0), ("c", 0), ("d", 0)]


@pytest.mark.parametrize("cell", ["clean", "fog-1", "fog-3", "snow"])
def test_whichever_cell_is_missing_the_model_has_no_rank(tmp_path: Path, cell: str) -> None:
    write(tmp_path, ["a", "d"], skip={f"a-*{cell}*"})
    (board,) = boards_of([tmp_path])
    assert [(row.model, row.rank, row.ranks, row.missing) for row in board.rows] == [
        ("d", 1, (1, 1), 0),
        ("a", None, None, 1),
    ]


def test_few_blocks_have_no_intervals_and_one_model_is_a_board(tmp_path: Path) -> None:
    write(tmp_path, ["a"], images=6, conditions={})
    (board,) = boards_of([tmp_path])
    assert board.caution == "6 blocks of images are too few (it takes 10)"
    assert (board.rows[0].rank, board.rows[0].ranks) == (1, None)
    assert np.isnan(board.rows[0].scores["clean"].low)
    assert board.headline == "clean"


def test_copies_and_models_without_skill_are_marked(tmp_path: Path) -> None:
    write(tmp_path / "one", ["a", "b"])
    write(tmp_path / "two", ["a"], sha256="f" * 64)
    (board,) = boards_of([tmp_path / "one", tmp_path / "two"])
    copies = [row for row in board.rows if row.model == "a"]
    assert len(copies) == 2
    assert len({row.anchor for row in copies}) == 2
    assert all("equal counts in each image of the 4 cells shared with a" in row.alarms[0] for row in copies)
    write_synthetic(tmp_path / "bad", lambda *_: 0.02, models=["z"], conditions=CONDITIONS, images=40)
    (board,) = boards_of([tmp_path / "one", tmp_path / "bad"])
    bad = next(row for row in board.rows if row.model == "z")
    assert bad.alarms[0] == "no better than one class for every pixel in 4 of 4 cells"
    assert "a broken run" in bad.alarms[1]


def test_a_view_that_is_a_diagnosis_is_stated(tmp_path: Path, board: Board) -> None:
    (other,) = boards_of([write(tmp_path, ["a"], views=[View(batchnorm=8)])])
    assert other.file != board.file
    assert "a diagnosis and no fair score" in other.notes[0]
    assert board.notes == ()


def test_an_anchor_tells_names_apart_that_look_alike_in_a_link(tmp_path: Path) -> None:
    names = ["net a", "net-a", "net_a", "né"]
    write_synthetic(tmp_path, of, models=names, conditions={}, images=12, sha256="1" * 64)
    (board,) = boards_of([tmp_path])
    anchors = {row.model: row.anchor for row in board.rows}
    assert anchors["net-a"] == f"net-a-{'1' * 12}"
    assert all(one != other for one, other in itertools.combinations(anchors.values(), 2))
    assert all(anchor.isascii() and " " not in anchor for anchor in anchors.values())


def test_a_folder_without_cells_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no quality cells"):
        boards_of([tmp_path])
