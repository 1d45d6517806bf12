"""Which images statistics draw together."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import robustbench_seg as rb
from robustbench_seg.datasets import DATASETS, blocks_of, groups_of, open_dataset, own_blocks
from robustbench_seg.datasets.entry import DatasetEntry
from robustbench_seg.datasets.several import Several
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import DataError
from robustbench_seg.studies.counts import blocks_in
from robustbench_seg.studies.frame import quality_frame


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


class Drives(Streets):
    """Scenes of a user's own, whose class alone knows that two in a row are of one drive."""

    name = "drives"

    @staticmethod
    def blocks(ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(str(int(image_id[-4:]) // 2) for image_id in ids)


def test_a_store_keeps_the_blocks_of_a_users_own_class_which_its_readers_lack(tmp_path: Path) -> None:
    """Here as after `rb.evaluate` of a class that is not registered, and in a report without the file of --plugin."""
    data = Drives("test", count=4, size=(64, 96))
    results = rb.evaluate("constant", data, corruptions={}, metrics=[], progress=False, out=tmp_path)
    assert len(set(data.blocks(data.ids))) == 2
    for cells in (results.cells, quality_frame(tmp_path)):
        assert blocks_in(cells).names == data.blocks(data.ids)
    assert "own_blocks" not in results.frame()


def test_only_blocks_that_a_reader_cannot_know_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = Streets("test", count=4, size=(64, 96)), Drives("test", count=4, size=(64, 96))
    both = Several([ours, theirs])
    assert own_blocks(ours, ours.ids) == ()
    assert own_blocks(theirs, theirs.ids) == theirs.blocks(theirs.ids)
    assert own_blocks(both, both.ids) == both.blocks(both.ids)
    assert [len(set(one.blocks(one.ids))) for one in (ours, theirs, both)] == [4, 2, 6]
    monkeypatch.setitem(DATASETS, "drives", DatasetEntry(name="drives", description="", kind=Drives))
    assert blocks_of(both.name, both.ids) == both.blocks(both.ids)
    assert own_blocks(theirs, theirs.ids) == theirs.blocks(theirs.ids), "a plugin may be missing later"


@pytest.mark.parametrize("blocks", [("a",) * 3, (1, 1, 2, 2), "aabb", {"a": 1}, None])
def test_a_class_must_name_a_block_for_each_image(blocks: object, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Drives("test", count=4, size=(64, 96))
    monkeypatch.setattr(data, "blocks", lambda ids: blocks)
    with pytest.raises(
        DataError, match=r"^data set Drives: its blocks\(ids\) must return a text for each of 4 ids, got "
    ):
        own_blocks(data, data.ids)
