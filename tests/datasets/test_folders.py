"""What a data set's folder may hold: every image of the split counts or is named."""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from robustbench_seg.datasets import Dataset, open_dataset
from robustbench_seg.datasets.file_dataset import FileDataset
from robustbench_seg.errors import DataError
from robustbench_seg.files import digest

SPLITS = {"cityscapes": "val", "camvid": "test", "ade20k": "val", "cocostuff": "val"}
# Where the images and the labels of a data set's split lie, and how their names end.
PLACES = {
    "cityscapes": ("leftImg8bit/val", "gtFine/val", "_leftImg8bit.png", "_gtFine_labelIds.png"),
    "camvid": ("test", "testannot", ".png", ".png"),
    "ade20k": ("images/validation", "annotations/validation", ".jpg", ".png"),
    "cocostuff": ("images/val2017", "annotations/val2017", ".jpg", ".png"),
}
EVERY = pytest.mark.parametrize("name", PLACES)


def write_pair(root: Path, name: str, stem: str, sub: str = "", endings: tuple[str, str] | None = None) -> None:
    """Write an image of its own pixels, and its label."""
    images, labels, *own = PLACES[name]
    rng = np.random.default_rng(list(stem.encode()))
    for folder, ending, pixels in zip(
        (images, labels),
        endings or own,
        (rng.integers(0, 256, (32, 40, 3), np.uint8), rng.integers(1, 8, (32, 40), np.uint8)),
        strict=True,
    ):
        path = root / folder / sub / f"{stem}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix.lower(), pixels)[1].tobytes())


def opened(root: Path, name: str) -> FileDataset:
    dataset = open_dataset(name, root, split=SPLITS[name])
    assert isinstance(dataset, FileDataset)
    return dataset


def state(dataset: Dataset) -> tuple[tuple[str, ...], str]:
    return dataset.ids, dataset.fingerprint(dataset.ids)


@pytest.fixture(params=PLACES)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A data set of four images, two in each of two folders."""
    for stem, sub in (("a_1", "a"), ("a_2", "a"), ("b_1", "b"), ("b_2", "b")):
        write_pair(tmp_path / "plain", request.param, stem, sub)
    return request.param, tmp_path / "plain"


def test_a_fingerprint_is_the_hash_of_ids_and_of_files_and_a_complete_folder_needs_no_word(
    plain: tuple[str, Path],
) -> None:
    name, root = plain
    dataset = opened(root, name)
    assert dataset.ids == ("a_1", "a_2", "b_1", "b_2")
    assert dataset.notes == ()
    images, labels, *endings = PLACES[name]
    files = {i: [root / images / i[0] / (i + endings[0]), root / labels / i[0] / (i + endings[1])] for i in dataset.ids}
    hashes = [[i, *(hashlib.blake2b(p.read_bytes(), digest_size=16).hexdigest() for p in files[i])] for i in files]
    assert dataset.fingerprint(dataset.ids) == digest(hashes)


def test_the_real_camvid_has_nothing_that_is_left_out(camvid_root: Path) -> None:
    for split, images in (("train", 367), ("fit", 312), ("held", 55), ("test", 233)):
        dataset = open_dataset("camvid", camvid_root, split=split)
        assert (len(dataset.ids), dataset.notes) == (images, ())


@pytest.mark.parametrize("which", ["both", "images", "labels"])
def test_a_folder_that_is_a_link_is_entered(plain: tuple[str, Path], which: str) -> None:
    name, root = plain
    expected = state(opened(root, name))
    for folder in PLACES[name][:2] if which == "both" else [PLACES[name][which == "labels"]]:
        (root / folder / "b").rename(root / f"elsewhere-{folder.replace('/', '-')}")
        (root / folder / "b").symlink_to(root / f"elsewhere-{folder.replace('/', '-')}")
    assert state(opened(root, name)) == expected
    assert opened(root, name).notes == ()


def test_files_and_the_split_itself_may_be_links(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    for number, path in enumerate(sorted(root.rglob("a_*.*"))):
        path.rename(root / f"file-{number}")
        path.symlink_to(root / f"file-{number}")
    images = root / PLACES[name][0]
    images.rename(root / "split")
    images.symlink_to(root / "split")
    assert state(opened(root, name)) == expected


def test_a_training_split_with_a_link_is_whole(tmp_path: Path) -> None:
    for number in range(20):
        write_pair(tmp_path, "camvid", f"d_{number:02d}", "late" if number > 9 else "")
    (tmp_path / "test").rename(tmp_path / "train")
    (tmp_path / "testannot").rename(tmp_path / "trainannot")
    (tmp_path / "train/late").rename(tmp_path / "disk")
    (tmp_path / "train/late").symlink_to(tmp_path / "disk")
    train, fit, held = (open_dataset("camvid", tmp_path, split=split).ids for split in ("train", "fit", "held"))
    assert (len(train), sorted(fit + held)) == (20, list(train))


@pytest.mark.parametrize("target", [".", "..", "b", "../..", "/"])
def test_a_link_in_a_circle_or_to_what_is_listed_already_adds_nothing_and_is_named(
    plain: tuple[str, Path], target: str
) -> None:
    name, root = plain
    before = opened(root, name)
    images = root / PLACES[name][0]
    (images / "a" / "0").symlink_to(target if target.startswith(("/", ".")) else images / target)
    after = opened(root, name)
    assert state(after) == state(before)
    assert after.pairs == before.pairs, "files are called by their own folders, not by a link"
    assert after.notes == (f"{images}: left out: a link to a folder that is entered already: a/0",)


def test_a_folder_with_two_links_to_it_is_listed_once(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images = root / PLACES[name][0]
    (images / "b").rename(root / "disk")
    for link in ("b", "c"):
        (images / link).symlink_to(root / "disk")
    assert state(opened(root, name)) == expected
    assert opened(root, name).notes == (f"{images}: left out: a link to a folder that is entered already: c",)


def test_links_in_a_circle_of_their_own_are_broken_links_and_named(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images = root / PLACES[name][0]
    (images / "x").symlink_to(images / "y")
    (images / "y").symlink_to(images / "x")
    (images / "city").symlink_to(root / "not mounted")
    assert state(opened(root, name)) == expected
    assert opened(root, name).notes == (f"{images}: left out: a broken link: city, x, y",)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_broken_link_in_the_place_of_a_file_is_a_fault_that_names_it(plain: tuple[str, Path], kind: int) -> None:
    name, root = plain
    dataset = opened(root, name)
    path = dataset.pairs["b_2"][kind]
    path.unlink()
    path.symlink_to(root / "gone")
    broken = opened(root, name)
    assert broken.ids == dataset.ids
    for found in (broken.survey, lambda ids: broken.load(ids[-1])):
        with pytest.raises(DataError, match=rf"^{path}: can't be read \(a broken link\)$"):
            found(broken.ids)


def test_endings_match_in_any_case(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images, labels, *endings = PLACES[name]
    for place, ending in zip((images, labels), endings, strict=True):
        for number, path in enumerate(sorted((root / place).rglob("*.*"))):
            respelt = ending.upper() if number % 2 else ending.title()
            path.rename(path.with_name(path.name.removesuffix(ending) + respelt))
    assert state(opened(root, name)) == expected
    assert opened(root, name).notes == ()


HIDDEN = (".ipynb_checkpoints", "@eaDir", ".Trash-1000", "__MACOSX", "$RECYCLE.BIN", "lost+found")


@pytest.mark.parametrize("folder", HIDDEN)
def test_a_hidden_folder_or_one_of_a_system_is_skipped_and_named(plain: tuple[str, Path], folder: str) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images, labels, *endings = PLACES[name]
    for place in (images, labels):
        shutil.copytree(root / place / "a", root / place / "a" / folder / "deep")
    (root / images / folder).mkdir()
    (root / images / folder / "notes.txt").touch()
    dataset = opened(root, name)
    assert state(dataset) == expected
    names = [f"a/{folder}/deep/a_{n}{endings[0]}" for n in (1, 2)]
    assert dataset.notes == (f"{root / images}: left out: hidden or a system's: {', '.join(names)}",)


def test_hidden_files_are_skipped_and_those_that_look_like_images_are_named(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images, labels, *endings = PLACES[name]
    for file in ("Thumbs.db", ".DS_Store", "readme.txt", "desktop.ini", f"._a_1{endings[0]}"):
        (root / images / "a" / file).write_bytes(b"\0\5\x16\7")
    (root / labels / f"._a_1{endings[1]}").write_bytes(b"\0\5\x16\7")
    assert state(opened(root, name)) == expected
    expected_note = f"{root / images}: left out: hidden or a system's: a/._a_1{endings[0]}"
    assert opened(root, name).notes == (expected_note,)


def test_a_folder_named_like_an_image_is_no_image_and_is_entered(plain: tuple[str, Path]) -> None:
    name, root = plain
    _, labels, *endings = PLACES[name]
    write_pair(root, name, "c_1", f"c{endings[0]}")
    (root / labels / f"d{endings[1]}").mkdir()
    assert opened(root, name).ids == ("a_1", "a_2", "b_1", "b_2", "c_1")
    assert opened(root, name).notes == ()
    assert opened(root, name).survey(opened(root, name).ids)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_named_like_an_image_does_not_hang_and_is_named(plain: tuple[str, Path]) -> None:
    name, root = plain
    images, _, ending, _ = PLACES[name]
    os.mkfifo(root / images / f"c{ending}")
    dataset = opened(root, name)
    assert dataset.ids == ("a_1", "a_2", "b_1", "b_2")
    assert dataset.notes == (f"{root / images}: left out: neither a file nor a folder: c{ending}",)


def test_a_folder_that_may_not_be_read_is_named(plain: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    name, root = plain
    scandir, closed = os.scandir, root / PLACES[name][0] / "b"

    def guarded(folder: Path) -> object:
        if Path(folder) == closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(DataError, match=rf"^{closed}: can't be read \(Permission denied\)$"):
        opened(root, name)


def test_other_files_that_look_like_images_are_named_once_in_one_line(plain: tuple[str, Path]) -> None:
    name, root = plain
    expected = state(opened(root, name))
    images, labels, *_ = PLACES[name]
    others = [f"{k}.tif" for k in range(5)] if name != "cityscapes" else [f"{k}_rightImg8bit.png" for k in range(5)]
    for other in others:
        (root / images / other).touch()
    (root / images / ".hidden.png").touch()
    write_pair(root, name, "z")
    next((root / images).glob("z*")).unlink()
    dataset = opened(root, name)
    assert state(dataset) == expected
    endings = {"cityscapes": "_leftImg8bit.png or _leftImg8bit.webp", "camvid": ".png"}.get(name, ".jpg or .jpeg")
    assert dataset.notes == (
        f"{root / images}: left out: hidden or a system's: .hidden.png; "
        f"not ending in {endings}: {', '.join(others[:3])} and 2 more",
        f"{root / labels}: 1 label without an image: z{PLACES[name][3]}",
    )


@pytest.mark.parametrize("name", ["ade20k", "cocostuff"])
def test_jpeg_files_are_read_whatever_the_spelling_of_their_kind(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path, name, "a")
    write_pair(tmp_path, name, "b", endings=(".jpeg", ".png"))
    write_pair(tmp_path, name, "c", endings=(".JPEG", ".PNG"))
    assert (opened(tmp_path, name).ids, opened(tmp_path, name).notes) == (("a", "b", "c"), ())


def test_what_mmsegmentation_adds_to_cocostuffs_labels_needs_no_word(tmp_path: Path) -> None:
    for stem in ("1", "2"):
        write_pair(tmp_path, "cocostuff", stem)
        shutil.copy(
            tmp_path / f"annotations/val2017/{stem}.png", tmp_path / f"annotations/val2017/{stem}_labelTrainIds.png"
        )
    assert (opened(tmp_path, "cocostuff").ids, opened(tmp_path, "cocostuff").notes) == (("1", "2"), ())


@EVERY
@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_spellings_of_one_name_in_unicode_pair_and_the_id_is_nfc(
    tmp_path: Path, name: str, forms: tuple[str, str]
) -> None:
    write_pair(tmp_path, name, "zürich_1")
    for place, form in zip(PLACES[name][:2], forms, strict=True):
        (path,) = (tmp_path / place).iterdir()
        path.rename(path.with_name(unicodedata.normalize(form, path.name)))
    dataset = opened(tmp_path, name)
    assert dataset.ids == (unicodedata.normalize("NFC", "zürich_1"),)
    assert dataset.load(dataset.ids[0]).image_id == dataset.ids[0]


def respell(path: Path) -> Path:
    return path.with_name(unicodedata.normalize("NFD", path.name))


TWINS: dict[str, Callable[[Path], Path]] = {
    "case": lambda path: path.with_suffix(path.suffix.upper()),
    "folder": lambda path: path.parent.parent / "other" / path.name,
    "unicode": respell,
}


@pytest.mark.parametrize("kind", ["image", "label"])
@pytest.mark.parametrize("twin", TWINS)
@EVERY
def test_two_files_of_one_id_are_refused_with_both_names(tmp_path: Path, name: str, twin: str, kind: str) -> None:
    write_pair(tmp_path, name, "zürich_1", "a")
    write_pair(tmp_path, name, "zürich_2", "a")
    path = opened(tmp_path, name).pairs["zürich_1"][kind == "label"]
    other = TWINS[twin](path)
    other.parent.mkdir(exist_ok=True)
    shutil.copy(path, other)
    with pytest.raises(DataError, match=r"has the same id as .*; remove one of them") as caught:
        opened(tmp_path, name)
    assert str(path) in str(caught.value)
    assert str(other) in str(caught.value)


def test_an_image_without_a_label_is_refused_though_it_lies_behind_a_link(plain: tuple[str, Path]) -> None:
    name, root = plain
    images, labels, *endings = PLACES[name]
    (root / images / "b").rename(root / "disk")
    (root / images / "b").symlink_to(root / "disk")
    (root / labels / "b" / f"b_1{endings[1]}").unlink()
    with pytest.raises(DataError, match=rf"/{images}/b/b_1\S+: has no label; expected .*/{labels}/b/b_1{endings[1]}"):
        opened(root, name)


@EVERY
@pytest.mark.parametrize("kind", [0, 1])
def test_a_name_that_is_not_utf8_is_refused_by_its_bytes(tmp_path: Path, name: str, kind: int) -> None:
    write_pair(tmp_path, name, "a")
    path = opened(tmp_path, name).pairs["a"][kind]
    ending = PLACES[name][2 + kind]
    strange = os.fsencode(path.parent) + b"/caf\xe9" + ending.encode()
    try:
        Path(os.fsdecode(strange)).write_bytes(path.read_bytes())
    except OSError:
        pytest.skip("this disk has no such names")
    with pytest.raises(DataError) as caught:
        opened(tmp_path, name)
    assert str(caught.value) == rf"{path.parent}/caf\xe9{ending}: its name is not UTF-8; rename it"


@EVERY
def test_a_name_with_line_breaks_stays_on_one_line(tmp_path: Path, name: str) -> None:
    strange = "a\nb\t[red]\u2028'\"#"
    write_pair(tmp_path, name, strange)
    dataset = opened(tmp_path, name)
    assert dataset.ids == (strange,)
    assert dataset.survey(dataset.ids)
    for path in dataset.pairs[strange]:
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(DataError, match=r"a\\nb\\t\[red\]\\u2028'\"#\S+: ") as caught:
            dataset.load(strange)
        assert len(str(caught.value).splitlines()) == 1
