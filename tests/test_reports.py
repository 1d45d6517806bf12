"""The committed studies: made from the weights that they name, and without pixels of data sets that are not ours."""

import json
import re
import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from zoo_files import MANIFEST, ROWS

from robustbench_seg.models import BUILTIN_WEIGHTS
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.file import StoredCell, read_cell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import latency_frame, quality_frame
from robustbench_seg.studies.published import read_published
from robustbench_seg.suites import read_suite
from robustbench_seg.yaml_files import shipped
from segformer.files import sha256_of

ROOT = Path(__file__).parents[1]
STUDIES = sorted(path.parent for path in ROOT.glob("reports/*/cells"))
SPEEDS = sorted(path.parent for path in ROOT.glob("reports/*/latency"))
ZOO = "examples/zoo/"  # its suites and, if there, the files of weights of other people's networks
PARTS = r"(-pad)?(-seed\d+|-deeplabv3plus|-plain-ffn|-draws|-dicenet|-zh320)?$"  # of names of stores without a page
MOST_BYTES = 20 * 2**20


def page_of(study: Path) -> Path:
    """The folder of the report that shows a study: other training seeds, views and draws are stores, not pages."""
    return study.with_name(re.sub(PARTS, "", study.name)) / "report"


@pytest.fixture(scope="module", params=STUDIES, ids=lambda study: study.name)
def study(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def stored(study: Path) -> dict[Path, StoredCell]:
    return {path: read_cell(path) for path in Store(study).files("quality")}


@pytest.fixture(scope="module")
def cells(study: Path, stored: dict[Path, StoredCell]) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("robustbench_seg.studies.frame.read_cell", stored.__getitem__)  # each file is read once
        return quality_frame(study)


def test_the_hash_of_every_model_is_that_of_the_file_in_its_command(study: Path, cells: pd.DataFrame) -> None:
    page = (page_of(study) / "report.md").read_text(encoding="utf-8")
    for (model, sha256), own in cells.groupby(["model", "checkpoint_sha256"]):
        commands = [json.loads(environment)["command"] for environment in own["environment"]]
        here = [command for command in commands if f"--out {study.relative_to(ROOT)}" in command]
        command = (here or commands)[-1]  # other cells are copies of another study's
        assert f"- command: `{command}`" in page
        if ZOO in command:  # measured into one folder, whose cells were then put into several
            expect_stated(page_of(study).parent, model, sha256, page)
            continue
        assert f"weights sha256 {sha256}" in page
        words = shlex.split(command)
        given = dict(word.split("=", 1) for option, word in pairwise(words) if option in ("--weights", "--model"))
        if given[model].startswith("onnx:"):
            assert committed_source(own["about"].iloc[-1]) in page
            continue
        assert sha256_of(BUILTIN_WEIGHTS.get(given[model], ROOT / given[model])) == sha256
        assert here


def expect_stated(study: Path, model: str, identity: str, page: str) -> None:
    """The identity of a network of the zoo is in the page, and the sha256 of its file next to it: that of the file."""
    assert f"identity {identity}" in page
    stated = (study / "study/weights.md").read_text(encoding="utf-8")
    (sha256,) = re.findall(rf"^\| {re.escape(model)} \| `([0-9a-f]{{64}})` \|", stated, re.MULTILINE)
    if MANIFEST.is_file():
        assert ROWS[f"{model}.pth"]["sha256"] == sha256


def committed_source(about: str) -> str:
    """The hash of the committed weights that a graph in int8 was made of; the graph itself is not committed."""
    (beginning,) = re.findall(r"static quantisation of weights ([0-9a-f]{12})", about)
    hashes = map(sha256_of, ROOT.glob("reports/*/weights/*.safetensors"))
    (source,) = [sha256 for sha256 in hashes if sha256.startswith(beginning)]
    return source


def test_a_study_is_whole_small_and_without_pictures_of_data(study: Path, cells: pd.DataFrame) -> None:
    if (cells["images"] != cells["of"]).any():
        (images,) = cells["images"].unique()
        assert all(f"--limit {images} " in json.loads(environment)["command"] for environment in cells["environment"])
        assert f"{images} of {cells['of'].iloc[0]} images" in (page_of(study) / "report.md").read_text(encoding="utf-8")
    assert not Store(study).failures()
    assert not cells.duplicated(["model", "view", "corruption", "severity", "seed"]).any()
    assert sum(path.stat().st_size for path in study.glob("cells/*")) <= MOST_BYTES
    if cells["synthetic"].all():
        return
    for path in page_of(study).iterdir():
        assert "-strip-" not in path.name
        assert "data:image/webp" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("folder", SPEEDS, ids=lambda folder: folder.name)
def test_a_report_of_speed_is_whole_and_of_one_machine_and_its_command_is_in_the_readme(folder: Path) -> None:
    cells = latency_frame(folder)
    (plan,) = Store(folder).plans()
    assert {cell.key for cell in plan.cells} == set(cells["key"])
    assert not Store(folder).failures()
    assert cells[["machine", "threads", "torch", "batch", "precision"]].drop_duplicates().shape[0] == 1
    readme = " ".join((ROOT / "reports/README.md").read_text(encoding="utf-8").replace("\\\n", " ").split())
    for command in {json.loads(text)["command"] for text in cells["environment"]}:
        assert f"--out {folder.relative_to(ROOT)}" in command
        assert command in readme


def test_the_report_of_speed_has_table_2_of_the_paper_next_to_it() -> None:
    theirs = read_published("table2_main").set_index(["method", "encoder"])
    page = (ROOT / "reports/latency/report/report.md").read_text(encoding="utf-8")
    rows = page.partition("Next to the paper's Table 2")[2].splitlines()
    for size in (1024, 768, 640, 512):
        (row,) = [line for line in rows if f"| {size}x{2 * size} |" in line and "SegFormer@" in line]
        fps, gflops = theirs.loc[(f"SegFormer@{size}", "B0"), ["cityscapes_fps", "cityscapes_gflops"]]
        ratio = fps / theirs.loc[("SegFormer@1024", "B0"), "cityscapes_fps"]
        assert f"| SegFormer@{size} B0 | {fps:.1f} | {ratio:.2f} | {gflops:.1f} |" in row


def test_the_costs_of_int8_in_the_docs_are_those_of_the_report() -> None:
    page = (ROOT / "reports/camvid-c-int8/report/report.md").read_text(encoding="utf-8")
    docs = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    for arm in ("segformer-b0-mix", "segformer-b0-learned", "deeplabv3plus-mobilenet_v2"):
        (quoted,) = re.findall(rf"^\| [ABC], `{arm}` \| (.*) \| (.*) \| (.*) \|$", docs, re.MULTILINE)
        for cell, quantity in zip(quoted, ("clean mIoU", "mean under corruption", "drop, clean - mean"), strict=True):
            row = re.escape(f"| {arm} minus {arm}-int8 | {quantity} |") + r" (\S+) \| (\S+ to \S+) \|"
            (found,) = re.findall(row, page)
            assert cell == "{} ({})".format(*found)


def test_padding_gives_the_scores_that_an_independent_evaluation_gave() -> None:
    cells = quality_frame(ROOT / "reports/camvid-resolution")
    miou = cells[cells["model"] == "segformer-b0-mix-s0"].set_index("view")["miou"]
    assert 100 * miou["pad-32"] == pytest.approx(51.65, abs=0.02)
    assert 100 * miou["pad-32-x1.25"] == pytest.approx(49.91, abs=0.02)


SUITES = [*shipped("robustbench_seg.suites"), *map(str, (ROOT / ZOO).glob("*.yaml"))]
SHIPPED_VIEWS = {view for name in SUITES for view in read_suite(name).measured_views}


def test_a_run_finds_each_cell_of_a_study_whether_a_suite_or_a_name_gives_its_view(
    study: Path, stored: dict[Path, StoredCell]
) -> None:
    store = Store(study)
    for path, one in stored.items():
        cell, ids = one.record.cell, tuple(map(str, one.arrays["image_id"]))
        assert isinstance(cell, QualityCell)
        of_suites = [view for view in SHIPPED_VIEWS if view.label == cell.view.label]
        assert of_suites
        for view in (*of_suites, View.parse(str(cell.view))):
            record = replace(one.record, cell=replace(cell, view=view))
            assert store.path("quality", record.cell.slug, record.expected_key(ids)) == path
