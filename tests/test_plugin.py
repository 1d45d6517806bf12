"""`--plugin FILE.py`: what its decorators register is there in every command, in workers too; faults are one line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from program import program
from small import write_suite

from robustbench_seg.corruptions import CORRUPTIONS
from robustbench_seg.errors import UsageError
from robustbench_seg.plugin import import_file

RAIN = """
from robustbench_seg import corruption
from wetness import STEP

@corruption("rain", category="wetness", version="1")
def rain(image, severity, draws):
    return image // (1 + severity * STEP)
"""
HAIL = """
from robustbench_seg import corruption

@corruption("hail", category="weather")
def hail(image, severity, draws):
    return 255 - image
"""


@pytest.fixture(autouse=True)
def own_search_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the search path as it was, and no bytecode that would outlive an edit within a second."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    forget()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two plugins, a helper of one of them, and a suite with their corruptions that only they make readable."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "rain.py").write_text(RAIN)
    (plugins / "wetness.py").write_text("STEP = 1\n")
    (plugins / "hail.py").write_text(HAIL)
    conditions = {"rain": [1, 3], "hail": [2], "contrast": [2]}
    write_suite(tmp_path, models=[{"name": "constant"}], views=["whole"], gallery=[], conditions=conditions)
    return tmp_path


def command(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run a command as a process of its own would: without what an earlier one has imported and registered."""
    forget()
    done = program(*arguments, cwd=folder)
    forget()
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def forget() -> None:
    for name in ("rain", "hail", "wetness"):
        sys.modules.pop(name, None)
        if name in CORRUPTIONS:
            del CORRUPTIONS[name]


BOTH = ("--plugin", "plugins/rain.py", "--plugin", "plugins/hail.py")


def test_every_command_knows_what_the_plugins_register(folder: Path) -> None:
    listed = [line.split() for line in command(folder, "list", "corruptions", *BOTH).splitlines()]
    assert ["wetness", "rain", "yes"] in listed
    assert ["weather", "hail", "yes"] in listed
    assert "hail" in command(folder, "plan", "small.yaml", *BOTH)
    assert "unknown corruption 'hail'" in command(folder, "plan", "small.yaml", status=2)

    command(folder, "run", "small.yaml", "--out", "out", "--workers", "1", *BOTH)
    frame = pd.read_parquet(folder / "out/cells")
    assert set(zip(frame["corruption"], frame["severity"], strict=True)) == {
        ("clean", 0), ("rain", 1), ("rain", 3), ("hail", 2), ("contrast", 2)
    }  # fmt: skip

    categories = folder / "out/report/small-robustness-whole.csv"
    assert {"wetness", "weather", "digital"} <= {*pd.read_csv(categories)["quantity"]}
    note = "no means per category: no category of rain, hail is registered here; see --plugin"
    assert note in command(folder, "report", "out", "--out", "without")
    without = {*pd.read_csv(folder / "without" / categories.name)["quantity"]}
    assert not {"wetness", "weather", "digital"} & without, "a mean over the others would be another number"
    assert note not in command(folder, "report", "out", "--out", "with", *BOTH)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "with" / categories.name), pd.read_csv(categories))

    options = ("--corruptions", "rain", "--severities", "3", "--limit", "1", "--workers", "1")
    command(folder, "corrupt", "streets", "--out", "images", *options, *BOTH)
    assert len(list((folder / "images/rain/3").rglob("*_leftImg8bit.png"))) == 1


def test_an_edit_of_a_plugin_measures_its_cells_anew_and_no_other(folder: Path) -> None:
    stored = []
    for step in (1, 2):
        (folder / "plugins/wetness.py").write_text(f"STEP = {step}\n")
        command(folder, "run", "small.yaml", "--out", "out", "--workers", "0", *BOTH)
        stored.append({path.name: path.stat().st_mtime_ns for path in (folder / "out/cells").glob("*.parquet")})
    new = stored[1].items() - stored[0].items()
    assert sorted(name.rpartition("-")[0] for name, _ in new) == [
        "constant-streets-rain-1-whole",
        "constant-streets-rain-3-whole",
    ]
    assert stored[0].items() <= stored[1].items()


FAULTS = {
    "def f(:\n": "FILE:1: SyntaxError: invalid syntax",
    "import os\n\n1 / 0\n": "FILE:3: ZeroDivisionError: division by zero",
    "import no_such_module\n": "FILE:1: ModuleNotFoundError: No module named 'no_such_module'",
    "import numpy\nnumpy.zeros(-1)\n": "FILE:2: ValueError: negative dimensions are not allowed",
    "import sys\nsys.exit('enough')\n": "FILE:2: SystemExit: enough",
    "import broken_helper\n": "FOLDER/broken_helper.py:2: NameError: name 'y' is not defined",
    "raise ValueError('two\\nlines')\n": "FILE:1: ValueError: two lines",
    HAIL.replace('"hail"', '"fog"'): "FILE:4: corruption 'fog': the name 'fog' is taken; give yours another",
    HAIL.replace('"weather"', '"a/b"'): "FILE:4: corruption 'hail': its name and its category have up to 64 letters, "
    "digits, dots, hyphens and underscores, got 'a/b'",
    HAIL.replace('"weather"', '"weather", version=1'): "FILE:4: corruption 'hail': its version is a text, such as "
    '"1", got 1',
    HAIL.replace(", draws", ""): "FILE:4: corruption 'hail': its function takes three arguments (image, severity, "
    "draws); too many positional arguments",
    HAIL.replace('"hail"', "3"): "FILE:4: corruption 3: its name and its category have up to 64 letters, "
    "digits, dots, hyphens and underscores, got 3",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_of_a_plugin_is_one_line_with_file_and_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.py"
    path.write_text(text)
    (tmp_path / "broken_helper.py").write_text("x = 1\ny\n")
    with pytest.raises(UsageError) as error:
        import_file(path)
    assert str(error.value) == FAULTS[text].replace("FILE", str(path)).replace("FOLDER", str(tmp_path))
    assert "faulty" not in sys.modules


def test_a_fault_ends_the_program_with_status_2_before_anything_is_read(folder: Path) -> None:
    (folder / "plugins/hail.py").write_text("import os\n\nx = y\n")
    for arguments in (("run", "no.yaml", "--out", "out"), ("list", "corruptions"), ("report", "nowhere")):
        line = command(folder, *arguments, *BOTH, status=2)
        assert line == f"robustbench-seg: {folder}/plugins/hail.py:3: NameError: name 'y' is not defined\n"
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("absent.py", "no such file"),
        ("folder.py", "no such file"),
        ("rain.txt", "it must be a Python file, NAME.py, whose name has no other dot"),
        ("rain.old.py", "it must be a Python file, NAME.py, whose name has no other dot"),
        ("json.py", r"the module json is .*/json/__init__\.py already; rename the file"),
        ("sys.py", "the module sys is built-in already; rename the file"),
        ("sched.py", r"the module sched is .*/sched\.py already; rename the file"),
        ("numpy.py", r"the module numpy is .*/numpy/__init__\.py already; rename the file"),
        ("robustbench_seg.py", r"the module robustbench_seg is .*/robustbench_seg/__init__\.py already; rename the"),
    ],
)
def test_a_file_that_can_not_be_a_plugin_is_refused(name: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    if name not in ("absent.py", "folder.py"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"/{name}: {fault}"):
        import_file(tmp_path / name)


def test_nothing_next_to_a_plugin_hides_what_is_installed(folder: Path) -> None:
    """Workers import numpy after the search path has the plugin's folder."""
    (folder / "plugins/numpy.py").write_text("raise SystemExit('not this one')\n")
    command(folder, "run", "small.yaml", "--out", "out", "--workers", "1", "--limit", "1", *BOTH)


def test_a_plugin_named_twice_is_imported_once(folder: Path) -> None:
    listed = command(folder, "list", "corruptions", *BOTH, "--plugin", "plugins/../plugins/rain.py")
    assert listed.count("rain") == 1


def test_a_folder_of_the_same_name_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rain_of_mine").mkdir()
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "rain_of_mine.py"
    file.write_text("DROPS = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert import_file(file).DROPS == 3
    sys.modules.pop("rain_of_mine")
