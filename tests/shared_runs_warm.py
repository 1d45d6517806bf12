"""What the server of `shared_runs` imports and compiles before it forks."""

import numpy as np
import shared_runs

from robustbench_seg import corruptions
from robustbench_seg.datasets.streets import Streets

Streets("test", size=(64, 96), count=1).load("streets_000000_2000000")
for name in shared_runs.CORRUPTIONS:
    corruptions.corrupt(np.zeros((64, 96, 3), np.uint8), name, severity=1, seed=0, image_id="")
