"""Times within one process, ours and the oracle's by turns; and throughput as threads and processes are added."""

import functools
import importlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from robustbench_seg.corruptions import corrupt
from robustbench_seg.protocols import conditions_of

__all__ = ["PROTOCOL", "SLOW", "Samples", "alternately", "scaling"]

PROTOCOL = "segformer"
SEVERITIES = (1, 2, 3, 4, 5)
SLOW = ("glass_blur",)  # the oracle's loops over pixels in Python
QUICK_MS, MOST_PAIRS = 100.0, 5  # a condition is sampled again in a round while it has taken less than that
TESTS = Path(__file__).parents[1] / "tests"

Samples = dict[str, list[float]]
Work = list[tuple[str, int]]


def alternately(image: Any, names: Sequence[str], samples: int, slow_samples: int) -> dict[str, Samples]:
    """Time every corruption and severity; {"fog 3": {"ours": [ms, ...], "oracle": [ms, ...]}}, in rounds.

    A round takes one sample of every condition, or a few where they are quick, so that a disturbance of the machine
    falls on few samples of many conditions, which their medians outlast, rather than on all samples of one. Each round
    has draws of its own, since an angle or a texture may take longer than another. Who goes first changes each time.
    """
    cv2.setNumThreads(1)
    oracle = import_oracle()

    def ours(name: str, severity: int, draw: int) -> Any:
        return corrupt(image, name, severity, seed=draw, image_id="benchmark")

    def theirs(name: str, severity: int, draw: int) -> Any:
        return oracle.corrupt(image, name, severity, draw)

    sides: dict[str, Callable[[str, int, int], Any]] = {"ours": ours, "oracle": theirs}
    conditions = [(name, severity) for name in names for severity in SEVERITIES]
    for name in names:  # warm up: imports, compilation, tables, textures
        for severity in SEVERITIES:
            ours(name, severity, samples)
        if name in SLOW:
            oracle.corrupt(image[:64, :64], name, 3, 0)  # nothing is compiled or kept there
        else:
            theirs(name, 3, samples)
    times: dict[str, Samples] = {f"{name} {severity}": {"ours": [], "oracle": []} for name, severity in conditions}

    def take_turns(name: str, severity: int, draw: int, order: tuple[str, str]) -> float:
        """Take a sample of each side; return the milliseconds of both."""
        spent_ms = 0.0
        for side in order:
            if side == "ours" or name not in SLOW or draw < slow_samples:
                start = time.perf_counter()
                sides[side](name, severity, draw)
                elapsed_ms = 1000 * (time.perf_counter() - start)
                times[f"{name} {severity}"][side].append(elapsed_ms)
                spent_ms += elapsed_ms
        return spent_ms

    orders = ("ours", "oracle"), ("oracle", "ours")
    for draw in range(samples):
        for name, severity in conditions:
            pairs, spent_ms = 0, 0.0
            while pairs == 0 or (pairs < MOST_PAIRS and spent_ms < QUICK_MS):
                spent_ms += take_turns(name, severity, draw, orders[(draw + pairs) % 2])
                pairs += 1
        print(f"round {draw + 1} of {samples}", file=sys.stderr, flush=True)
    return times


def import_oracle() -> Any:
    """Import tests/oracle.py, which no package holds."""
    sys.path.insert(0, str(TESTS))
    try:
        return importlib.import_module("oracle")
    finally:
        sys.path.remove(str(TESTS))


def scaling(image_path: Path, names: Sequence[str]) -> dict[str, float]:
    """Images per second with 1 and 2 workers; {"threads 1": images/s, "threads 2": ..., "processes 1": ...}."""
    work = [(name, s) for name, severities in conditions_of(PROTOCOL).items() if name in names for s in severities]
    if not work:
        return {}
    spawn = multiprocessing.get_context("spawn")
    pools: dict[str, Callable[[int], Executor]] = {
        "threads": ThreadPoolExecutor,
        "processes": functools.partial(ProcessPoolExecutor, mp_context=spawn),
    }
    with spawn.Manager() as manager:
        return {
            f"{kind} {count}": images_per_s(pool(count), count, manager.Barrier(count), image_path, work)
            for kind, pool in pools.items()
            for count in (1, 2)
        }


def images_per_s(pool: Executor, count: int, start: Any, image_path: Path, work: Work) -> float:
    """Let each of `count` workers do all the work, from the moment that all are warm.

    Each begins at another place of the list, so that the workers do different work at any moment.
    """
    shifts = [len(work) * i // count for i in range(count)]
    with pool:
        jobs = [pool.submit(corrupt_all, image_path, work[shift:] + work[:shift], start) for shift in shifts]
        spans = [job.result() for job in jobs]
    return count * len(work) / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def corrupt_all(image_path: Path, work: Work, start: Any) -> tuple[float, float]:
    """Warm up, wait for the others, corrupt; return when the work began and ended, in seconds."""
    cv2.setNumThreads(1)
    image = np.load(image_path)
    for name, severity in work:
        corrupt(image[:64, :96], name, severity)
    start.wait(timeout=300)
    begin = time.monotonic()  # one clock for all processes of a machine
    for k, (name, severity) in enumerate(work):
        corrupt(image, name, severity, image_id=str(k))
    return begin, time.monotonic()
