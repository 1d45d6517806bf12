"""What a new process pays: import, first call, peak memory. Run as a program, this is that process."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["first_calls", "import_times_ms"]

ROOT = Path(__file__).parents[1]
IMPORT = """
import time
start = time.perf_counter()
import {module}
print(1000 * (time.perf_counter() - start))
"""


def import_times_ms(repeats: int) -> dict[str, float]:
    """Time `import MODULE` in new processes; {module: median ms}."""

    def once(module: str) -> float:
        return float(child("-c", IMPORT.format(module=module)))

    return {
        module: statistics.median(once(module) for _ in range(repeats))
        for module in ("robustbench_seg", "robustbench_seg.corruptions")
    }


def first_calls(image_path: Path, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Measure each corruption in a process of its own; {name: {"first_call_ms": ..., "peak_mib": ...}}.

    `peak_mib` is the peak of a process that corrupts the image once at every severity, less that of one that
    imports NumPy and holds the image. Each process runs twice and the second counts: the kernels are then
    cached on disk.
    """

    def measured(*arguments: str) -> Any:
        for _ in range(2):
            text = child("-m", "benchmarks.fresh", str(image_path), *arguments)
        return json.loads(text)

    idle = measured()["peak_mib"]
    found = {name: measured(name) for name in names}
    return {name: {**values, "peak_mib": values["peak_mib"] - idle} for name, values in found.items()}


def child(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(image_path: str, *names: str) -> None:
    """Hold the image, corrupt it if a name is given, print what was measured."""
    import numpy as np

    image = np.load(image_path)
    result = {}
    for name in names:
        start = time.perf_counter()
        from robustbench_seg.corruptions import corrupt

        corrupt(image, name, 5)
        result["first_call_ms"] = 1000 * (time.perf_counter() - start)
        for severity in (1, 2, 3, 4):
            corrupt(image, name, severity)
    print(json.dumps({**result, "peak_mib": peak_memory_mib()}))


def peak_memory_mib() -> float:
    """Return the largest resident memory this process has had.

    Linux counts in ru_maxrss what the process's parent held when it started it, so two children of a large
    parent would seem to need equally much. VmHWM starts with the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


if __name__ == "__main__":
    main(*sys.argv[1:])
