"""The loader's workers."""

import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from robustbench_seg.errors import DataError, MachineError
from robustbench_seg.measure.workers import PREFETCH, Loader, Worker
from robustbench_seg.stopping import STOPS


def scaled(factors: list[int], k: int) -> int:
    return factors[k] * k


def process_after(k: int) -> int:
    time.sleep(0.02 * (k % 3))
    return os.getpid()


def test_results_come_in_order_from_several_processes() -> None:
    with Loader(2) as loader:
        assert list(loader.map(partial(scaled, [1, 2, 3, 4, 5]), [4, 0, 3, 1])) == [20, 0, 12, 2]
        found = set(loader.map(process_after, range(12)))
    assert len(found) == 2
    assert os.getpid() not in found


def test_a_large_function_is_sent_to_each_worker_once_and_never_lies_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[int] = []
    dumps = pickle.dumps

    def counted(value: Any) -> bytes:
        sent.append(len(dumps(value)))
        return dumps(value)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("robustbench_seg.measure.workers.pickle.dumps", counted)
    with Loader(2) as loader:
        for factor in (2, 3):  # workers must not keep the function of an earlier map
            sent.clear()
            function = partial(scaled, [factor] * 100_000)
            assert list(loader.map(function, range(20))) == [factor * k for k in range(20)]
            large = [size for size in sent if size > 1000]
            assert 2 <= len(large) <= 3, "once here, once for each worker that had a call"
            assert not list(tmp_path.iterdir())


def test_two_maps_at_once_keep_to_their_functions() -> None:
    with Loader(1) as loader:
        doubled = loader.map(partial(scaled, [2] * 50), [*range(20), 99, *range(20)])
        tripled = loader.map(partial(scaled, [3] * 50), range(40))
        for k in range(20):
            assert (next(doubled), next(tripled)) == (2 * k, 3 * k)
        with pytest.raises(IndexError):
            next(doubled)
        assert list(tripled) == [3 * k for k in range(20, 40)], "a call that fails changes no other's function"


def note(k: int, folder: Path) -> None:
    time.sleep(0.2)
    (folder / str(k)).touch()


@pytest.mark.parametrize("begun", [False, True])
def test_what_nobody_waits_for_is_not_done(begun: bool, tmp_path: Path) -> None:
    with Loader(1) as loader:
        assert list(loader.map(partial(scaled, [1]), [0])) == [0], "the worker is there"
        results = loader.map(partial(note, folder=tmp_path), range(4))
        if begun:
            next(results)
        results.close()
        assert list(loader.map(partial(scaled, [1]), [0])) == [0]
    assert len(list(tmp_path.iterdir())) <= 1 + begun, "one may be under way"


def loaded(name: str) -> bool:
    return name in sys.modules


def test_a_worker_calls_at_its_start_what_it_is_told_to() -> None:
    with Loader(1, ahead=partial(importlib.import_module, "wave")) as loader:
        assert list(loader.map(loaded, ["wave", "numba"])) == [True, False]


@pytest.mark.parametrize("workers", [0, 2])
def test_only_so_many_calls_are_under_way(workers: int) -> None:
    taken = []

    def items() -> Any:
        for k in range(100):
            taken.append(k)
            yield k

    with Loader(workers) as loader:
        results = loader.map(partial(scaled, [1] * 100), items())
        assert [next(results), next(results)] == [0, 1]
        assert len(taken) == 2 + max(0, PREFETCH * workers - 1)


class UnreadableError(Exception):
    """Can be pickled, but not read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def fail(k: int) -> Any:
    if k == 1:
        raise DataError("image 1: is broken")
    if k == 2:
        raise UnreadableError("two", "words")
    return (lambda: None) if k == 3 else k


def test_an_exception_comes_where_its_result_would_stand() -> None:
    with Loader(1) as loader:
        results = loader.map(fail, [0, 1, 0])
        assert next(results) == 0
        with pytest.raises(DataError, match=r"^image 1: is broken$") as caught:
            next(results)
        assert "in fail" in str(caught.value.__cause__), "the traceback of the worker"
        assert not list(results), "later calls are dropped"
        with pytest.raises(RuntimeError, match=r"^UnreadableError: two words$"):
            list(loader.map(fail, [2]))
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            list(loader.map(fail, [3]))
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            list(loader.map(fail, [lambda: None]))
        assert list(loader.map(fail, [0, 7])) == [0, 7], "and the workers go on"


def kill_worker(k: int) -> int:
    if k == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return k


def ending(k: int) -> int:
    if k == 1:
        sys.exit(0)
    return k


def test_code_that_would_end_the_program_is_an_error_with_its_place() -> None:
    with Loader(1) as loader:
        results = loader.map(ending, range(2))
        assert next(results) == 0
        with pytest.raises(RuntimeError, match=rf"^{__file__}:\d+: ends the program \(SystemExit: 0\)$"):
            next(results)


def test_a_worker_that_was_killed_is_said_where_its_result_would_stand_and_replaced() -> None:
    with Loader(1) as loader:
        results = loader.map(kill_worker, [0, 1, 2, 3])
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(MachineError, match=r"a worker process was killed, .* with fewer --workers than 1 in less"):
            next(results)
        assert list(loader.map(kill_worker, [3, 4])) == [3, 4]


@pytest.mark.parametrize(
    "what", ["multiprocessing.context.SpawnProcess.start", "multiprocessing.resource_tracker.ensure_running"]
)
def test_a_worker_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    def refuse(*arguments: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(what, refuse)
    with Loader(3) as loader, pytest.raises(MachineError, match=r"can't start a worker .*fewer --workers than 3 in"):
        list(loader.map(kill_worker, [0]))


def held_back(item: int) -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])


def end_asked(number: int) -> int:
    os.kill(os.getpid(), number)
    return number


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="only POSIX has it")
def test_a_worker_outlives_a_signal_to_its_group_that_asks_the_run_to_end() -> None:
    with Loader(1) as loader:
        assert list(loader.map(end_asked, [signal.SIGUSR1, signal.SIGTERM])) == [signal.SIGUSR1, signal.SIGTERM]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="only POSIX can hold signals back")
def test_a_worker_never_sees_a_stop_and_its_parent_does() -> None:
    with Loader(1) as loader:
        assert next(loader.map(held_back, [0])) >= set(STOPS)
    assert not held_back(0) & set(STOPS)


def test_at_the_end_of_the_context_no_call_is_waited_for_and_no_process_is_left() -> None:
    begin = time.monotonic()
    with Loader(2) as loader:
        results = loader.map(time.sleep, [0, 0, 100, 100])
        next(results)
        assert multiprocessing.active_children()
    assert time.monotonic() - begin < 30
    assert not multiprocessing.active_children()
    with pytest.raises(RuntimeError, match="this loader is closed"):
        list(results)


class Faulty(Worker):
    def answer(self, call: object) -> object:
        raise KeyError("a fault of the loader itself")


def test_a_fault_of_the_loader_itself_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustbench_seg.measure.workers.Worker", Faulty)
    with Loader(1) as loader, pytest.raises(KeyError, match="a fault of the loader itself"):
        list(loader.map(fail, [0]))
