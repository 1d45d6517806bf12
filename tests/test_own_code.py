"""What of a user's code enters its hash, and what has no source to hash."""

import functools
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import robustbench_seg
from robustbench_seg import own_modules
from robustbench_seg.errors import UsageError
from robustbench_seg.own_code import has_source, own_files, source_hash

MODULES = {
    "rain.py": """
import json
import numpy as np
import robustbench_seg.corruptions
import drops
import clouds.high.cirrus
from mist.core import THIN
from weather_lab import wet
from weather_lab.deep import sky

DENSITY = 3

def helper(image):
    return image // DENSITY

def rain(image, severity, draws):
    import late
    return helper(image)

class Rain:
    def fall(self):
        return rain
""",
    "drops.py": "import more_drops\nSIZE = 1\n",
    "more_drops.py": "import drops\nCOLOUR = 1\n",
    "late.py": "ANGLE = 1\n",
    "weather_lab/__init__.py": "from .wet import WET\n",
    "weather_lab/wet.py": "from . import base\nWET = 1\n",
    "weather_lab/base.py": "BASE = 1\n",
    "weather_lab/deep/sky.py": "from ..unused_elsewhere import CLOUD\n",
    "weather_lab/unused_elsewhere.py": "CLOUD = 1\n",
    "weather_lab/not_imported.py": "NOTHING = 1\n",
    "clouds/__init__.py": "STRENGTH = 1\n",
    "clouds/high/__init__.py": "HEIGHT = 1\n",
    "clouds/high/cirrus.py": "ICE = 1\n",
    "clouds/low.py": "NOTHING = 1\n",
    "mist/__init__.py": "from . import droplets\n",
    "mist/core.py": "THIN = 1\n",
    "mist/droplets.py": "RADIUS = 1\n",
    "other.py": "NOTHING = 1\n",
}
COUNTS = [name for name in MODULES if name not in ("other.py", "weather_lab/not_imported.py", "clouds/low.py")]


def write(folder: Path, **changes: str) -> None:
    for name, text in {**MODULES, **changes}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def fresh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import rain.py as a new process would."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    forget(monkeypatch)
    return importlib.import_module("rain")


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {name.partition("/")[0].removesuffix(".py") for name in MODULES}
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("name", MODULES)
def test_an_edit_changes_the_hash_if_the_code_imports_that_file_in_any_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    before = source_hash(fresh(tmp_path, monkeypatch).rain)
    write(tmp_path, **{name: MODULES[name].replace("1", "2").replace("DENSITY = 3", "DENSITY = 4") + "\n"})
    assert (source_hash(fresh(tmp_path, monkeypatch).rain) != before) == (name in COUNTS)


def test_a_class_has_the_hash_of_its_file_and_a_version_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    module = fresh(tmp_path, monkeypatch)
    assert source_hash(module.Rain) == source_hash(module.rain) == source_hash("rain")
    assert len({source_hash(module.rain, version) for version in ("", "1", "2")}) == 3


DECORATED = """
from robustbench_seg.own_code import has_source, source_hash
hashes = []

def hashed(function):
    hashes.append(source_hash(function, "1") if has_source(function) else None)
    return function

@hashed
def drizzle(image, severity, draws):
    return image

drop = hashed(lambda image: image)

def make():
    @hashed
    def inside(image):
        return image
    return inside

make()
"""


def test_a_decorator_sees_the_source_of_a_function_that_its_module_does_not_have_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, **{"rain.py": DECORATED})
    module = fresh(tmp_path, monkeypatch)
    later = source_hash(module.drizzle, "1")
    assert module.hashes == [later, None, None]
    assert importlib.reload(module).hashes == [later, None, None], "the module has the former function by then"


@pytest.mark.parametrize("offered", [True, False])
def test_code_of_an_installed_package_has_the_hash_of_its_source_and_its_version(
    offered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    for folder, version, text in (
        ("site-packages", "1", "SIZE = 1\n"),
        ("site-packages", "2", "SIZE = 1\n"),
        ("site-packages", "2", "SIZE = 2\n"),
        ("own", "2", "SIZE = 2\n"),
        ("own", "3", "SIZE = 2\n"),
    ):
        place = tmp_path / str(len(hashes)) / folder
        write(place, **{"weather_lab/base.py": text})
        metadata = place / f"weather_lab-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: weather-lab\nVersion: {version}\n")
        (metadata / "RECORD").write_text("weather_lab/__init__.py,,\nweather_lab/wet.py,,\n" if offered else "")
        with monkeypatch.context() as patch:
            fresh(place, patch)
            hashes.append(source_hash("weather_lab.wet"))
    installed, upgraded, edited, own, own_upgraded = hashes
    assert (installed != upgraded) == offered
    assert (edited != own) == offered, "a user's own code has no version but its source"
    assert edited != upgraded
    assert own == own_upgraded


def test_the_folder_in_which_the_code_lies_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        write(tmp_path / name)
    hashes = {source_hash(fresh(tmp_path / name, monkeypatch).rain) for name in ("here", "there")}
    assert len(hashes) == 1


def test_modules_are_found_without_running_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{"weather_lab/__init__.py": "raise SystemExit('this ran')\n", "late.py": "raise SystemExit\n"})
    forget(monkeypatch)
    monkeypatch.syspath_prepend(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in own_files("rain")}
    assert names == {*COUNTS}
    assert "rain" not in sys.modules


@pytest.mark.parametrize(
    ("module", "files"),
    [
        ("clouds.high.cirrus", {"clouds/__init__.py", "clouds/high/__init__.py", "clouds/high/cirrus.py"}),
        ("mist.core", {"mist/__init__.py", "mist/core.py", "mist/droplets.py"}),
        (  # deep/ has no __init__.py, the package above it has one
            "weather_lab.deep.sky",
            {f"weather_lab/{name}.py" for name in ("__init__", "wet", "base", "deep/sky", "unused_elsewhere")},
        ),
    ],
)
def test_the_packages_in_which_a_module_lies_count_with_what_they_import(
    module: str, files: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    forget(monkeypatch)
    monkeypatch.syspath_prepend(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in own_files(module)} == files


def test_of_a_module_in_a_family_of_this_package_what_it_imports_from_its_side_counts() -> None:
    package = Path(robustbench_seg.__file__).parent / "corruptions"
    files = own_files("robustbench_seg.corruptions.colour")
    assert {package / "colour.py", package / "compiled.py", package / "pixels.py"} <= files
    assert all(path.parent == package for path in files)
    assert package / "__init__.py" not in files, "else a new entry of the registry would be an edit of every corruption"


def test_the_import_statements_of_a_file_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    module, read = fresh(tmp_path, monkeypatch), []
    parse = own_modules.ast.parse
    monkeypatch.setattr(own_modules.ast, "parse", lambda text: read.append(text) or parse(text))
    for code in (module.rain, module.Rain, "weather_lab.deep.sky"):
        source_hash(code)
    assert len(read) == len(COUNTS)
    (tmp_path / "drops.py").write_text("import other\n")
    assert tmp_path / "other.py" in own_files("rain")


def made() -> object:
    def inside(image: object) -> object:
        return image

    return inside


def top_level(image: object) -> object:
    return image


def typed_into_a_shell() -> object:
    scope: dict[str, object] = {"__name__": __name__}
    exec(compile("def typed(image):\n    return image\n", "<stdin>", "exec"), scope)
    globals()["typed"] = scope["typed"]
    return scope["typed"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (made(), "it was made inside another function, where no name finds it"),
        (lambda image: image, "it is a lambda, which has no name to find it by"),
        (functools.partial(top_level, 1), "it is neither a function nor a class, but partial"),
        (len, "it is not written in Python"),
        (typed_into_a_shell(), "it was typed into a shell or a notebook"),
        ("no_such_module", "there is no file of a module of that name"),
        (3, "it is neither a function nor a class, but int"),
    ],
    ids=["closure", "lambda", "partial", "builtin", "shell", "module", "number"],
)
def test_code_without_a_source_file_needs_a_version(code: object, why: str) -> None:
    assert not has_source(code)
    with pytest.raises(UsageError) as raised:
        source_hash(code)
    assert str(raised.value).endswith(
        f" has no source file: {why}; give it a version, and a new version after each edit"
    )
    assert source_hash(code, "1") != source_hash(code, "2")


def test_code_of_a_script_is_hashed_and_code_of_a_command_is_not(tmp_path: Path) -> None:
    text = """
from robustbench_seg.own_code import has_source, source_hash
import helper
def rain(): ...
print(has_source(rain), source_hash(rain, "1"))
"""
    (tmp_path / "script.py").write_text(text, encoding="utf-8")
    said = []
    for how in (["script.py"], ["-m", "script"], ["-c", text]):
        (tmp_path / "helper.py").write_text("", encoding="utf-8")
        for helper in ("", "EDITED = 1"):
            (tmp_path / "helper.py").write_text(helper, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, *how], cwd=tmp_path, capture_output=True, text=True, check=True,
                env={"PYTHONPATH": f"{Path(robustbench_seg.__file__).parents[1]}:{tmp_path}"},
            )  # fmt: skip
            said.append(done.stdout.split())
    script, script_edited, module, module_edited, command, command_edited = said
    assert script[0] == module[0] == "True"
    assert script == module
    assert script_edited == module_edited != script
    assert command == command_edited
    assert command[0] == "False"
