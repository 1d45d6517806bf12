"""What is wrong with a data set is said before anything is measured, trained or written."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import yaml
from pngs import raw_png
from program import program
from small import stored, write_suite
from tiny_recipe import RECIPE, make
from typer.testing import CliRunner

import robustbench_seg as rb
from robustbench_seg.cli.program import app
from robustbench_seg.datasets import Sample, open_dataset, spaced
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.first_pass import expect_sound, first_pass, summarise
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError
from robustbench_seg.export import Export, export_images
from robustbench_seg.export import Listener as ExportListener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.prepare import prepare
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.store.cell import Condition
from robustbench_seg.suites import read_suite
from robustbench_seg.training.data import Data, read_once
from robustbench_seg.training.loop import train

UNLABELLED = cv2.imencode(".png", np.full((40, 48), 11, np.uint8))[1].tobytes()
CAMVID: dict[str, Any] = {
    "dataset": {"name": "camvid", "split": "test"},
    "gallery": [],
    "models": [{"name": "constant"}],
    "views": ["whole"],
}


class Noted(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def noted(self, line: str) -> None:
        self.lines.append(line)


class NotedExport(ExportListener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


def run_camvid(tmp_path: Path, root: Path, limit: int | None = None, **changes: Any) -> list[str]:
    noted, suite = Noted(), read_suite(str(write_suite(tmp_path, **{**CAMVID, **changes})))
    assert not run(suite, tmp_path / "out", Options(data={"camvid": root}, limit=limit), noted)
    return noted.lines


def export_camvid(tmp_path: Path, root: Path) -> list[str]:
    noted, dataset = NotedExport(), open_dataset("camvid", root)
    wanted = Export(
        dataset=dataset, ids=dataset.ids, conditions=(Condition("contrast", 1),), format="png", out=tmp_path / "out"
    )
    export_images(wanted, 0, noted)
    return noted.lines


def train_camvid(tmp_path: Path, root: Path, *, validation: bool = False) -> list[str]:
    lines: list[str] = []
    split = {"name": "camvid", "split": "test"}
    held = {"dataset": split, "every": 1, "view": "whole", "limit": 2} if validation else None
    test, other = open_dataset("camvid", root), open_dataset("camvid", root, split="train")
    data = Data(other, test) if validation else Data(test)
    train(make(dataset=split, iterations=1, validation=held), data, tmp_path / "out", note=lines.append)
    return lines


COMMANDS = {"run": run_camvid, "corrupt": export_camvid, "train": train_camvid}
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS)


@EVERY_COMMAND
def test_all_faults_are_said_once_in_one_line_before_anything_is_done(
    tmp_path: Path, camvid_folder: Path, command: str
) -> None:
    for damaged, content in (
        ("test/frame_0.png", b"not a picture"),
        ("testannot/frame_1.png", raw_png(np.full((40, 48), 12), 8)),
        ("testannot/frame_2.png", raw_png(np.zeros((40, 47)), 8)),
    ):
        (camvid_folder / damaged).write_bytes(content)
    with pytest.raises(DataError) as caught:
        COMMANDS[command](tmp_path, camvid_folder)
    assert str(caught.value) == (
        f"3 of 3 images have faults: {camvid_folder}/test/frame_0.png: begins with b'not a pictur', as neither PNG nor "
        f"JPEG nor WebP does; {camvid_folder}/testannot/frame_1.png: label value 12; allowed are 0, 1, 2, 3, 4, 5, 6, "
        f"7, 8, 9, 10, 11; {camvid_folder}/testannot/frame_2.png: its size 40x47 differs from its image's 40x48"
    )
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] in ([], [".lock"])


def test_of_many_faults_the_first_few_are_said_and_the_others_counted(tmp_path: Path, camvid_folder: Path) -> None:
    for number in range(9):
        for folder in ("test", "testannot"):
            (camvid_folder / folder / f"x_{number}.png").write_bytes(UNLABELLED[:-1])
    with pytest.raises(DataError, match=r"^9 of 12 images have faults: .*x_0\.png: .*; .*x_2\.png: .* and 6 more$"):
        run_camvid(tmp_path, camvid_folder)
    with pytest.raises(DataError, match=r"^\S*/x_0\.png: not a complete PNG file$"):
        open_dataset("camvid", camvid_folder).survey(["frame_0", "x_0"])


def test_only_the_images_that_are_used_are_read_and_each_file_once(
    tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (camvid_folder / "test/frame_0.png").write_bytes(b"broken, but not used")
    opened: Counter[str] = Counter()
    read_bytes = Path.read_bytes

    def counting(path: Path) -> bytes:
        opened[str(path.relative_to(camvid_folder))] += 1
        return read_bytes(path)

    dataset = open_dataset("camvid", camvid_folder)
    monkeypatch.setattr(Path, "read_bytes", counting)
    found = first_pass(dataset, ["frame_1", "frame_2"], print)
    assert opened == {f"{folder}/frame_{k}.png": 1 for folder in ("test", "testannot") for k in (1, 2)}
    assert found.fingerprint == dataset.fingerprint(["frame_1", "frame_2"])
    monkeypatch.undo()
    assert spaced(dataset.ids, 1) == ("frame_1",)
    assert run_camvid(tmp_path, camvid_folder, 1) == []
    assert len(stored(tmp_path / "out")) == 4


def test_an_image_that_is_too_small_for_a_view_is_refused_before_the_first_cell(
    tmp_path: Path, camvid_folder: Path
) -> None:
    for folder, shape in (("test", (31, 48, 3)), ("testannot", (31, 48))):
        cv2.imwrite(str(camvid_folder / folder / "frame_1.png"), np.ones(shape, np.uint8))
    small = re.escape(f"frame_1 ({camvid_folder / 'test' / 'frame_1.png'}): its shorter side of 31 pixels is below 32")
    with pytest.raises(DataError, match=f"{small} in view whole; leave the image or the view out"):
        run_camvid(tmp_path, camvid_folder)
    assert not list(tmp_path.glob("out*/cells/*"))


def test_an_image_that_is_shown_but_not_counted_is_read_too(tmp_path: Path, camvid_folder: Path) -> None:
    (camvid_folder / "test/frame_0.png").write_bytes(b"broken, and shown")
    with pytest.raises(DataError, match=r"test/frame_0\.png: begins with b'broken, and '"):
        run_camvid(tmp_path, camvid_folder, 1, gallery=["frame_0"])


@pytest.mark.parametrize("command", ["run", "train"])
def test_a_split_without_a_labelled_pixel_is_refused_before_anything_is_measured(
    tmp_path: Path, camvid_folder: Path, command: str
) -> None:
    for path in (camvid_folder / "testannot").iterdir():
        path.write_bytes(UNLABELLED)
    with pytest.raises(DataError, match=r"^camvid test: all pixels of its 3 images are unlabelled, so nothing can be"):
        COMMANDS[command](tmp_path, camvid_folder)
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] in ([], [".lock"])


def test_labels_that_ignore_everything_can_be_exported_and_are_noted(tmp_path: Path, camvid_folder: Path) -> None:
    for path in (camvid_folder / "testannot").iterdir():
        path.write_bytes(UNLABELLED)
    lines = export_camvid(tmp_path, camvid_folder)
    assert lines == ["camvid test: 3 of 3 images without a labelled pixel: frame_0, frame_1, frame_2"]


def test_cityscapes_test_labels_of_the_official_kind_are_refused(tmp_path: Path, cityscapes_root: Path) -> None:
    root = tmp_path / "cityscapes"
    (root / "leftImg8bit").mkdir(parents=True)
    (root / "leftImg8bit/test").symlink_to(cityscapes_root / "leftImg8bit/test")
    for path in (cityscapes_root / "gtFine").rglob("*_labelIds.png"):
        label = root / "gtFine/test/streets" / path.name
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(raw_png(np.where(np.arange(160) < 9, 1, 3) * np.ones((96, 1), int), 8))  # border, out of roi
    suite = write_suite(tmp_path, dataset={"name": "cityscapes", "split": "test"}, gallery=[])
    with pytest.raises(DataError, match=r"^cityscapes test: all pixels of its 6 images are unlabelled"):
        run(read_suite(str(suite)), tmp_path / "out", Options(data={"cityscapes": root}), Listener())


@EVERY_COMMAND
def test_what_does_not_count_is_noted_before_anything_is_done(
    tmp_path: Path, camvid_folder: Path, command: str
) -> None:
    (camvid_folder / "test/extra.jpg").touch()
    (camvid_folder / "testannot/frame_1.png").write_bytes(UNLABELLED)
    assert COMMANDS[command](tmp_path, camvid_folder) == [
        f"{camvid_folder}/test: left out: not ending in .png: extra.jpg",
        "camvid test: 1 of 3 images without a labelled pixel: frame_1",
    ]


def test_validation_images_are_read_before_the_first_iteration(tmp_path: Path, camvid_folder: Path) -> None:
    (camvid_folder / "test/frame_0.png").write_bytes(b"the first that is used, of two")
    with pytest.raises(DataError, match=r"test/frame_0\.png: begins with"):
        train_camvid(tmp_path, camvid_folder, validation=True)
    assert not (tmp_path / "out/log.csv").exists()


def test_a_note_on_a_folder_that_is_trained_and_validated_on_comes_once(tmp_path: Path, camvid_folder: Path) -> None:
    (camvid_folder / "train/extra.jpg").touch()
    lines: list[str] = []
    fit, held = (open_dataset("camvid", camvid_folder, split=split) for split in ("train", "fit"))
    held_recipe = {"dataset": {"name": "camvid", "split": "fit"}, "every": 1, "view": "whole"}
    read_once(Data(fit, held), make(validation=held_recipe), lines.append)
    assert lines == [f"{camvid_folder}/train: left out: not ending in .png: extra.jpg"]


def test_a_data_set_without_files_needs_no_reading() -> None:
    dataset = Streets(count=3)
    assert first_pass(dataset, dataset.ids, print).fingerprint == dataset.fingerprint(dataset.ids)


@pytest.mark.parametrize("colour", [0, 3])
def test_labels_of_one_bit_are_counted_as_their_classes(tmp_path: Path, camvid_folder: Path, colour: int) -> None:
    """As many pixels of class 0 and 1 as there are; OpenCV would read a 1 as 255."""
    rng = np.random.default_rng(3)
    drawn = {f"frame_{k}": rng.integers(0, 2, (40, 48)) for k in range(3)}
    for name, label in drawn.items():
        (camvid_folder / f"testannot/{name}.png").write_bytes(raw_png(label, 1, colour))
    run_camvid(tmp_path, camvid_folder)
    for _, frame in stored(tmp_path / "out").values():
        for row in frame.itertuples():
            label = drawn[row.image_id]
            assert row.labelled.tolist() == [(label == 0).sum(), (label == 1).sum(), *[0] * 9]


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_photographs_that_a_viewer_would_turn_are_named(tmp_path: Path, orientation: int) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    exif = PIL.Image.Exif()
    exif[PIL.ExifTags.Base.Orientation] = orientation
    for name, note in (("plain", PIL.Image.Exif()), ("noted", exif)):
        PIL.Image.new("RGB", (40, 40)).save(tmp_path / f"images/{name}.jpg", exif=note)
        PIL.Image.new("L", (40, 40)).save(tmp_path / f"labels/{name}.png")
    (tmp_path / "dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky]\n")
    dataset = open_dataset("folder", tmp_path)
    notes: list[str] = []
    first_pass(dataset, dataset.ids, notes.append)
    line = (
        "folder val: 1 of 2 images with an EXIF note to turn or mirror them, which is passed over: labels must be "
        "drawn on the pixels as stored: noted"
    )
    assert [note.replace(dataset.split, "val") for note in notes] == ([line] if orientation > 1 else [])
    assert ("EXIF" in program("check", f"folder={tmp_path}").stdout) == (orientation > 1)
    results = rb.evaluate("constant", dataset, corruptions={}, out=tmp_path / "out", metrics=[], progress=False)
    rb.evaluate("constant", dataset, corruptions={}, out=tmp_path / "out", metrics=[], progress=False, limit=1)
    assert ("EXIF" in (results.report(tmp_path / "report").parent / "report.md").read_text()) == (orientation > 1)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_a_note_to_turn_an_image_is_found_in_each_format(tmp_path: Path, ending: str) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for orientation in (1, 3):
        exif = PIL.Image.Exif()
        exif[PIL.ExifTags.Base.Orientation] = orientation
        PIL.Image.new("RGB", (40, 40)).save(tmp_path / f"images/{orientation}.{ending}", exif=exif)
        PIL.Image.new("L", (40, 40)).save(tmp_path / f"labels/{orientation}.png")
    (tmp_path / "dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky]\n")
    dataset = open_dataset("folder", tmp_path)
    assert first_pass(dataset, dataset.ids, lambda line: None).turned == ("3",)


def test_a_label_of_what_a_viewer_shows_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    exif = PIL.Image.Exif()
    exif[PIL.ExifTags.Base.Orientation] = 6
    PIL.Image.new("RGB", (48, 40)).save(tmp_path / "images/a.jpg", exif=exif)
    PIL.Image.new("L", (40, 48)).save(tmp_path / "labels/a.png")
    (tmp_path / "dataset.yaml").write_text("images: images\nlabels: labels\nclasses: [road, sky]\n")
    dataset = open_dataset("folder", tmp_path)
    line = r"its size 48x40 differs from its image's 40x48; a viewer turns the image by its EXIF note, which is "
    with pytest.raises(DataError, match=line):
        first_pass(dataset, dataset.ids, lambda line: None)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"ids": ()}, "streets test: has no image"),
        ({"class_names": ()}, "streets test: has no class"),
        ({"ids": ("a", 3)}, "streets test: its ids must be texts, got 3"),
        ({"ids": ("a", "b", "a")}, "streets test: its ids must differ, but a comes twice"),
        ({"class_names": ("a", "b", "b")}, "streets test: its class names must differ, but b comes twice"),
        ({"total": 1}, "streets test: its total must be the number of its ids, 2, or more; got 1"),
    ],
)
def test_what_breaks_the_rules_of_a_data_set_is_one_line(change: dict[str, Any], line: str) -> None:
    kind = type("Odd", (Streets,), {"total": 2, **change})
    with pytest.raises(DataError, match=f"^{re.escape(line)}$"):
        expect_sound(kind("test", count=2))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"fingerprint": "f" * 32}, f"fingerprint must be a method, def fingerprint(self, ids), got '{'f' * 32}'"),
        (
            {"fingerprint": property(lambda self: "f")},
            "fingerprint must be a method, def fingerprint(self, ids), got 'f'",
        ),
        ({"load": 5}, "load must be a method, def load(self, image_id), got 5"),
        ({"files": ()}, "files must be a method, def files(self, image_id), got ()"),
        ({"survey": None}, "survey must be a method, def survey(self, ids), got nothing"),
        ({"blocks": ("a",)}, "blocks must be a method, def blocks(ids), got ('a',)"),
        ({"ids": lambda self: ("a",)}, "ids must be a tuple, as an attribute or a property, got a method"),
        ({"ids": "ab"}, "ids must be a tuple, as an attribute or a property, got 'ab'"),
        (
            {"class_names": lambda self: ("a",)},
            "class_names must be a tuple, as an attribute or a property, got a method",
        ),
        ({"class_names": "ab"}, "class_names must be a tuple, as an attribute or a property, got 'ab'"),
        ({"palette": None}, "palette must be a tuple, as an attribute or a property, got nothing"),
        ({"notes": lambda self: ()}, "notes must be a tuple, as an attribute or a property, got a method"),
        ({"cautions": "dark"}, "cautions must be a tuple, as an attribute or a property, got 'dark'"),
    ],
)
def test_an_attribute_in_the_place_of_a_method_and_the_other_way_around_are_one_line(
    change: dict[str, Any], line: str
) -> None:
    data = type("Odd", (Streets,), change)("test", count=2)
    with pytest.raises(DataError, match=f"^{re.escape(f'data set Odd: its {line}')}$"):
        rb.evaluate("constant", data, corruptions={"contrast": [2]}, progress=False)


@pytest.mark.parametrize(
    ("method", "result", "line"),
    [
        ("load", None, "load('test/0000') must return the type Sample, got NoneType"),
        ("load", (np.zeros((64, 96, 3), np.uint8),), "load('test/0000') must return the type Sample, got tuple"),
        ("files", ("a.png",), "files('test/0000') must return a tuple of pathlib.Path, or None; got ('a.png',)"),
        ("files", "a.png", "files('test/0000') must return a tuple of pathlib.Path, or None; got 'a.png'"),
        ("survey", "f" * 32, "survey(ids) must return the type Survey, got str"),
        ("blocks", ("a",), "blocks(ids) must return a tuple of texts, one for each id; got 1 for 2 ids"),
        ("groups", "ab", "groups(ids) must return a tuple of texts, one for each id; got 'ab'"),
        ("groups", (1, 2), "groups(ids) must return a tuple of texts, one for each id; got (1, 2)"),
    ],
)
def test_a_method_that_returns_another_type_is_one_line_with_its_class(method: str, result: Any, line: str) -> None:
    data = type("Odd", (Streets,), {method: lambda *arguments: result})("test", count=2, size=(64, 96))
    any_id = "|".join(data.ids)  # several threads read images
    with pytest.raises(DataError, match="^data set Odd: its " + re.escape(line).replace("test/0000", f"({any_id})")):
        rb.evaluate("constant", data, corruptions={"contrast": [2]}, progress=False)


def test_an_inspection_of_another_type_is_one_line_with_its_class() -> None:
    data = type("Odd", (Streets,), {"inspect": lambda self, image_id: None})("test", count=1, size=(64, 96))
    (fault,) = summarise(data, data.ids).faults
    assert fault == f"data set Odd: its inspect({data.ids[0]!r}) must return the type Inspection, got NoneType"
    data = type("Odd", (Streets,), {"load": lambda self, image_id: None})("test", count=1, size=(64, 96))
    (fault,) = summarise(data, data.ids).faults
    assert fault == f"data set Odd: its load({data.ids[0]!r}) must return the type Sample, got NoneType"


@pytest.mark.parametrize("name", ["run", "check", "corrupt", "train"])
def test_each_command_refuses_a_data_set_that_breaks_the_rules(
    name: str, tmp_path: Path, camvid_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CamVid, "total", 0)
    recipe = {**RECIPE, "dataset": {"name": "camvid", "split": "test"}, "validation": None}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    data = ["--data", f"camvid={camvid_folder}", "--out", str(tmp_path / "out")]
    arguments = {
        "run": ["run", str(write_suite(tmp_path, **CAMVID)), "--workers", "0", *data],
        "check": ["check", f"camvid={camvid_folder}", "--split", "test"],
        "corrupt": ["corrupt", "camvid", "--workers", "0", *data],
        "train": ["train", str(tmp_path / "recipe.yaml"), *data],
    }
    done = CliRunner().invoke(app, arguments[name])
    error = done.exception
    assert isinstance(error, DataError)
    assert re.match(r"camvid test: its total must be the number of its ids, \d+, or more; got 0$", str(error))


@pytest.mark.parametrize("fingerprint", [5, None, "", b"f"])
def test_a_fingerprint_is_a_text(fingerprint: object) -> None:
    data = type("Odd", (Streets,), {"fingerprint": lambda self, ids: fingerprint})("test", count=2)
    with pytest.raises(DataError, match=r"^streets test: its fingerprint must be a text, not empty; got "):
        first_pass(data, data.ids, lambda line: None)


def test_a_property_that_raises_is_not_taken_for_a_missing_one() -> None:
    def broken(self: Streets) -> tuple[str, ...]:
        raise AttributeError("no member 'x'")

    with pytest.raises(AttributeError, match="no member 'x'"):
        expect_sound(type("Odd", (Streets,), {"ids": property(broken)})("test", count=2))


def test_a_sample_of_another_id_is_refused() -> None:
    class Shifted(Streets):
        def load(self, image_id: str) -> Sample:
            return super().load(self.ids[1])

    data = Shifted("test", count=2, size=(64, 96))
    with pytest.raises(DataError, match=rf"^{data.ids[0]}: was loaded as {data.ids[1]}$"):
        prepare(data, Condition(), data.ids[0])
