"""Numba is loaded ahead in a thread, while the main thread imports modules with kernels."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
import hashlib, threading, time
import numba
from robustbench_seg.corruptions.ahead import begin

def slow(*function, **options):
    if function or "nogil" not in options:
        return njit(*function, **options)  # Numba's own
    return lambda kernel: (time.sleep(0.05), njit(**options)(kernel))[1]

def late_in_the_thread(*content, **options):  # the thread chooses the folder while the main thread compiles, if it can
    end = time.monotonic() + 2
    while threading.current_thread() is not threading.main_thread() and numba.config.CACHE_DIR == sys.argv[1]:
        if time.monotonic() > end:
            break
        time.sleep(0.005)
    return blake2b(*content, **options)

njit, blake2b = numba.njit, hashlib.blake2b
numba.njit, hashlib.blake2b = slow, late_in_the_thread
begin()
import numpy as np
from robustbench_seg.corruptions import corrupt

image = np.full((64, 96, 3), 100, np.uint8)
for name in ("gaussian_noise", "fog"):
    print(name, int(corrupt(image, name, 3, seed=0, image_id="a").astype(np.int64).sum()))
assert begin() is begin()
begin().join()
print(*sorted(str(path.relative_to(sys.argv[1])) for path in Path(sys.argv[1]).rglob("kernels-*")))
"""


def lines(folder: Path, program: str) -> list[str]:
    around = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=around)
    return done.stdout.splitlines()


def test_a_thread_that_loads_the_compiler_disturbs_no_kernel_and_no_folder_of_machine_code(tmp_path: Path) -> None:
    alone = lines(tmp_path / "alone", PROGRAM.replace("\nbegin()\nimport", "\nimport"))
    for number in range(2):  # compiles, then loads what it compiled
        *pixels, folders = lines(tmp_path / "ahead", PROGRAM)
        assert pixels == alone[:-1], number
        assert len(folders.split()) == 1, folders
