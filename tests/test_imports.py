"""The direction of imports, read from the sources themselves, and what starts without torch."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from synthetic import write_synthetic

ROOT = Path(__file__).parents[1]
# A part of robustbench_seg, or segformer, imports nothing but itself and parts of the lines above its own.
ORDER = """
    segformer streetscenes errors stopping wording __version__
    temporary_files
    alignment environment family files html_pages images own_modules
    own_code owned_files locks private_folders
    own_values metrics plugin
    store yaml_faults
    yaml_files
    corruptions datasets models
    protocols
    suites studies
    charts
    measure report
    training export quantisation leaderboard
    api
    cli
    __main__
"""
LEVEL = {part: level for level, line in enumerate(ORDER.strip().splitlines()) for part in line.split()}
HEAVY = {"torch", "numba", "segmentation_models_pytorch", "matplotlib"}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("segformer", "robustbench_seg")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path != ROOT / "robustbench_seg/__init__.py"  # imports what is behind it when asked: see test_front_door.py
}


def part_of(name: str) -> str:
    """The part that a dotted name lies in; "" for the front door."""
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
    heavy = {HEAVY!r} & sys.modules.keys()
    assert not heavy, (arguments, heavy)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_neither_a_report_nor_a_study_nor_an_export_nor_a_process_that_corrupts_imports_torch() -> None:
    names = ("report.page", "cli.corrupt_progress", "studies.arms", "studies.speed", "measure.engines.nodes")
    modules = [f"robustbench_seg.{name}" for name in names]
    program = f"import {', '.join(modules)}, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


FAMILIES = ("datasets", "models", "metrics", "suites", "corruptions", "export", "cli")


@pytest.mark.parametrize("package", ["segformer", *(f"robustbench_seg.{name}" for name in FAMILIES)])
def test_all_that_a_package_offers_is_there(package: str) -> None:
    module = __import__(package, fromlist=["__all__"])
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name
