"""The loader's workers."""

import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import FrameType
from typing import Any

import pytest

from robustbench_seg.loading import Loader, without_interrupts


def scaled(factors: list[int], k: int) -> int:
    return factors[k] * k


def test_results_come_in_order_and_a_large_function_is_not_sent_with_every_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[int] = []
    submit = ProcessPoolExecutor.submit

    def counted(pool: ProcessPoolExecutor, *call: Any) -> Any:
        sent.append(len(pickle.dumps(call)))
        return submit(pool, *call)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", counted)
    with Loader(2) as loader:
        for factor in (2, 3):  # workers must not keep the function of an earlier map
            function = partial(scaled, [factor] * 100_000)
            assert list(loader.map(function, range(20))) == [factor * k for k in range(20)]
    assert len(sent) == 40
    assert max(sent) < 1000


def test_an_exception_comes_where_its_result_would_stand() -> None:
    with Loader(1) as loader:
        results = loader.map(partial(scaled, [1, 1]), [1, 0, 2, 1])
        assert [next(results), next(results)] == [1, 0]
        with pytest.raises(IndexError):
            next(results)


def held_back(item: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="only POSIX can hold signals back")
def test_a_worker_never_sees_ctrl_c_and_its_parent_does() -> None:
    with Loader(1) as loader:
        assert list(loader.map(held_back, [0])) == [True]
    assert not held_back(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_while_a_worker_starts_is_heard_after_it(number: signal.Signals) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before, heard = signal.signal(number, stop), []
    try:
        with pytest.raises(KeyboardInterrupt), without_interrupts():
            signal.raise_signal(number)
            heard.append("the end of the block")
        assert heard == ["the end of the block"]
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)
