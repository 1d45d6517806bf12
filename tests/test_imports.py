"""The direction of imports, read from the sources themselves, and what starts without torch."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from synthetic import write_synthetic

ROOT = Path(__file__).parents[1]
# A module may import from its own layer and from those below it (that is, above it here).
LAYERS = [
    {"errors", "stopping", "wording", "__version__"},
    {"files", "images", "streetscenes"},
    {"environment", "family", "metrics", "own_code"},
    {"store", "corruptions"},
    {"suites", "datasets", "models", "protocols", "yaml_files"},
    {"measure", "studies"},
    {"training", "report", "export"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("segformer", "robustbench_seg")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, anywhere in it: of modules, or of what it takes from them."""
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            found |= {".".join([*base, *([node.module] if node.module else []), alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def parts(names: Iterable[str]) -> set[str]:
    """The parts of robustbench_seg that dotted names lie in: what comes after its own name."""
    return {name.split(".")[1] for name in names if name.startswith("robustbench_seg.")}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("robustbench_seg")])
def test_imports_go_one_way(module: str) -> None:
    others = parts(imported(MODULES[module]))
    if module == "robustbench_seg":
        assert not others
        return
    (part,) = parts([module])
    for other in others:
        assert LEVEL[other] <= LEVEL[part], f"{part} must not import {other}"


def test_every_part_has_a_layer() -> None:
    assert parts(MODULES) | {"__version__"} == LEVEL.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = {module: imported(path) for module, path in MODULES.items()}
    graph = {
        module: {name if name in MODULES else name.rpartition(".")[0] for name in names} & MODULES.keys()
        for module, names in imports.items()
    }
    assert graph["robustbench_seg.cli.program"] >= {
        f"robustbench_seg.cli.{name}" for name in ("run", "report", "train")
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def test_segformer_knows_nothing_of_benchmarks() -> None:
    for path in (ROOT / "segformer").rglob("*.py"):
        assert not any(name.startswith("robustbench_seg") for name in imported(path)), path


def test_a_command_that_needs_no_tensor_does_not_import_torch(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *_: 0.5, models=["m"], conditions={"fog": [1]}, images=3)
    commands = [
        *(["--help"], ["plan", "demo"], ["list", "models"], ["list", "corruptions"]),
        ["compare", str(tmp_path), str(tmp_path)],
    ]
    program = f"""
import sys
from robustbench_seg.__main__ import main
for arguments in {commands!r}:
    sys.argv = ["robustbench-seg", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
    heavy = {{"torch", "numba", "segmentation_models_pytorch", "matplotlib"}} & sys.modules.keys()
    assert not heavy, (arguments, heavy)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_neither_a_report_nor_a_study_nor_an_export_imports_torch() -> None:
    modules = ["report.page", "cli.corrupt_progress", "studies.arms", "studies.bootstrap", "studies.speed"]
    program = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module(f"robustbench_seg.{{module}}")
    assert "torch" not in sys.modules, module
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "package",
    [
        "segformer",
        *(f"robustbench_seg.{n}" for n in ("datasets", "models", "metrics", "suites", "corruptions", "export", "cli")),
    ],
)
def test_all_that_a_package_offers_is_there(package: str) -> None:
    module = __import__(package, fromlist=["__all__"])
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name
