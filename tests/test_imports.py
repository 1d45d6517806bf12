"""The direction of imports, read from the sources themselves, and what starts without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A module may import from its own layer and from those below it (that is, above it here).
LAYERS = [
    {"errors", "wording", "__version__"},
    {"files"},
    {"record", "validation", "loading"},
    {"corruptions", "metrics", "environment"},
    {"datasets", "models", "store", "protocols"},
    {"suites", "views", "gallery"},
    {"condition"},
    {"evaluate", "latency", "studies", "estimate"},
    {"planning", "training", "report", "listing", "export"},
    {"runner"},
    {"progress", "train_progress", "export_progress"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imported_parts(path: Path) -> set[str]:
    """The parts of robustbench_seg that a file imports, by their first name below the package."""
    package = ("robustbench_seg", *path.relative_to(ROOT / "robustbench_seg").parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = [*base, *(node.module.split(".") if node.module else [])]
            if full[:1] == ["robustbench_seg"]:
                found |= {full[1]} if len(full) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("robustbench_seg.")}
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "robustbench_seg").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_go_one_way(path: Path) -> None:
    relative = path.relative_to(ROOT / "robustbench_seg")
    part = relative.parts[0].removesuffix(".py")
    if part == "__init__":
        assert not imported_parts(path)
        return
    for other in imported_parts(path):
        assert LEVEL[other] <= LEVEL[part], f"{part} must not import {other}"


def test_segformer_knows_nothing_of_benchmarks() -> None:
    for path in (ROOT / "segformer").rglob("*.py"):
        assert not imported_parts_of_segformer(path), path


def imported_parts_of_segformer(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return [name for name in names if name.startswith("robustbench_seg")]


@pytest.mark.parametrize("arguments", [["list", "corruptions"], ["list", "models"], ["plan", "demo"], ["--help"]])
def test_a_command_that_needs_no_tensor_does_not_import_torch(arguments: list[str]) -> None:
    program = f"""
import sys
sys.argv = ["robustbench-seg", *{arguments!r}]
from robustbench_seg.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "numba", "segmentation_models_pytorch", "matplotlib"}} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "module", ["report.page", "export_progress", "studies.arms", "studies.bootstrap", "studies.speed"]
)
def test_neither_a_report_nor_a_study_nor_an_export_imports_torch(module: str) -> None:
    program = f"import sys, robustbench_seg.{module}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "package",
    ["segformer", *(f"robustbench_seg.{n}" for n in ("datasets", "models", "metrics", "suites", "corruptions"))],
)
def test_all_that_a_package_offers_is_there(package: str) -> None:
    module = __import__(package, fromlist=["__all__"])
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name
