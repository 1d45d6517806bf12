"""What the server of `shared_runs` imports, draws and compiles before it forks: a run of every corruption."""

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import shared_runs
from small import write_suite

from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.suites import read_suite

cv2.setNumThreads(1)  # a fork has none of the threads of OpenCV's pool, and would wait for their end for ever
with TemporaryDirectory() as folder:
    conditions = {name: [1] for name in shared_runs.CORRUPTIONS}
    suite = write_suite(Path(folder), **shared_runs.SUITE, conditions=conditions)
    assert not run(read_suite(str(suite)), Path(folder, "out"), Options(), Listener())
