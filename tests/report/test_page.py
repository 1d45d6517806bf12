import base64
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from small import SUITE, write_suite
from synthetic import change_plan, write_synthetic

from robustbench_seg.charts import Chart, Tile, svg
from robustbench_seg.errors import StoreError
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.report.content import Section
from robustbench_seg.report.page import write_report
from robustbench_seg.report.parts.gallery import strip
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import PlannedCell
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.pictures import stored_pictures
from robustbench_seg.suites import read_suite
from robustbench_seg.wording import MISSING

pytestmark = pytest.mark.usefixtures("few_resamples")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the small suite, with latency."""
    folder = tmp_path_factory.mktemp("results")
    speed = {"sizes": [[32, 32]], "min_samples": 10, "min_seconds": 0.01, "max_seconds": 1}
    suite = write_suite(folder, models=[{"name": "constant"}], latency=speed)
    run(read_suite(str(suite)), folder / "out", Options(), Listener())
    return folder / "out"


@pytest.fixture(scope="module")
def report(folder: Path, few_resamples: None) -> Path:
    """The report of these results, in a folder."""
    return write_report(sections_of([folder]), folder.with_name("report")).parent


def markdown_of(sections: Sequence[Section], out: Path) -> str:
    write_report(sections, out)
    return (out / "report.md").read_text(encoding="utf-8")


def test_every_number_of_the_headline_table_is_that_of_the_frame(folder: Path, report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    table = pd.read_csv(report / "small-robustness-whole.csv").set_index("quantity")["value"]
    cells = quality_frame(folder)
    cells = cells[cells["view"] == "whole"].set_index(["corruption", "severity"])["miou"]
    assert table["clean"] == cells["clean", 0]
    noise = (cells["gaussian_noise", 1] + cells["gaussian_noise", 3]) / 2
    assert table["gaussian_noise"] == pytest.approx(noise, abs=1e-15)
    mean = (noise + cells["contrast", 2]) / 2
    assert table["mean"] == pytest.approx(mean, abs=1e-15)
    row = next(line for line in text.splitlines() if line.startswith("| constant"))
    shown = [100 * v for v in (cells["clean", 0], mean, mean / cells["clean", 0], noise, cells["contrast", 2])]
    assert row == f"| constant ⚠ | 0 | {' | '.join(f'{v:.1f}' for v in shown)} |"
    assert table["worst"] == pytest.approx(min(noise, cells["contrast", 2]), abs=1e-15)


def test_a_report_names_protocol_view_precision_engine_weights_licence_command_and_machine(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    for expected in (
        "protocol small (2 corruptions, 3 conditions and clean)",
        "view whole",
        "view slide-64-32",
        "precision fp32",
        "engine version ",
        "constant constant-0",
        "licence: Apache-2.0",
        "command: `",
        "machine: ",
        "numpy ",
        "**The images are synthetic**",
        "one class: clean",
    ):
        assert expected in text, expected


def test_conditions_keep_the_order_of_the_suite(folder: Path) -> None:
    columns = [column.label for column in sections_of([folder])[0].tables[0].heads]
    assert columns.index("gaussian noise") < columns.index("contrast")


def test_every_figure_and_table_that_the_page_names_is_there(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    names = {line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")}
    assert names == {p.name for p in report.glob("*.svg")}
    views = ("whole", "slide-64-32")
    figures = ("arms", "corruptions", "severity", "classes", "reliability")
    per_view = [f"small-{kind}-{view}.svg" for kind in figures for view in views]
    of_all = [f"small-{kind}.svg" for kind in ("resolution-extent", "strip-streets_000000_2000001")]
    assert names == {*per_view, *of_all}
    kinds = ("robustness", "severities", "classes", "metrics", "reliability")
    assert {p.name for p in report.glob("*.csv")} == {
        *(f"small-{kind}-{view}.csv" for kind in kinds for view in views),
        *(f"small-{kind}.csv" for kind in ("views", "resolution-under-corruption", "resolution-share", "speed")),
        *(f"small-worst-{kind}-whole.csv" for kind in ("images", "tenth", "conditions")),
    }


def test_the_same_results_give_the_same_bytes(folder: Path, report: Path, tmp_path: Path) -> None:
    write_report(sections_of([folder]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in report.iterdir()}
    for path in report.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_several_folders_are_sections_of_one_report(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change_plan(copy, suite="other")
    text = markdown_of(sections_of([folder, copy], pictures=False), tmp_path)
    assert text.count("## small\n") == text.count("## other\n") == 1
    assert (tmp_path / "1-small-views.csv").is_file()
    assert (tmp_path / "2-other-views.csv").is_file()


def test_what_is_planned_and_not_measured_is_listed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    next(copy.glob("cells/constant-streets-contrast-2-whole-*.parquet")).unlink()
    text = markdown_of(sections_of([copy]), tmp_path / "out")
    assert "1 of 9 planned cells is not in the store: constant-streets-contrast-2-whole." in text
    assert "Cells of constant, view whole, are missing, so there is no mean under corruption." in text
    row = next(line for line in text.splitlines() if line.startswith("| constant"))
    assert row.count(MISSING) == 3  # contrast, mean, retention


def test_models_without_a_mean_and_those_without_retention_are_both_named(tmp_path: Path) -> None:
    left_out = ["a-toy-fog-*", "b-toy-clean-*"]
    write_synthetic(tmp_path, lambda *_: 0.5, models=["a", "b", "c"], conditions={"fog": [1]}, skip=left_out)
    (section,) = sections_of([tmp_path], pictures=False)
    assert [line for line in section.warnings if line.startswith("Cells of")] == [
        "Cells of a, view whole, are missing, so there is no mean under corruption.",
        "Cells of b, view whole, are missing, so there is no retention.",
    ]


def test_a_missing_clean_cell_leaves_the_report_standing(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    next(copy.glob("cells/constant-streets-clean-whole-*.parquet")).unlink()
    text = markdown_of(sections_of([copy]), tmp_path / "out")
    assert "1 of 9 planned cells is not in the store: constant-streets-clean-whole." in text
    views = pd.read_csv(tmp_path / "out/small-views.csv")
    assert views[views["quantity"] == "change"]["value"].isna().all(), "there is no first view to compare with"
    assert views[views["quantity"] == "clean"]["value"].isna().tolist() == [True, False]


def test_numbers_of_another_setting_get_a_table_of_their_own(tmp_path: Path) -> None:
    changes = {"models": [{"name": "constant"}], "views": ["whole"]}
    for options, size in ((Options(), 64), (Options(precision="bf16"), 64), (Options(limit=2), 64), (Options(), 96)):
        dataset = {**SUITE["dataset"], "size": [size, 96]}
        suite = read_suite(str(write_suite(tmp_path, dataset=dataset, **changes)))
        run(suite, tmp_path / "out", options, Listener())
    sections = sections_of([tmp_path / "out"], pictures=False)
    assert len(sections) == 1
    headlines = [table for table in sections[0].tables if table.title.startswith("mIoU under corruption")]
    assert len(headlines) == 4
    assert len({table.legend for table in headlines}) == 4
    assert all(len(table.rows) == 1 for table in headlines)
    assert len({table.file for table in sections[0].tables}) == len(sections[0].tables)
    write_report(sections, tmp_path / "report")


def test_a_suite_that_was_stopped_before_its_first_cell_does_not_hide_another(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (plan,) = Store(copy).plans()
    cells = (PlannedCell(kind="quality", slug="never", key="0" * 32),)
    Store(copy).write_plan(replace(plan, suite="other", cells=cells))
    text = markdown_of(sections_of([copy], pictures=False), tmp_path / "out")
    assert "## small" in text
    assert "1 of 1 planned cells is not in the store: never." in text


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no results"):
        sections_of([tmp_path])


def test_no_pixel_is_shown_where_the_data_set_does_not_allow_it(camvid_folder: Path, tmp_path: Path) -> None:
    changes = {
        "models": [{"name": "constant"}],
        "dataset": {"name": "camvid", "split": "test"},
        "gallery": ["frame_1"],
        "views": ["whole"],
    }
    suite = write_suite(tmp_path, **changes)
    out = tmp_path / "out"
    run(read_suite(str(suite)), out, Options(data={"camvid": camvid_folder}), Listener())
    pictures = {p.name for p in (out / "gallery").rglob("*.png")}
    assert pictures == {"frame_1-label.png", "frame_1-prediction.png"}
    text = markdown_of(sections_of([out]), out / "report")
    assert "label and predictions only" in text


def test_the_strip_shows_label_images_and_predictions(folder: Path) -> None:
    noise, contrast = ("gaussian_noise", 3), ("contrast", 2)
    places = {"clean": ("clean", 0), "gaussian noise, severity 3": noise, "contrast, severity 2": contrast}
    cells = quality_frame(folder).query("view == 'whole'")
    stored = stored_pictures(cells.assign(title=cells["model"]), SUITE["gallery"])
    own = {(one.corruption, one.severity): one for one in stored}
    label, *shown = strip({title: own[place] for title, place in places.items()}).panels
    assert isinstance(label, Tile)
    assert (label.title, [file.name for file in label.files]) == ("label", ["streets_000000_2000001-label.png"])
    for panel, (title, place) in zip(shown, places.items(), strict=True):
        assert panel == Tile(title=title, files=(own[place].image, own[place].prediction))
        drawn = svg(Chart(panels=(panel,)))
        for file in panel.files:
            assert base64.b64encode(file.read_bytes()).decode() in drawn
