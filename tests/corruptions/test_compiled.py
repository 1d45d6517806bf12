"""Compiled kernels are loaded from the cache, but never kernels of other sources."""

import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import robustbench_seg
from robustbench_seg.corruptions import compiled

ROOT = Path(robustbench_seg.__file__).parents[1]
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from robustbench_seg.corruptions import philox, seeds
seeds.seeded(0, "fog", 1, "").uniform(size=8)
stats = philox.fill_uniform.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), philox.__file__)
"""


def hits_and_misses(root: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root)], capture_output=True, text=True, check=True, cwd=root
    )
    hits, misses, file = done.stdout.split()
    assert Path(file).is_relative_to(root)
    return int(hits), int(misses)


def test_a_kernel_is_compiled_once_and_again_only_when_any_source_changes(tmp_path: Path) -> None:
    package = Path(robustbench_seg.__file__).parent
    shutil.copytree(
        package, tmp_path / "robustbench_seg", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
    )
    assert hits_and_misses(tmp_path) == (0, 1)
    assert hits_and_misses(tmp_path) == (1, 0)
    with (tmp_path / "robustbench_seg" / "corruptions" / "lines.py").open("a") as other:
        other.write("# a change in a file that is not the kernel's own\n")
    assert hits_and_misses(tmp_path) == (0, 1)


def test_a_users_kernel_is_compiled_again_when_a_kernel_that_it_calls_is_edited(tmp_path: Path) -> None:
    program = """
import own
print(own.kernel(1), sum(own.kernel.stats.cache_hits.values()))
"""
    (tmp_path / "own.py").write_text(
        "from robustbench_seg.corruptions.compiled import compiled\nimport helper\n"
        "@compiled\ndef kernel(x):\n    return helper.helper(x)\n"
    )
    runs = []
    for step in (1, 1, 20):
        (tmp_path / "helper.py").write_text(
            "from robustbench_seg.corruptions.compiled import compiled\n"
            f"@compiled\ndef helper(x):\n    return x + {step}\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True,
            env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path)},
        )  # fmt: skip
        runs.append(done.stdout.split())
    assert runs == [["2", "0"], ["2", "1"], ["21", "0"]]


def test_numbas_own_setting_is_left_as_it_was() -> None:
    before = numba.config.CACHE_DIR

    @compiled.compiled
    def kernel(x: int) -> int:
        return x + 1

    assert kernel(1) == 2
    assert before == numba.config.CACHE_DIR


def test_a_chosen_folder_of_caches_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path))
    folder = compiled._folder.__wrapped__()
    assert folder.parent == tmp_path


def test_without_a_writable_folder_kernels_are_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()  # stands where the folder would have to be, which not even root can write
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path / "file"))
    assert compiled._folder.__wrapped__() is None
    monkeypatch.setattr(compiled, "_folder", lambda own: None)

    @compiled.compiled
    def kernel(x: int) -> int:
        return x + 1

    assert kernel(1) == 2
    assert str(tmp_path / "file") == compiled.config.CACHE_DIR
