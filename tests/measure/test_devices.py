"""Memory that a process keeps for its next arrays."""

import resource
import sys
from pathlib import Path

import pytest
import torch
from small import write_suite

from robustbench_seg.errors import MachineError
from robustbench_seg.measure import plan
from robustbench_seg.measure.devices import memory_kept
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.suites import read_suite

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc")
PAGES = 20_000  # of 4 KiB: more than glibc takes from memory that it shares between arrays


def pages_cleared(times: int, size: int = PAGES * 4096) -> int:
    """Count the pages that the system had to clear for an array of so many bytes, made and freed again and again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.full((size,), 1, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


@on_linux
def test_memory_is_kept_in_the_block_and_given_back_after_it() -> None:
    with memory_kept():  # so that what other tests have freed is given back, and no array lies in it
        pass
    assert pages_cleared(3) >= 3 * PAGES
    with memory_kept():
        pages_cleared(10)  # at first, small arrays take parts of what is free, and the next large one needs more
        assert pages_cleared(3) < PAGES
        inside = resident_pages()
    assert resident_pages() < inside - PAGES / 2
    assert pages_cleared(3) >= PAGES


def test_an_error_passes_through() -> None:
    with pytest.raises(KeyError), memory_kept():
        raise KeyError


@on_linux
def test_two_blocks_at_once_keep_memory_until_the_last_one_ends() -> None:
    first, second = memory_kept(), memory_kept()
    with first:
        second.__enter__()
        pages_cleared(10)
    assert pages_cleared(3) < PAGES
    inside = resident_pages()
    second.__exit__(None, None, None)
    assert resident_pages() < inside - PAGES / 2


@on_linux
def test_after_the_block_arrays_of_usual_sizes_are_not_cleared_more_often_than_before() -> None:
    with memory_kept():
        pass
    pages_cleared(10, 2**23)
    assert pages_cleared(20, 2**23) < 5 * 2**23 / resource.getpagesize()


FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")
BUSY = torch.AcceleratorError("CUDA error: all CUDA-capable devices are busy or unavailable\nFor debugging ...")


@pytest.mark.parametrize("fault", [FULL, BUSY], ids=["full", "busy"])
@pytest.mark.parametrize("place", ["load_source", "accelerator_of"])
def test_a_gpu_that_takes_no_model_is_named_in_one_line(
    place: str, fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise fault

    monkeypatch.setattr(plan, place, fail)
    with pytest.raises(MachineError, match=r"--device cpu: models can't be loaded there \(.*CUDA .*nvidia-smi") as line:
        run(read_suite(str(write_suite(tmp_path))), tmp_path / "out", Options(), Listener())
    assert "\n" not in str(line.value)
