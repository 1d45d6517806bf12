"""The environment in a record."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from robustbench_seg import environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose one commit has a file of code and one of results."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    for name in ("robustbench_seg/environment.py", "reports/study/report.md", "benchmarks/results/speed.md"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("as committed")
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "robustbench_seg" / "environment.py"))
    for command in ("init", "add .", "-c user.name=n -c user.email=e commit -m one"):
        subprocess.run(["git", "-C", tmp_path, *command.split()], check=True, capture_output=True)
    return tmp_path


def test_a_commit_is_marked_where_code_differs_from_it(checkout: Path) -> None:
    commit = environment.source_commit()
    assert len(commit) == 12
    (checkout / "robustbench_seg" / "environment.py").write_text("changed")
    assert environment.source_commit() == f"{commit}+"


def test_cores_are_the_containers_share_of_time_where_that_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "CGROUP", tmp_path)
    monkeypatch.setattr(environment.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert environment.available_cores() == 8
    for limit, cores in {"max 100000": 8, "250000 100000": 3, "50000 100000": 1, "1600000 100000": 8}.items():
        (tmp_path / "cpu.max").write_text(f"{limit}\n")
        assert environment.available_cores() == cores


def test_results_that_a_run_writes_do_not_mark_its_commit(checkout: Path) -> None:
    commit = environment.source_commit()
    for name in ("reports/study/report.md", "benchmarks/results/speed.md"):
        (checkout / name).write_text("changed")
    assert environment.source_commit() == commit


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (
            "cpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: sse avx avx2 fma",
            "AMD EPYC (cpu family 25, model 1, AVX2)",
        ),
        (
            "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: avx2 avx512f avx512_vnni",
            "AMD EPYC (cpu family 25, model 17, AVX-512)",
        ),
        (
            "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40",
            "aarch64 (CPU implementer 0x41, CPU part 0xd40, SVE)",
        ),
        ("model name\t: X: 1", "X: 1"),
        ("", "aarch64"),
    ],
)
def test_processors_of_one_name_are_told_apart(
    lines: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"{lines}\n\nmodel name\t: of another core\n", encoding="utf-8")
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "aarch64")
    assert environment.cpu_name() == name
