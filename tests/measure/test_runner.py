import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from counted import as_version
from graphs import write_graph
from pngs import raw_png
from processes import LINE
from shared_runs import begin_program, kill, status_of, wait_until
from small import SUITE, assert_same_store, stored, write_suite

from robustbench_seg import environment
from robustbench_seg.corruptions import Corruption
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.locks import locked
from robustbench_seg.measure import prepare
from robustbench_seg.measure.devices import evaluation_threads
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.store import folder
from robustbench_seg.store.file import read_record
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.suites import read_suite

CELLS = 2 * 2 * 4  # models x views x (clean and three conditions)
FAULT_WITHIN = raw_png(np.zeros((40, 48, 3)), 8, 2, missing=1)  # only to be found by decoding


class Told(Listener):
    def __init__(self) -> None:
        self.done, self.ran, self.images, self.notes = 0, [], 0, []

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def planned(self, done: int, waiting: list[Job]) -> None:
        self.done = done

    def image(self) -> None:
        self.images += 1

    def finished(self, job: Job, error: Exception | None) -> None:
        self.ran.append((job.cell.slug, error))


def run_small(tmp_path: Path, out: Path, options: Options = Options(), **changes: object) -> tuple[Told, list[Job]]:  # noqa: B008
    told = Told()
    failed = run(read_suite(str(write_suite(tmp_path, **changes))), out, options, told)
    return told, failed


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one uninterrupted run."""
    folder = tmp_path_factory.mktemp("finished")
    run_small(folder, folder / "out")
    return folder / "out"


def test_a_run_stores_a_row_per_image_and_a_file_per_cell(finished: Path) -> None:
    assert len(stored(finished)) == CELLS
    frame = pd.read_parquet(finished / "cells")
    assert len(frame) == CELLS * 6
    assert list(frame.columns) == [
        *("cell", "model", "dataset", "corruption", "severity", "view"),
        *(
            "split",
            "precision",
            "seed",
            "engine_version",
            "corruption_source",
            "fingerprint",
            "checkpoint_sha256",
            "key",
        ),
        *("image_id", "height", "width"),
        *("intersection", "predicted", "labelled"),
        *("boundary_intersection", "boundary_predicted", "boundary_labelled"),
        *("calibration_pixels", "calibration_correct", "calibration_confidence", "negative_log_likelihood"),
    ]
    for name in ("cell", "model", "dataset", "corruption", "view"):
        assert isinstance(frame[name].dtype, pd.CategoricalDtype)
    assert set(frame["corruption"]) == {"clean", "gaussian_noise", "contrast"}
    assert {len(value) for value in frame["intersection"]} == {19}
    labelled, predicted = np.stack(frame["labelled"]), np.stack(frame["predicted"])
    assert labelled.dtype == np.int64
    assert np.array_equal(labelled.sum(axis=1), predicted.sum(axis=1))
    assert (np.stack(frame["intersection"]) <= np.minimum(labelled, predicted)).all()
    assert np.array_equal(np.stack(frame["calibration_pixels"]).sum(axis=1), labelled.sum(axis=1))
    correct = np.stack(frame["intersection"]).sum(axis=1)
    assert np.array_equal(np.stack(frame["calibration_correct"]).sum(axis=1), correct)
    assert (np.stack(frame["boundary_labelled"]) <= labelled).all()
    assert frame["negative_log_likelihood"].dtype == np.int64
    assert (frame["negative_log_likelihood"] > 0).all()
    sums = frame.groupby("image_id", observed=True)["labelled"].agg(lambda rows: len({tuple(row) for row in rows}))
    assert (sums == 1).all(), "an image's labels are the same in every cell"


def test_a_stored_record_says_how_the_numbers_were_made(finished: Path) -> None:
    record = read_record(next((finished / "cells").glob("b0-streets-contrast-2-slide-64-32-*.parquet")))
    assert record.cell.view == View(mode="slide", crop=64, stride=32)
    assert (record.images, record.of, record.synthetic) == (6, 6, True)
    assert record.class_names[:2] == ("road", "sidewalk")
    assert record.timings["total_s"] >= record.timings["model_s"] > 0
    assert {"commit", "command", "machine", "packages", "python", "robustbench_seg"} <= record.environment.keys()


def test_the_gallery_shows_images_labels_and_predictions(finished: Path) -> None:
    names = {p.name for p in next(finished.glob("gallery/b0-streets-gaussian_noise-3-whole-*")).iterdir()}
    assert names == {f"streets_000000_2000001-{kind}.png" for kind in ("image", "label", "prediction")}


def test_a_second_run_measures_nothing(tmp_path: Path, finished: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.glob("cells/*.parquet")}
    told, failed = run_small(tmp_path, finished)
    assert (told.done, told.ran, failed) == (CELLS, [], [])
    assert before == {p: p.stat().st_mtime_ns for p in finished.glob("cells/*.parquet")}


def test_worker_processes_change_no_number(tmp_path: Path, finished: Path) -> None:
    run_small(tmp_path, tmp_path / "out", Options(workers=2))
    assert_same_store(finished, tmp_path / "out")


def test_the_order_of_cells_changes_no_number(tmp_path: Path, finished: Path) -> None:
    backwards = {"models": SUITE["models"][::-1], "conditions": dict(reversed(SUITE["conditions"].items()))}
    run_small(tmp_path, tmp_path / "out", **backwards)
    assert_same_store(finished, tmp_path / "out")


def test_a_limit_has_cells_of_its_own_beside_the_full_ones(tmp_path: Path) -> None:
    for limit in (2, None):
        told, _ = run_small(
            tmp_path, tmp_path / "out", Options(limit=limit), models=[{"name": "constant"}], views=["whole"]
        )
        assert told.done == 0
    sizes = sorted(len(frame) for _, frame in stored(tmp_path / "out").values())
    assert sizes == [2] * 4 + [6] * 4
    limited = next(frame for _, frame in stored(tmp_path / "out").values() if len(frame) == 2)
    assert list(limited["image_id"]) == ["streets_000000_2000001", "streets_000000_2000004"]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"dataset": {**SUITE["dataset"], "size": [64, 128]}},
        {"dataset": {**SUITE["dataset"], "seed": 1}, "gallery": []},
        {"views": [{"mode": "whole", "scale": 1.5}]},
        {"metrics": ["boundary"]},
    ],
)
def test_whatever_decides_the_numbers_changes_the_key(
    tmp_path: Path, finished: Path, changes: dict[str, object]
) -> None:
    run_small(tmp_path, tmp_path / "out", **{"models": [{"name": "constant"}], "views": ["whole"], **changes})
    keys = [{name.rpartition("-")[2] for name in stored(out)} for out in (finished, tmp_path / "out")]
    assert not keys[0] & keys[1]


def test_a_cell_that_raises_is_noted_and_does_not_stop_the_others(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = prepare.corrupt

    def broken(image: object, entry: Corruption, severity: int, **how: object) -> object:
        if entry.name == "contrast":
            raise RuntimeError("no contrast today")
        return healthy(image, entry, severity, **how)

    monkeypatch.setattr(prepare, "corrupt", broken)
    out = tmp_path / "out"
    told, failed = run_small(tmp_path, out)
    assert len(told.ran) == CELLS
    assert {job.cell.corruption for job in failed} == {"contrast"}
    assert len(stored(out)) == CELLS - 4
    notes = [json.loads(path.read_text()) for path in (out / "failed").glob("*.json")]
    assert len(notes) == 4
    assert all("RuntimeError: no contrast today" in note["traceback"] for note in notes)
    assert all(note["record"]["cell"]["corruption"] == "contrast" for note in notes)
    monkeypatch.setattr(prepare, "corrupt", healthy)
    told, failed = run_small(tmp_path, out)
    assert (told.done, len(told.ran), failed) == (CELLS - 4, 4, [])
    assert not list((out / "failed").glob("*.json"))
    assert_same_store(finished, out)


def test_a_broken_file_fails_its_cell_by_name_and_workers_go_on(tmp_path: Path, camvid_folder: Path) -> None:
    (camvid_folder / "test/frame_1.png").write_bytes(FAULT_WITHIN)
    camvid = {"dataset": {"name": "camvid", "split": "test"}, "gallery": [], "conditions": {}, "views": ["whole"]}
    told, failed = run_small(
        tmp_path,
        tmp_path / "out",
        Options(data={"camvid": camvid_folder}, workers=1),
        models=[{"name": "constant"}, {"name": "again", "model": "constant"}],
        **camvid,
    )
    assert len(failed) == len(told.ran) == 2
    assert all("test/frame_1.png: damaged, or of a kind that" in str(error) for _, error in told.ran)


def test_a_run_on_mended_data_leaves_no_trace_of_what_failed(tmp_path: Path, camvid_folder: Path) -> None:
    image, out = camvid_folder / "test/frame_1.png", tmp_path / "out"
    whole = image.read_bytes()
    camvid = {"dataset": {"name": "camvid", "split": "test"}, "gallery": [], "conditions": {}}
    one = {**camvid, "models": [{"name": "constant"}], "views": ["whole"]}
    options = Options(data={"camvid": camvid_folder})
    image.write_bytes(FAULT_WITHIN)
    assert len(run_small(tmp_path, out, options, **one)[1]) == 1
    image.write_bytes(whole)
    _, failed = run_small(tmp_path, out, options, **one)
    assert not failed
    assert not list((out / "failed").glob("*.json"))
    (plan,) = read_plans(out, quality_frame(out))
    finished = {record.key for record in map(read_record, (out / "cells").iterdir())}
    assert {cell.key for cell in plan.cells} == finished
    assert len(finished) == 1


def test_a_cell_of_other_weights_is_missing_until_it_is_there(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    plan = Store(out).plans()[-1]
    (known,) = read_plans(out, quality_frame(out))
    newer = tuple(replace(cell, key=f"{n:032x}") for n, cell in enumerate(plan.cells[:4]))
    Store(out).write_plan(replace(plan, cells=newer, limits=("the last run's",)))
    (both,) = read_plans(out, quality_frame(out))
    assert both.cells == known.cells + newer, "what is there stays, what is meant anew is missing"
    assert both.limits == ("the last run's",)


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine of four cores, where nobody has chosen a number of threads."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(environment, "available_cores", lambda: 4)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_a_quality_cell_has_the_same_threads_whatever_the_workers_and_its_record_has_them(
    tmp_path: Path, four_threads: None
) -> None:
    one = {"models": [{"name": "constant"}], "views": ["whole"], "conditions": {}}
    seen: list[int] = []

    class Watching(Told):
        def image(self) -> None:
            seen.append(torch.get_num_threads())

    for workers in (0, 1, 3):
        out = tmp_path / str(workers)
        run(read_suite(str(write_suite(tmp_path, **one))), out, Options(workers=workers), Watching())
        (path,) = (out / "cells").iterdir()
        assert read_record(path).environment["threads"] == 3, "a core for the one worker that there is by default"
    assert seen == [3] * 3 * 6
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize(
    ("cores", "torchs", "device", "chosen", "expected"),
    [
        (1, 1, "cpu", None, 1),
        (2, 2, "cpu", None, 2),
        (8, 8, "cpu", None, 6),
        (64, 64, "cpu", None, 56),
        (64, 32, "cpu", None, 32),  # two threads a core: torch uses the cores
        (8, 1, "cpu", None, 1),
        (8, 8, "cuda", None, 2),
        (8, 8, "cpu", "8", 8),
        (8, 2, "cpu", "2", 2),
    ],
)
def test_threads_are_those_of_the_machine_or_as_the_user_says(
    cores: int, torchs: int, device: str, chosen: str | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    if chosen:
        monkeypatch.setenv("OMP_NUM_THREADS", chosen)
    monkeypatch.setattr(environment, "available_cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: torchs)
    assert evaluation_threads(torch.device(device)) == expected


def test_the_threads_of_a_graph_are_those_that_onnxruntime_was_opened_with(tmp_path: Path, four_threads: None) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    weights = np.random.default_rng(0).normal(size=(19, 3, 1, 1)).astype(np.float32)
    graph = write_graph(tmp_path / "graph.onnx", onnx.numpy_helper.from_array(weights, "w"), classes=19)
    suite = {"models": [{"name": "onnx", "weights": str(graph)}], "views": ["whole"], "conditions": {}, "gallery": []}
    run_small(tmp_path, tmp_path / "out", **suite)
    (path,) = (tmp_path / "out/cells").iterdir()
    assert read_record(path).environment["threads"] == 4


def test_a_folder_that_another_command_or_an_earlier_version_uses_is_refused_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with locked(out), pytest.raises(StoreError, match="another run is using this folder"):
        run_small(tmp_path, out)
    told, _ = run_small(tmp_path, out, models=[{"name": "constant"}], views=["whole"])
    assert len(told.ran) == 4


def test_a_store_keeps_to_one_number_of_classes(tmp_path: Path, camvid_folder: Path) -> None:
    out = tmp_path / "out"
    one = {"models": [{"name": "constant"}], "views": ["whole"], "conditions": {}, "gallery": []}
    run_small(tmp_path, out, **one)
    options = Options(data={"camvid": camvid_folder})
    with pytest.raises(StoreError, match="holds cells of 19 classes, new cells have 11; give another --out"):
        run_small(tmp_path, out, options, **one, dataset={"name": "camvid", "split": "test"})


def test_metrics_that_are_switched_off_are_null_and_change_nothing_else(tmp_path: Path, finished: Path) -> None:
    all_on = {(path.name.rsplit("-", 1)[0]): pd.read_parquet(path) for path in (finished / "cells").glob("*.parquet")}
    for metrics in ([], ["likelihood"], ["calibration", "boundary"]):
        out = tmp_path / "-".join(["out", *metrics])
        run_small(tmp_path, out, metrics=metrics, models=SUITE["models"][1:], views=["whole"], conditions={})
        files = list((out / "cells").glob("*.parquet"))
        assert len(files) == 1
        for path in files:
            frame, full = pd.read_parquet(path), all_on[path.name.rsplit("-", 1)[0]]
            assert list(frame.columns) == list(full.columns)
            for name in frame.columns[list(frame.columns).index("width") + 1 :]:
                metric = "likelihood" if name == "negative_log_likelihood" else name.split("_")[0]
                if metric in metrics or "_" not in name:
                    assert np.array_equal(np.stack(frame[name]), np.stack(full[name])), (metrics, name)
                else:
                    assert frame[name].isna().all(), (metrics, name)
        rows = quality_frame(out)
        assert rows["boundary_miou"].isna().all() == ("boundary" not in metrics)
        assert rows["ece"].isna().all() == ("calibration" not in metrics)
        assert rows["nll"].isna().all() == ("likelihood" not in metrics)
        assert set(rows["metrics"]) == {tuple(sorted(metrics))}


def test_a_cell_with_fewer_metrics_is_not_done_for_more_and_does_not_stand_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    one = {"models": [{"name": "constant"}], "views": ["whole"], "conditions": {}, "gallery": []}
    run_small(tmp_path, out, **one, metrics=["boundary"])
    before = stored(out).keys()
    message = (
        "holds cells with the metrics boundary, new cells have boundary, calibration, likelihood; give another --out"
    )
    with pytest.raises(StoreError, match=message):
        run_small(tmp_path, out, **one)
    with pytest.raises(StoreError, match="new cells have none; give another --out"):
        run_small(tmp_path, out, **one, metrics=[])
    assert stored(out).keys() == before
    run_small(tmp_path, tmp_path / "full", **one, metrics=["likelihood", "boundary", "calibration"])
    told, _ = run_small(tmp_path, tmp_path / "full", **one)
    assert told.done == 1, "the order in which a suite lists metrics does not matter"


def test_a_suite_with_a_metric_that_is_unknown_or_named_twice_is_refused(tmp_path: Path) -> None:
    for metrics, message in [
        (["hausdorff"], "metrics: unknown metric 'hausdorff'; known: miou, boundary, calibration, likelihood"),
        (["boundary", "boundary"], "metrics: metrics must differ, got boundary, boundary"),
    ]:
        with pytest.raises(UsageError, match=message):
            read_suite(str(write_suite(tmp_path, metrics=metrics)))


def test_no_cell_is_added_to_a_store_of_an_earlier_schema(tmp_path: Path) -> None:
    out = tmp_path / "out"
    one = {"models": [{"name": "constant"}], "views": ["whole"], "conditions": {}, "gallery": []}
    run_small(tmp_path, out, **one)
    (path,) = (out / "cells").glob("*.parquet")
    as_version(path, 1)
    with pytest.raises(StoreError, match="holds cells of schema version 1, new cells have 3; give another --out"):
        run_small(tmp_path, out, **one)


def test_a_damaged_cell_is_said_and_measured_anew(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    first, second, *others = sorted((out / "cells").iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    flip_a_bit(second)
    before = {path: path.stat().st_mtime_ns for path in others}
    told, failed = run_small(tmp_path, out)
    assert [line.partition(": ")[0] for line in told.notes] == [str(first), str(second)]
    assert all(line.endswith(": measured again") and "\n" not in line for line in told.notes)
    assert (told.done, len(told.ran), failed) == (CELLS - 2, 2, [])
    assert {path: path.stat().st_mtime_ns for path in others} == before
    assert_same_store(finished, out)


def flip_a_bit(path: Path) -> None:
    """Of a count: in the middle of its page, since nothing reads some bytes of the pages' headers."""
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(k) for k in range(group.num_columns)]
    (page,) = (one for one in columns if one.path_in_schema.startswith("labelled."))
    content = bytearray(path.read_bytes())
    content[page.data_page_offset + page.total_compressed_size - 3] ^= 8
    path.write_bytes(content)


def test_a_file_that_is_none_of_the_plans_is_not_deleted_but_named_with_the_cure(
    tmp_path: Path, finished: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    own = next((out / "cells").glob("constant-*"))
    for name in ("notes.parquet", "segformer-b0-streets-clean-whole.parquet", own.name.replace("constant", "other")):
        foreign = out / "cells" / name
        foreign.write_bytes(own.read_bytes()[:-1])
        with pytest.raises(StoreError, match=f"{name}: .*; remove it, or run its suite again") as found:
            run_small(tmp_path, out, seed=1)
        assert str(found.value).startswith(f"{foreign}: ")
        assert foreign.is_file()
        foreign.unlink()
    assert_same_store(finished, out)


@pytest.mark.parametrize("killed", [False, True])
def test_a_run_brings_the_files_of_version_2_up_to_date_and_measures_none_again(
    tmp_path: Path, finished: Path, killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    for path in (out / "cells").iterdir():
        as_version(path, 2)
    if killed:
        healthy, renewed = folder.bring_up_to_date, []

        def kill(path: Path) -> bool:
            if len(renewed) == 3:
                raise KeyboardInterrupt
            renewed.append(path)
            return healthy(path)

        monkeypatch.setattr(folder, "bring_up_to_date", kill)
        with pytest.raises(KeyboardInterrupt):
            run_small(tmp_path, out)
        monkeypatch.setattr(folder, "bring_up_to_date", healthy)
    told, _ = run_small(tmp_path, out)
    left = CELLS - 3 if killed else CELLS
    assert told.notes == [f"{out}: brought {left} of {CELLS} files up to date; their counts do not change"]
    assert (told.done, told.ran) == (CELLS, [])
    assert_same_store(finished, out)
    again, _ = run_small(tmp_path, out)
    assert again.notes == []


def test_a_report_reads_earlier_versions_and_writes_nothing_to_them(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    for path in (out / "cells").iterdir():
        as_version(path, 2)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    numbers = ["miou", "boundary_miou", "ece", "nll", "key", "slug"]
    assert quality_frame(out)[numbers].equals(quality_frame(finished)[numbers])
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_an_unsuitable_option_is_refused_before_the_first_cell(tmp_path: Path) -> None:
    for options, changes, message in [
        (
            Options(data={"camvid": tmp_path}),
            {},
            "--data camvid: suite small does not use this dataset .it uses streets.",
        ),
        (Options(weights={"b9": "x"}), {}, "--weights b9: suite small has no such model; it has constant, b0"),
        (
            Options(weights={"b0": "absent.safetensors"}),
            {},
            "weights of b0: absent.safetensors: no such file",
        ),
        (Options(device="tpu"), {}, "--device must be cpu, cuda or cuda:N, got 'tpu'"),
        (Options(), {"gallery": ["nobody"]}, "gallery image 'nobody' is not in streets test"),
        (
            Options(),
            {"models": [{"name": "segformer-b0"}]},
            "model segformer-b0 needs weights: --weights segformer-b0=",
        ),
    ]:
        with pytest.raises(UsageError, match=message):
            run_small(tmp_path, tmp_path / "out", options, **changes)
    assert not stored(tmp_path / "out")


def begin(suite: Path, out: Path) -> BaseProcess:
    """Start the program with a worker."""
    return begin_program("run", str(suite), "--out", str(out), "--workers", "1", errors=suite.parent / "errors")


def test_a_killed_process_goes_on_where_it_stopped_and_ends_with_the_same_store(tmp_path: Path, finished: Path) -> None:
    """SIGKILL at three random moments, then a run to its end; without workers, see test_shared_folder.py."""
    suite, out = write_suite(tmp_path), tmp_path / "out"
    moments = random.Random(1)
    kept = 0
    for _ in range(3):
        process = begin(suite, out)
        # Wait until this run has stored something new, so that each one makes progress, then a random while.
        assert wait_until(lambda kept=kept: len(list(out.glob("cells/[!.]*.parquet"))) > kept)
        time.sleep(moments.uniform(0, 0.05))
        kill(process)
        assert process.exitcode == -signal.SIGKILL
        after = stored(out)  # every file that is there is whole
        assert len(after) > kept
        kept = len(after)
    told, failed = run_small(tmp_path, out, Options(workers=1))
    assert (told.done, failed) == (kept, [])
    assert_same_store(finished, out)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_and_keeps_what_is_finished(
    sent: signal.Signals, tmp_path: Path, finished: Path
) -> None:
    suite, out = write_suite(tmp_path), tmp_path / "out"
    process = begin(suite, out)
    assert wait_until(lambda: list(out.glob("cells/[!.]*.parquet")))
    os.kill(process.pid or 0, sent)
    assert status_of(process) == 130
    assert (tmp_path / "errors").read_text() == LINE
    before = stored(out)
    assert 1 <= len(before) < CELLS
    told, failed = run_small(tmp_path, out)
    assert (told.done, failed) == (len(before), [])
    assert_same_store(finished, out)


def test_parquet_metadata_holds_the_record_under_the_stated_key(finished: Path) -> None:
    path = next((finished / "cells").glob("*.parquet"))
    metadata = json.loads(pq.read_schema(path).metadata[b"robustbench_seg"])
    assert path.stem.endswith(metadata["key"])
