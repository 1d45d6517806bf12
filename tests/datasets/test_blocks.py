"""Which images statistics draw together."""

from collections import Counter
from pathlib import Path

from robustbench_seg.datasets import blocks_of, groups_of, open_dataset


def test_an_image_is_a_block_unless_the_data_set_says_otherwise() -> None:
    ids = ["frankfurt_000000_000294", "frankfurt_000000_000576"]
    for name in ("cityscapes", "streets", "one that is not registered"):
        assert blocks_of(name, ids) == tuple(ids)


def test_camvids_blocks_are_15_labelled_frames_of_one_drive() -> None:
    ids = [f"Seq05VD_f{30 * k:05d}" for k in range(31)] + [f"0001TP_{30 * k:06d}" for k in range(3)]
    blocks = blocks_of("camvid", ids)
    assert list(Counter(blocks).values()) == [15, 15, 1, 3]
    # a choice of the frames stays in its blocks
    assert blocks_of("camvid", ids[::3]) == blocks[::3]
    assert blocks_of("camvid", ["no frame", "frame_1_2"]) == ("no frame", "frame_1_2")


def test_camvids_groups_are_drives_and_other_images_are_one_group() -> None:
    assert groups_of("camvid", ["0001TP_008550", "0001TP_010380", "Seq05VD_f00000"]) == ("0001TP", "0001TP", "Seq05VD")
    assert set(groups_of("cityscapes", ["a", "b"])) == set(groups_of("elsewhere", ["a", "b"])) == {""}


def test_camvids_test_split_has_17_blocks(camvid_root: Path) -> None:
    dataset = open_dataset("camvid", camvid_root)
    sizes = Counter(dataset.blocks(dataset.ids))
    assert sorted(sizes.values()) == [2, 6, *[15] * 15]
