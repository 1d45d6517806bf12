import numpy as np
import pytest

from robustbench_seg.datasets import streets, streets_scene
from robustbench_seg.datasets.streets import Streets


def test_splits_share_no_scene_and_a_longer_split_begins_as_a_shorter_one() -> None:
    splits = {split: set(Streets(split, count=1000).ids) for split in ("train", "val", "test")}
    assert not splits["train"] & splits["val"] | splits["train"] & splits["test"] | splits["val"] & splits["test"]
    assert Streets("test", count=20).ids[:10] == Streets("test", count=10).ids


def test_a_scene_is_decided_by_its_id_and_size() -> None:
    dataset = Streets("test", size=(64, 96), count=20_000)  # too many to be kept
    first, again, other = (dataset.load(dataset.ids[k]) for k in (0, 0, 1))
    assert first.image.shape == (64, 96, 3)
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)


def test_a_small_set_is_drawn_once_and_nobody_can_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawings: list[int] = []

    def render(seed: int, index: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        drawings.append(index)
        return streets_scene.render(seed, index, height, width)

    monkeypatch.setattr(streets, "render", render)
    streets.scenes_of.cache_clear()
    small, large = (Streets("test", size=(64, 96), count=count, seed=41) for count in (3, 20_000))
    samples = []
    for dataset in (small, Streets("test", size=(64, 96), count=3, seed=41), large):
        sample = dataset.load(dataset.ids[1])
        samples.append((sample.image.copy(), sample.label.copy()))
        sample.image[:], sample.label[:] = 0, 0
    assert drawings == [2_000_001] * 2  # one for both small ones
    for image, label in samples[1:]:
        assert np.array_equal(image, samples[0][0])
        assert np.array_equal(label, samples[0][1])


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
