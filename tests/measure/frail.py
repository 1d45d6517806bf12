"""A corruption that ends its process; in a module without torch, so that tasks that corrupt start fast."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

import robustbench_seg as rb


@rb.corruption("frail", category="mine", draws=False)
def frail(image: np.ndarray, severity: int, draws: Any) -> np.ndarray:
    """Darken an image. At severity 2 the first process to do so ends, at 3 each does, at 4 an image is refused."""
    folder = Path(os.environ["FRAIL"])
    if severity == 2:
        try:
            (folder / "once").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    if severity == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if severity == 4 and image.mean() > float((folder / "bright").read_text()):
        raise ValueError("too bright")
    return image // 2
