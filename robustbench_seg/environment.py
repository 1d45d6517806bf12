"""Describe the environment of a run, without torch: versions, machine, commit, command."""

import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import __version__
from .wording import quote

__all__ = [
    "available_cores",
    "cpu_name",
    "default_workers",
    "describe",
    "describe_process",
    "free_memory",
    "machine_name",
    "source_commit",
]

PACKAGES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "onnxruntime", "imagecorruptions", "numpy", "scipy",
    "opencv-python-headless", "pillow", "numba", "pyarrow", "pandas",
)  # fmt: skip
CGROUP = Path("/sys/fs/cgroup")
CPUINFO = Path("/proc/cpuinfo")
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}  # by flag, widest first
RESULTS = (":(exclude)reports", ":(exclude)benchmarks/results")


def describe(device: str, kernels: bool | None = None) -> dict[str, Any]:
    """Describe this run. device: "cpu" or the name of the accelerator. kernels: see `describe_process`."""
    return {
        "robustbench_seg": __version__,
        "commit": source_commit(),
        "command": quote(shlex.join(["robustbench-seg", *sys.argv[1:]])),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_process(device, kernels),
    }


def describe_process(device: str, kernels: bool | None = None) -> dict[str, Any]:
    """Describe what may differ between the processes of a run. device: see `describe`.

    kernels: whether Triton's kernels classify and count here; None where they never do, as on a CPU.
    """
    packages = {name: number for name in PACKAGES if (number := installed_version(name))}
    if kernels is not None:
        packages["triton"] = (kernels and installed_version("triton")) or "not used"
    return {
        "python": platform.python_version(),
        "packages": packages,
        "machine": machine_name(device),
    }


def machine_name(device: str) -> str:
    """Name what decides the speed: the processor, the cores that this process may use, the accelerator."""
    accelerator = "" if device == "cpu" else f", {device}"
    return f"{platform.system()} {platform.machine()}, {cpu_name()}, {available_cores()} cores{accelerator}"


def available_cores() -> int:
    """Count the cores that this process may use: the system's, or its container's share of time if that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # "max" without a limit; another version of cgroups has no such file
        quota, period = map(int, (CGROUP / "cpu.max").read_text(encoding="ascii").split())
        cores = min(cores, -(-quota // period))
    return cores


def free_memory() -> int:
    """Return how many bytes of memory this process can still get: the system's, or its container's if that is less.

    0 on a system that does not tell.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 0
    with suppress(OSError, ValueError):  # without a limit, or with another version of cgroups
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = dict(line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        taken = int((CGROUP / "memory.current").read_text(encoding="ascii")) - int(used["inactive_file"])
        free = min(free, max(0, limit - taken))
    return free


def default_workers(device: str) -> int:
    """Return the default of --workers, the number of processes that load images.

    On a CPU the network needs most cores; a GPU can be faster than all cores load and corrupt images.
    """
    cores = available_cores()
    if device.partition(":")[0] == "cpu":
        return min(8, cores // 4)
    return min(16, max(cores // 2, cores - 2))


def cpu_name() -> str:
    """Return the processor's name with its family, model and widest vectors; "unknown processor" without any of them.

    Its speed does not follow from the name alone: in a virtual machine it often is "AMD EPYC", whatever the generation.
    """
    try:
        first = CPUINFO.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return platform.processor() or "unknown processor"
    pairs = (line.partition(":") for line in first.splitlines())
    facts = {name.strip(): value.strip() for name, _, value in pairs}
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    names = ("cpu family", "model", "CPU implementer", "CPU part")
    details = [f"{name} {facts[name]}" for name in names if name in facts]
    details += [name for flag, name in VECTORS.items() if flag in flags][:1]
    name = facts.get("model name") or platform.processor() or "unknown processor"
    return f"{name} ({', '.join(details)})" if details else name


def installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def source_commit() -> str:
    """Return the commit of the checkout that this package runs from, "" without one. "+" is added for changed files.

    New files and files of results do not count, because a run itself writes them.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        commit = run_git(root, "rev-parse", "--short=12", "HEAD")
        changes = run_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *RESULTS)
        return commit + ("+" if changes else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def run_git(root: Path, *arguments: str) -> str:
    result = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True, timeout=10)
    return result.stdout.strip()
