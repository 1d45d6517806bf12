"""Images of 16 bits that hold samples of fewer bits, which are nearly black where the upper 8 are read."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pngs import raw_png

from robustbench_seg.datasets import Dataset, open_dataset
from robustbench_seg.datasets.first_pass import first_pass
from robustbench_seg.errors import DataError

SIZE = (40, 48)
LABEL = raw_png(np.zeros(SIZE, int), 8)


def opened(root: Path, contents: dict[str, bytes]) -> Dataset:
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    for name, content in contents.items():
        (root / "images" / name).write_bytes(content)
        (root / "labels" / f"{name.rpartition('.')[0]}.png").write_bytes(LABEL)
    spec = {"images": "images", "labels": "labels", "classes": ["road"]}
    (root / "dataset.yaml").write_text(yaml.safe_dump(spec))
    return open_dataset("mine", root)


def image(most: int, bits: int = 16, colour: int = 2) -> bytes:
    samples = np.linspace(0, most, SIZE[0] * SIZE[1] * 3).astype(int).reshape(*SIZE, 3)
    return raw_png(samples if colour == 2 else samples[..., 0], bits, colour)


@pytest.mark.parametrize("bits", [13, 14])
@pytest.mark.parametrize("colour", [0, 2])
def test_images_of_fewer_bits_are_noted_with_a_file_in_the_first_pass(tmp_path: Path, bits: int, colour: int) -> None:
    dataset = opened(tmp_path, {f"{k}.png": image(2**bits - 1, 16, colour) for k in range(3)})
    lines: list[str] = []
    first_pass(dataset, dataset.ids, lines.append)
    assert lines == [
        "mine all: images/0.png: 16 bit, but no value of it reaches 16384 of 65535, so that it is nearly black to a "
        "network (3 of 3 images in a trial); if its samples have fewer bits, scale them to 0 .. 65535"
    ]


def test_of_many_images_a_few_are_tried_and_dark_ones_are_counted(tmp_path: Path) -> None:
    contents = {f"{k:02}.png": image(65535) for k in range(30)} | {"15.png": image(9000)}
    (line,) = opened(tmp_path, {**contents, **{f"{k:02}.png": image(16383) for k in range(20)}}).cautions
    assert line.startswith("mine all: images/")
    assert "(3 of 5 images in a trial)" in line


@pytest.mark.parametrize("content", [image(16384), image(65535), image(40, 8), image(9, 8, 0)])
def test_images_of_8_bits_and_those_with_brighter_values_are_not(tmp_path: Path, content: bytes) -> None:
    assert opened(tmp_path, {"a.png": content, "b.png": content}).cautions == ()


def test_samples_of_12_bits_are_refused_before_the_first_cell(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^{tmp_path}/images/a\.png: 16 bit, but its largest value is 4095; "):
        opened(tmp_path, {"a.png": image(4095), "b.png": image(4095)})


def test_broken_files_are_left_to_the_first_pass_which_names_all(tmp_path: Path) -> None:
    dataset = opened(tmp_path, {"a.png": b"", "b.png": image(65535, 8)[:20], "c.png": image(65535)})
    (tmp_path / "images/c.png").unlink()
    (tmp_path / "images/c.png").symlink_to("nowhere")
    again = open_dataset("mine", tmp_path)
    assert (dataset.cautions, again.cautions) == ((), ())
    with pytest.raises(DataError, match=r"^3 of 3 images have faults: "):
        again.survey(again.ids)


def test_jpeg_files_with_png_names_are_not_tried(tmp_path: Path) -> None:
    dataset = opened(tmp_path, {"a.png": image(65535)})
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(tmp_path / "images/a.png", "JPEG")
    assert open_dataset("mine", tmp_path).cautions == dataset.cautions == ()
