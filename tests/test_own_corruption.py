"""A corruption of a user's own, from the script that adds it to the report: an edit makes new cells, and no others."""

import importlib
import json
import re
import shutil
import site as site_packages
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from scenes import Scenes
from small import assert_same_store, stored, write_suite

from robustbench_seg import family
from robustbench_seg.corruptions import CORRUPTIONS, Corruption, corrupt
from robustbench_seg.corruptions.entry import TAKEN
from robustbench_seg.datasets import open_dataset
from robustbench_seg.errors import DataError, RobustBenchError, StoreError, UsageError
from robustbench_seg.export import Export, export_images
from robustbench_seg.export import Listener as ExportListener
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.prepare import prepare
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.protocols import categories_of
from robustbench_seg.store.cell import Condition
from robustbench_seg.store.file import read_record
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.studies.robustness import by_corruption
from robustbench_seg.studies.sources import sources_of
from robustbench_seg.suites import Suite, read_suite

RAIN = """
from wetness import STEP

def rain(image, severity, draws):
    return image // (1 + severity * STEP)
"""
DRAWN_ELSEWHERE = """
import numpy

def rain(image, severity, draws):
    return image // (1 + numpy.random.randint(1, 200))
"""
PACKAGE = {
    "__init__.py": "",
    "rain.py": """
from pathlib import Path
from robustbench_seg import corruption
from .wetness import STEP

@corruption("rain", category="weather")
def rain(image, severity, draws):
    return image // (1 + severity * STEP * int(Path(__file__).with_name("step.txt").read_text()))
""",
    "wetness.py": "STEP = 1\n",
    "step.txt": "1",
}
SCRIPT = """
import sys
from pathlib import Path
import robustbench_seg
from robustbench_seg.corruptions import CORRUPTIONS, Corruption
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.suites import read_suite

def rain(image, severity, draws):
    return image // (1 + severity)

@robustbench_seg.corruption("hail", category="weather")
def hail(image, severity, draws):
    return image // (1 + severity)

class Saying(Listener):
    def finished(self, job, error):
        if error:
            print(error)

if __name__ == "__main__":
    CORRUPTIONS["rain"] = Corruption(name="rain", category="weather", function=rain)
    for workers in (0, 1):
        run(read_suite(sys.argv[1]), Path(f"out-{workers}"), Options(workers=workers), Saying())
"""
ONE = {"models": [{"name": "constant"}], "views": ["whole"], "gallery": []}
WITH_RAIN = {**ONE, "conditions": {"contrast": [2], "rain": [1, 3]}}


class Told(Listener):
    def __init__(self) -> None:
        self.ran: list[str] = []
        self.errors: list[Exception] = []

    def finished(self, job: Job, error: Exception | None) -> None:
        self.ran.append(job.cell.slug)
        self.errors += [error] if error else []


def add_rain(folder: Path, monkeypatch: pytest.MonkeyPatch, rain: str = RAIN, step: int = 1, **fields: Any) -> None:
    """Write the two files and add the corruption, as the start of a new process would."""
    (folder / "rain.py").write_text(rain, encoding="utf-8")
    (folder / "wetness.py").write_text(f"STEP = {step}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    for name in ("rain", "wetness"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    function = importlib.import_module("rain").rain
    monkeypatch.setitem(CORRUPTIONS, "rain", Corruption(name="rain", category="weather", function=function, **fields))


def measure(folder: Path, out: Path, workers: int = 0, **changes: object) -> Told:
    told = Told()
    run(suite(folder, **changes), out, Options(workers=workers), told)
    return told


def suite(folder: Path, **changes: object) -> Suite:
    return read_suite(str(write_suite(folder, **{**WITH_RAIN, **changes})))


def test_an_edit_of_a_corruption_or_its_helper_measures_its_cells_anew_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    slugs = ["constant-streets-rain-1-whole", "constant-streets-rain-3-whole"]
    for change, expected in (
        ({}, ["constant-streets-clean-whole", "constant-streets-contrast-2-whole", *slugs]),
        ({}, []),
        ({"step": 2}, slugs),
        ({"step": 2, "rain": RAIN.replace("1 +", "2 +")}, slugs),
        ({"step": 2, "version": "2"}, slugs),
        ({}, []),
    ):
        add_rain(tmp_path, monkeypatch, **change)
        assert measure(tmp_path, out).ran == expected, change


def test_a_report_shows_the_cells_of_the_source_that_was_run_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shown = []
    for step in (1, 2, 1):
        add_rain(tmp_path, monkeypatch, step=step)
        measure(tmp_path, out)
        (source,) = sources_of([out], None, pictures=False)
        cells = source.quality.set_index(["corruption", "severity"])
        assert sorted(cells.index) == [("clean", 0), ("contrast", 2), ("rain", 1), ("rain", 3)]
        assert len(source.plan.cells) == 4, "none is missing"
        assert cells["corruption_source"].to_dict() == {
            ("clean", 0): "", ("contrast", 2): "",
            ("rain", 1): CORRUPTIONS["rain"].source, ("rain", 3): CORRUPTIONS["rain"].source,
        }  # fmt: skip
        shown.append(cells["key"].to_dict())
    assert len(stored(out)) == 6
    assert shown[0] == shown[2] != shown[1]


def test_what_is_not_measured_anew_after_an_edit_is_missing_and_not_mixed_with_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    add_rain(tmp_path, monkeypatch)
    measure(tmp_path, out)
    add_rain(tmp_path, monkeypatch, step=2)
    measure(tmp_path, out)
    new = next(
        path for path in out.glob("cells/*rain-3*") if read_record(path).corruption_source == CORRUPTIONS["rain"].source
    )
    new.unlink()
    frame = quality_frame(out)
    assert sorted(zip(frame["corruption"], frame["severity"], strict=True)) == [
        ("clean", 0),
        ("contrast", 2),
        ("rain", 1),
    ]
    (plan,) = read_plans(out, quality_frame(out))
    assert {cell.key for cell in plan.cells} - set(frame["key"]) == {new.stem.rpartition("-")[2]}


def test_two_folders_of_different_sources_are_not_reported_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, step in (("one", 1), ("other", 2)):
        add_rain(tmp_path, monkeypatch, step=step)
        measure(tmp_path, tmp_path / name)
    assert sources_of([tmp_path / "one"], None, pictures=False)
    with pytest.raises(StoreError, match=r"its rain has another source than in .*one/cells/"):
        sources_of([tmp_path / "one", tmp_path / "other"], None, pictures=False)


@pytest.mark.parametrize("workers", [0, 1])
def test_workers_apply_the_corruption_that_the_script_has_added(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch)
    told = measure(tmp_path, tmp_path / "out", workers)
    assert (len(told.ran), told.errors) == (4, [])
    drawn = [CORRUPTIONS["rain"].load()(np.full((40, 40, 3), 200, np.uint8), severity, None) for severity in (1, 3)]
    assert [int(image[0, 0, 0]) for image in drawn] == [100, 50]
    found = {record.cell.severity: record.difference for record in map(read_record, (tmp_path / "out/cells").iterdir())}
    # v - v // (1 + severity) of the same pixels
    pixels = np.concatenate([sample.image.ravel() for sample in scenes(tmp_path)])
    assert found[1] == pytest.approx(np.mean(pixels - pixels // 2), abs=1e-9)
    assert found[3] == pytest.approx(np.mean(pixels - pixels // 4), abs=1e-9)
    assert found[0] is None
    assert found[2] > 1


def scenes(folder: Path) -> list[object]:
    from robustbench_seg.measure.plan import open_data

    dataset, ids = open_data(suite(folder), Options())
    return [dataset.load(image_id) for image_id in ids]


def test_corruptions_defined_in_the_script_itself_work_with_and_without_workers(tmp_path: Path) -> None:
    """One is put into the registry, and one has the decorator."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    path = write_suite(tmp_path, **{**ONE, "conditions": {"rain": [1], "hail": [1]}})
    done = subprocess.run(
        [sys.executable, "script.py", str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(stored(tmp_path / "out-0")) == 3
    assert_same_store(tmp_path / "out-0", tmp_path / "out-1")


def test_an_upgrade_of_the_package_that_offers_a_corruption_measures_its_cells_anew_and_no_other(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    slugs = ["constant-streets-rain-1-whole", "constant-streets-rain-3-whole"]
    for version, change, workers, expected in (
        ("1", {}, 1, ["constant-streets-clean-whole", "constant-streets-contrast-2-whole", *slugs]),
        ("1", {}, 0, []),
        ("2", {"step.txt": "2"}, 0, slugs),  # what the function reads when it runs is seen by no hash of modules
        ("2", {"step.txt": "2", "wetness.py": "STEP = 1\n# edited in place\n"}, 0, slugs),
        ("1", {}, 0, []),
    ):
        with installed(tmp_path / "site-packages", tmp_path / "site-packages", version, **change):
            told = measure(tmp_path, out, workers)
        assert (told.ran, told.errors) == (expected, []), version
    assert "rain" not in CORRUPTIONS


def test_an_edit_of_a_package_that_is_installed_as_editable_measures_its_cells_anew_and_no_other(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    slugs = ["constant-streets-rain-1-whole", "constant-streets-rain-3-whole"]
    for change, expected in (({}, 4), ({}, 0), ({"wetness.py": "STEP = 2\n"}, slugs)):
        with installed(tmp_path / "site-packages", tmp_path / "checkout", "1", **change):
            told = measure(tmp_path, out, workers=1 if expected == slugs else 0)
        assert told.errors == []
        assert expected in (len(told.ran), told.ran)


@contextmanager
def installed(site: Path, code: Path, version: str, **files: str) -> Iterator[None]:
    """Install a package that offers a corruption, as pip does and a new process would find it: of code elsewhere, as
    an editable one.
    """
    shutil.rmtree(site, ignore_errors=True)
    shutil.rmtree(code, ignore_errors=True)
    package, metadata = code / "rain_pack", site / f"rain_pack-{version}.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir(parents=True)
    for name, text in {**PACKAGE, **files}.items():
        (package / name).write_text(text, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: rain-pack\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text("[robustbench_seg.corruptions]\nrain = rain_pack.rain:rain\n")
    if code == site:
        record = [f"rain_pack/{path.name}" for path in package.iterdir()]
    else:
        record = ["__editable__.rain_pack.pth"]
        (site / record[0]).write_text(f"{code}\n")
        origin = {"dir_info": {"editable": True}, "url": code.as_uri()}
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    (metadata / "RECORD").write_text("".join(f"{name},,\n" for name in record))
    with mock.patch.object(sys, "path", [*sys.path]), mock.patch.object(sys, "dont_write_bytecode", True):
        site_packages.addsitedir(str(site))
        importlib.invalidate_caches()
        family.offers_to.cache_clear()
        try:
            yield
        finally:
            CORRUPTIONS.pop("rain", None)
            for name in [name for name in sys.modules if name.partition(".")[0] == "rain_pack"]:
                del sys.modules[name]
    family.offers_to.cache_clear()


def test_a_source_that_is_edited_while_python_runs_is_refused_before_the_first_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch)
    (tmp_path / "wetness.py").write_text("STEP = 2\n", encoding="utf-8")
    with pytest.raises(
        UsageError, match="corruption rain: its source was edited while it was in use; start Python again"
    ):
        measure(tmp_path, tmp_path / "out")
    assert not stored(tmp_path / "out")


def test_a_worker_that_would_import_another_source_fails_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch)
    planned = suite(tmp_path)

    class Editing(Told):
        def planned(self, done: int, waiting: list[Job]) -> None:
            (tmp_path / "wetness.py").write_text("STEP = 2\n", encoding="utf-8")

    told = Editing()
    failed = run(planned, tmp_path / "out", Options(workers=1), told)
    assert [job.cell.slug for job in failed] == ["constant-streets-rain-1-whole", "constant-streets-rain-3-whole"]
    assert all("its source was edited while it was in use" in str(error) for error in told.errors)


def test_a_function_without_a_source_file_needs_a_version_and_no_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="<lambda> has no source file"):
        Corruption(name="rain", category="weather", function=lambda image, severity, draws: image // 2)
    keys = []
    for version in ("1", "2"):
        entry = Corruption(
            name="rain", category="weather", function=lambda image, severity, draws: image // 2, version=version
        )
        monkeypatch.setitem(CORRUPTIONS, "rain", entry)
        with pytest.raises(UsageError, match="rain has no source file that processes could import; use 0 workers"):
            measure(tmp_path, tmp_path / "out", workers=1)
        assert not measure(tmp_path, tmp_path / version).errors
        keys.append({name.rpartition("-")[2] for name in stored(tmp_path / version) if "rain" in name})
    assert not keys[0] & keys[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_exported_images_of_another_source_are_never_taken_for_those_of_this_one(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        add_rain(tmp_path, monkeypatch, step=step)
        dataset = Scenes()
        wanted = Export(
            dataset=dataset, ids=dataset.ids[:2], conditions=(Condition("rain", 1), Condition("fog", 1)), format="png",
            out=tmp_path / "out",
        )  # fmt: skip
        if step == 1:
            export_images(wanted, workers, ExportListener())
            read = open_dataset("cityscapes", tmp_path / "out/rain/1", split="test").load(dataset.ids[0])
            assert np.array_equal(read.image, dataset.load(dataset.ids[0]).image // 2)
            manifests = [json.loads((tmp_path / f"out/{name}/1/manifest.json").read_text()) for name in ("rain", "fog")]
            assert manifests[0]["corruption_source"] == CORRUPTIONS["rain"].source
            assert "corruption_source" not in manifests[1]
        else:
            with pytest.raises(StoreError, match=r"rain/1: holds images of another source of rain; remove it or"):
                export_images(wanted, workers, ExportListener())


def test_a_category_of_ones_own_is_a_category(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_rain(tmp_path, monkeypatch)
    monkeypatch.setitem(CORRUPTIONS, "rain", replace(CORRUPTIONS["rain"], category="mine"))
    assert categories_of(["rain", "fog"]) == {"weather": ("fog",), "mine": ("rain",)}


@pytest.mark.parametrize(
    ("name", "category", "message"),
    [
        *((name, "mine", f"the name '{name}' is taken") for name in ("fog", "clean", "mean", "weather", "retention")),
        *(("rain", category, f"the name '{category}' is taken") for category in ("fog", "clean", "mean", "rain")),
        *((name, "mine", "have up to 64 letters, digits") for name in ("", "a/b", ".hidden", "x" * 65, "rain\n")),
        ("rain", "a/b", "have up to 64 letters, digits.*got 'a/b'"),
    ],
)
def test_a_name_or_a_category_that_is_taken_or_no_part_of_a_files_name_is_refused(
    name: str, category: str, message: str
) -> None:
    with pytest.raises(UsageError, match=f"corruption {re.escape(repr(name))}: .*{message}"):
        Corruption(name=name, category=category)


def test_no_column_of_a_table_of_scores_can_be_the_name_of_a_corruption(tmp_path: Path) -> None:
    measure(tmp_path, tmp_path / "out", conditions={})
    assert {*by_corruption(quality_frame(tmp_path / "out"), {}).columns} <= TAKEN


def test_a_corruption_in_a_file_of_the_package_is_hashed_too(tmp_path: Path) -> None:
    """The other way of docs/extending.md: a file in corruptions/ and an entry."""
    root = Path(__file__).parents[1] / "robustbench_seg"
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(root, tmp_path / "robustbench_seg", ignore=ignored)
    module = tmp_path / "robustbench_seg/corruptions/mine.py"
    program = "from robustbench_seg.corruptions import *; " + (
        "print(Corruption(name='rain', category='mine').source, CORRUPTIONS['fog'].source, ENGINE_VERSION)"
    )
    said = []
    for divisor in (2, 3):
        module.write_text(f"def rain(image, severity, draws):\n    return image // {divisor}\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, env={}
        )
        said.append(done.stdout.split())
    assert said[0][1:] == said[1][1:] == ["2"], "ours have no source, and their engine version stays"
    assert said[0][0] != said[1][0]


@pytest.mark.parametrize(
    ("line", "returned"),
    [
        ("return image / 2.0", r"float64 \(64, 96, 3\)"),
        ("return image[:40]", r"uint8 \(40, 96, 3\)"),
        ("return image[..., 0]", r"uint8 \(64, 96\)"),
        ("return None", "NoneType"),
    ],
)
def test_what_is_no_image_of_the_same_size_fails_the_cell(
    line: str, returned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch, f"def rain(image, severity, draws):\n    {line}\n")
    told = measure(tmp_path, tmp_path / "out", conditions={"rain": [1]})
    (error,) = told.errors
    assert isinstance(error, DataError)
    fault = rf"corruption rain returned {returned}; it must return uint8 \(64, 96, 3\)"
    assert re.fullmatch(rf"streets_000000_2000000: {fault}", str(error))


def test_a_corruption_that_changes_no_image_fails_its_cell_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch, "def rain(image, severity, draws):\n    return image\n")
    told = measure(tmp_path, tmp_path / "out", conditions={"rain": [1]})
    (error,) = told.errors
    assert isinstance(error, RobustBenchError)
    assert str(error) == "rain at severity 1 changes none of the 6 images"
    (note,) = (tmp_path / "out/failed").iterdir()
    assert json.loads(note.read_text())["record"]["cell"]["corruption"] == "rain"
    assert set(pd.read_parquet(tmp_path / "out/cells")["corruption"]) == {"clean"}


def test_a_corruption_that_denies_its_draws_is_refused_when_it_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.full((40, 50, 3), 100, np.uint8)
    add_rain(tmp_path, monkeypatch)
    assert CORRUPTIONS["rain"].draws
    add_rain(tmp_path, monkeypatch, "def rain(image, severity, draws):\n    return image // 2\n", draws=False)
    assert not CORRUPTIONS["rain"].draws
    assert (corrupt(image, "rain", 1, seed=4) == 50).all()
    add_rain(
        tmp_path, monkeypatch, "def rain(image, severity, draws):\n    return image + draws.randint(9)\n", draws=False
    )
    with pytest.raises(UsageError, match="corruption rain draws random numbers, but is registered with draws=False"):
        corrupt(image, "rain", 1)


@pytest.mark.parametrize("workers", [0, 1])
def test_other_pixels_a_second_time_fail_the_cells(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rain(tmp_path, monkeypatch, rain=DRAWN_ELSEWHERE)
    told = Told()
    assert len(run(suite(tmp_path), tmp_path / "out", Options(workers=workers), told)) == 2
    assert all("corruption rain gives other pixels a second time; it must draw from" in str(one) for one in told.errors)
    assert sorted(told.ran)[0].startswith("constant-streets-clean")


def test_so_does_a_memory_of_the_image_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before: list[Any] = []

    def smoothed(image: Any, severity: int, draws: Any) -> Any:
        before.append(image // 2)
        return before[-1] if len(before) < 2 else before[-1] // 2 + before[-2] // 2

    monkeypatch.setitem(
        CORRUPTIONS, "rain", Corruption(name="rain", category="weather", function=smoothed, version="1")
    )
    data = Scenes()
    for image_id in data.ids[:2]:
        with pytest.raises(UsageError, match=r"^streets_\S+: corruption rain gives other pixels a second time"):
            prepare(data, Condition("rain", 1), image_id, CORRUPTIONS["rain"])
