"""Large arrays come from a worker process through shared memory, and through the pipe where there is none."""

import gc
import multiprocessing
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from large_arrays import filled, filled_or_killed
from small import assert_same_store, write_suite

from robustbench_seg.errors import MachineError
from robustbench_seg.measure import handover, workers
from robustbench_seg.measure.handover import LEAST, MOST, SHARE_OF_FILES, SMALL, Receiver, Sender, segments_of_each
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.measure.tally import IN_FLIGHT
from robustbench_seg.measure.workers import PREFETCH, Loader
from robustbench_seg.suites import read_suite

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="elsewhere all goes through the pipe")
SHARED = Path("/dev/shm")
SIZES = (SMALL * 2, SMALL * 5, SMALL * 12)


@dataclass
class Ends:
    """A sender and a receiver in this process."""

    sender: Sender
    receiver: Receiver

    def hand(self, value: Any) -> Any:
        """Send a value, and receive it."""
        self.receiver.give_back()
        self.sender.take_back()
        thread = threading.Thread(target=self.sender.send, args=self.sender.pack(value))  # a full pipe blocks it
        thread.start()
        received = self.receiver.receive()
        thread.join()
        return received


@contextmanager
def ends(most: int) -> Iterator[Ends]:
    here, there = multiprocessing.Pipe()
    with here, there:
        yield Ends(Sender(there, most), Receiver(here))


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("most", [0, 1, MOST])
def test_what_is_received_is_what_was_sent(most: int) -> None:
    draws = np.random.default_rng(0)
    image = draws.integers(0, 255, (300, 500, 3)).astype(np.uint8)
    arrays = {
        "image": image,
        "every second": image[::2],
        "columns first": np.asfortranarray(image),
        "floats": draws.random((200, 300)),
        "small": image[0],
        "nothing": image[:0],
        "fixed": np.frombuffer(image.tobytes(), np.uint8),
    }
    with ends(most) as both:
        for _ in range(2):
            received = both.hand((arrays, "words", None))
            assert received[1:] == ("words", None)
            for name, array in arrays.items():
                assert np.array_equal(received[0][name], array), name
                assert received[0][name].dtype == array.dtype
            received[0]["image"][:] = 7
            del received
        assert len(both.sender.segments) == min(most, 4)


def test_an_array_that_is_held_is_never_written_over_and_one_that_is_not_makes_room() -> None:
    with ends(5) as both:
        held = [both.hand(filled(k)) for k in range(12)]
        assert len(both.sender.segments) == len(both.receiver.segments) == 5, "the others came through the pipe"
        for k, array in enumerate(held):
            assert (array == k).all()
        part = held[3][10:20]
        del held, array
        for k in range(20, 40):
            assert (both.hand(filled(k)) == k).all()
        assert (part == 3).all(), "a part holds the memory of the whole"
        assert both.sender.made == 5, "no other memory was needed"
        assert both.sender.idle < set(both.sender.segments)


def test_arrays_of_several_sizes_share_the_segments() -> None:
    with ends(2) as both:
        for turn in range(3):
            for size in SIZES:
                assert (both.hand((filled(turn, size),))[0] == turn).all()
                assert len(both.receiver.segments) <= 2
        assert both.sender.segments.keys() == both.receiver.segments.keys()
        assert SIZES[-1] in map(len, both.sender.segments.values())


@pytest.mark.parametrize("cause", ["limit", "system"])
def test_without_memory_arrays_come_through_the_pipe(cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, files = resource.getrlimit(resource.RLIMIT_FSIZE), open_files()
    with ends(MOST) as both:
        if cause == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
        else:
            monkeypatch.setattr(handover.os, "memfd_create", lambda name: (_ for _ in ()).throw(PermissionError()))
        try:
            received = both.hand([filled(k) for k in range(9)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [set(array) for array in received] == [{k} for k in range(9)]
        assert not both.receiver.segments
    assert open_files() == files, "no file stays open"


def test_a_value_that_can_t_be_pickled_costs_no_segment() -> None:
    with ends(1) as both:
        for _ in range(3):
            with pytest.raises((AttributeError, TypeError), match=r"lambda|pickle"):
                both.sender.pack((filled(1), lambda: None))
        assert (both.hand(filled(2)) == 2).all()
        for size in SIZES:  # one that the receiver never had is dropped, too
            with pytest.raises((AttributeError, TypeError), match=r"lambda|pickle"):
                both.sender.pack((filled(1, size), lambda: None))
        assert (both.hand(filled(3)) == 3).all()
        assert len(both.sender.segments) == len(both.receiver.segments) == 1


def test_segments_leave_most_of_the_files_that_a_process_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1024, 1024)]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda kind, those: limits.append(those))
    assert [segments_of_each(workers) for workers in (1, 8, 64, 1000)] == [256, 32, 4, 0]
    assert 1000 * segments_of_each(1000) <= 1024 // SHARE_OF_FILES
    assert set(limits) == {(1024, 1024)}
    limits[:] = [(1024, 4096)]
    assert [segments_of_each(workers) for workers in (1, 8, 32)] == [MOST, MOST // 8, 32]
    assert limits == [(1024, 4096), (4096, 4096), (4096, 4096)], "no more than is allowed"
    limits[:] = [(1024, 2**20)]
    assert segments_of_each(32) == LEAST
    assert limits[-1] == (LEAST * SHARE_OF_FILES * 32, 2**20), "no more than they take"
    monkeypatch.setattr(resource, "setrlimit", lambda kind, those: exec("raise ValueError"))
    limits[:] = [(1024, 4096)]
    assert segments_of_each(8) == 32
    monkeypatch.delattr(os, "memfd_create")
    assert segments_of_each(1) == 0


@pytest.mark.parametrize("workers", [1, 2, 8, 16])
@pytest.mark.parametrize("batch", [16, 64])
def test_what_a_gpu_has_under_way_needs_no_pipe(workers: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    batches = IN_FLIGHT + 2  # one is being launched, one is filled
    images = batches * batch + 2 * PREFETCH * workers  # and what waits of this sweep and the next
    assert workers * segments_of_each(workers) >= 2 * images, "an image and its label"


def test_arrays_outlive_their_worker_and_nothing_else_is_left() -> None:
    names, files = set(SHARED.iterdir()), open_files()
    with Loader(1) as loader:
        results = loader.map(filled_or_killed, [1, 2, -1])
        one, two = next(results), next(results)
        with pytest.raises(MachineError, match="a worker process was killed"):
            next(results)
        assert list(map(set, loader.map(filled_or_killed, [3, 4]))) == [{3}, {4}]
    assert (set(one), set(two)) == ({1}, {2})
    assert set(SHARED.iterdir()) <= names
    del one, two, results, loader
    gc.collect()  # the frames of the error hold the worker
    assert open_files() <= files + 1, "at most the pipe of the resource tracker stays"


def test_the_store_of_a_run_is_the_same_with_workers_without_and_through_the_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"name": "streets", "split": "test", "size": [192, 256], "count": 4}
    suite = read_suite(str(write_suite(tmp_path, dataset=data, views=["whole"])))
    lent: list[int] = []
    lease = Receiver.lease

    def counted(self: Receiver, number: int, size: int) -> Any:
        lent.append(size)
        return lease(self, number, size)

    monkeypatch.setattr(Receiver, "lease", counted)
    for name, count in (("shared", 1), ("own", 0), ("pipe", 1)):
        if name == "pipe":
            monkeypatch.setattr(workers, "segments_of_each", lambda workers: 0)
        lent.clear()
        assert not run(suite, tmp_path / name, Options(workers=count), Listener())
        assert set(lent) == ({192 * 256 * 3} if name == "shared" else set()), "labels are small here"
    assert_same_store(tmp_path / "shared", tmp_path / "own")
    assert_same_store(tmp_path / "pipe", tmp_path / "own")
