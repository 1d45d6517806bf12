"""`check` reports what a data set has and what is wrong with it, and goes on after a fault."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pngs import raw_png
from test_cli import program

from robustbench_seg.datasets.camvid import CamVid


def counted_by_hand(root: Path) -> dict[str, tuple[int, int]]:
    """Pixels and images of each class, by a loop over pixels."""
    pixels: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for path in (root / "testannot").iterdir():
        here = Counter(int(value) for value in np.asarray(Image.open(path)).ravel())
        names = {value: [*CamVid.class_names, "ignored"][value] for value in here}
        pixels.update({names[value]: count for value, count in here.items()})
        images.update(names.values())
    return {name: (pixels[name], images[name]) for name in pixels}


def rows(text: str) -> dict[str, tuple[int, int]]:
    """Pixels and images of each class, read from the table."""
    found = {}
    for words in (line.split() for line in text.splitlines()):
        name = next((word for word in words if word in {*CamVid.class_names, "ignored"}), None)
        if name:
            found[name] = (int(words[words.index(name) + 1].replace(",", "")), int(words[-1]))
    return found


def test_a_sound_data_set_has_its_counts_and_status_0(camvid_folder: Path) -> None:
    done = program("check", f"camvid={camvid_folder}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("camvid test: 3 of 3 images, read in ")
    assert "sizes (height x width): 3 of 40x48\nblocks of its ids, which statistics draw: 1\n" in done.stdout
    assert rows(done.stdout) == counted_by_hand(camvid_folder)
    assert done.stdout.endswith("no fault\n")


def test_all_faults_are_listed_with_their_values_and_the_rest_is_counted(camvid_folder: Path) -> None:
    wrong = np.resize(np.array([0, 40, 41, 42]), (40, 48))
    (camvid_folder / "testannot/frame_0.png").write_bytes(raw_png(wrong, 8))
    (camvid_folder / "test/frame_2.png").write_bytes(b"no picture at all")
    (camvid_folder / "test/frame_3.bmp").touch()
    done = program("check", f"camvid={camvid_folder}", "--split", "test")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[-1] == "2 faults"
    assert lines[-3].startswith(f"{camvid_folder}/testannot/frame_0.png: label values 40, 41, 42; allowed are 0, 1,")
    assert lines[-2].startswith(f"{camvid_folder}/test/frame_2.png: begins with b'no picture a'")
    assert lines[-4] == f"{camvid_folder}/test: left out: not ending in .png: frame_3.bmp"
    assert "sizes (height x width): 1 of 40x48" in lines
    assert sum(count for count, _ in rows(done.stdout).values()) == 40 * 48


def test_an_image_that_no_run_takes_is_a_fault(camvid_folder: Path) -> None:
    Image.new("RGB", (40, 31)).save(camvid_folder / "test/frame_1.png")
    (camvid_folder / "testannot/frame_1.png").write_bytes(raw_png(np.zeros((31, 40), int), 8))
    done = program("check", f"camvid={camvid_folder}")
    assert done.returncode == 1
    assert "frame_1.png): its shorter side of 31 pixels is below 32" in " ".join(done.stdout.split())
    assert done.stdout.endswith("1 fault\n")


def test_labels_that_ignore_everything_can_not_be_measured(camvid_folder: Path) -> None:
    for path in (camvid_folder / "testannot").iterdir():
        path.write_bytes(raw_png(np.full((40, 48), 11), 8))
    done = program("check", f"camvid={camvid_folder}")
    assert done.returncode == 1
    assert "camvid test: 3 of 3 images without a labelled pixel: frame_0, frame_1, frame_2" in done.stdout
    assert done.stdout.endswith("\n1 fault\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kitti=."], "has no dataset.yaml"),
        (["camvid"], "takes NAME=PATH, got 'camvid'"),
        (["camvid=nowhere"], "nowhere/test: no such folder"),
    ],
)
def test_what_can_not_be_opened_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    done = program("check", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_missing_labels_are_counted(camvid_folder: Path) -> None:
    for path in (camvid_folder / "testannot").iterdir():
        path.unlink()
    done = program("check", f"camvid={camvid_folder}")
    assert done.returncode == 2
    assert "frame_0.png: has no label" in done.stderr
    assert "(2 other images have none either)" in done.stderr
