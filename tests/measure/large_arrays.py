"""What workers make in tests of their arrays; apart from the tests, so that worker processes start fast."""

import os
import signal

import numpy as np

from robustbench_seg.measure.handover import SMALL

LARGE = SMALL + 1


def filled(value: int, size: int = LARGE) -> np.ndarray:
    return np.full(size, value, np.uint8)


def filled_or_killed(k: int) -> np.ndarray:
    """Fill an array with a number; a negative one ends the process."""
    if k < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return filled(k)
