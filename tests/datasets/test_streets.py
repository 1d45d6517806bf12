import numpy as np

from robustbench_seg.datasets.streets import Streets


def test_splits_share_no_scene_and_a_longer_split_begins_as_a_shorter_one() -> None:
    splits = {split: set(Streets(split, count=1000).ids) for split in ("train", "val", "test")}
    assert not splits["train"] & splits["val"] | splits["train"] & splits["test"] | splits["val"] & splits["test"]
    assert Streets("test", count=20).ids[:10] == Streets("test", count=10).ids


def test_a_scene_is_decided_by_its_id_and_size() -> None:
    dataset = Streets("test", size=(64, 96), count=3)
    first, again, other = (dataset.load(dataset.ids[k]) for k in (0, 0, 1))
    assert first.image.shape == (64, 96, 3)
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)


def test_a_fingerprint_follows_seed_size_and_ids() -> None:
    prints = {
        Streets("test", size=size, count=4, seed=seed).fingerprint(Streets("test", count=4, seed=seed).ids[:n])
        for size in ((64, 96), (96, 64))
        for seed in (0, 1)
        for n in (3, 4)
    }
    assert len(prints) == 8


def test_it_says_that_it_is_synthetic() -> None:
    assert Streets.synthetic
