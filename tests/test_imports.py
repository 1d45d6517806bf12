"""The direction of imports, read from the sources themselves, and what starts without torch."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A part of robustbench_seg, or segformer, imports nothing but itself and parts of the lines above its own.
ORDER = """
    segformer streetscenes errors stopping wording __version__
    environment family files images
    own_code
    metrics plugin
    store
    corruptions datasets models yaml_files
    protocols
    suites studies
    measure report
    training export
    cli
    __main__
"""
LEVEL = {part: level for level, line in enumerate(ORDER.strip().splitlines()) for part in line.split()}
HEAVY = {"torch", "numba", "segmentation_models_pytorch", "matplotlib"}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("segformer", "robustbench_seg")
    for path in sorted((ROOT / package).rglob("*.py"))
}
del MODULES["robustbench_seg"]  # the front door: it imports a part when that is asked for, see test_front_door.py


def part_of(name: str) -> str:
    """The part that a dotted name lies in; "" for robustbench_seg itself."""
    package, _, rest = name.partition(".")
    return rest.partition(".")[0] if package == "robustbench_seg" else package


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, anywhere in it: of modules, or of what it takes from them."""
    package = path.relative_to(ROOT).parts[:-1]
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            modules |= {".".join([*base, *([node.module] if node.module else []), alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    own = part_of(module)
    ours = [name for name in imported(MODULES[module]) if name.split(".")[0] in ("segformer", "robustbench_seg")]
    for other in {part_of(name) for name in ours} - {own}:
        assert LEVEL.get(other, len(LEVEL)) < LEVEL.get(own, 0), f"{own or module} must not import {other or ours}"


def test_every_part_has_its_place_in_the_order() -> None:
    assert {part_of(module) for module in MODULES} | {"__version__"} == LEVEL.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name if name in MODULES else name.rpartition(".")[0] for name in imported(path)} & MODULES.keys()
        for module, path in MODULES.items()
    }
    assert graph["robustbench_seg.cli.program"] >= {
        f"robustbench_seg.cli.{name}" for name in ("run", "report", "train")
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        *(
            (["-m", "robustbench_seg", *command.split()], HEAVY)
            for command in ("list corruptions", "list models", "plan demo", "--help")
        ),
        *(
            (["-c", f"import robustbench_seg.{module}"], {"torch"})
            for module in ("report.page", "cli.corrupt_progress", "studies.arms", "studies.bootstrap", "studies.speed")
        ),
    ],
)
def test_whatever_needs_no_tensor_starts_without_torch(arguments: list[str], heavy: set[str]) -> None:
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    started = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "robustbench_seg" in started
    assert not heavy & started


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
