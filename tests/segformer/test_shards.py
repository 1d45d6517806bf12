"""Folders of Transformers whose weights are in shards, written by Transformers itself."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_sources import assert_logits_equal, logits_of, make_reference

from segformer import CheckpointError, load_checkpoint

INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_reference().save_pretrained(tmp_path / "b0", max_shard_size="4MB")
    assert len(list((tmp_path / "b0").glob("model-*.safetensors"))) > 2
    return tmp_path / "b0"


def pickled(folder: Path) -> None:
    """Turn the shards into shards of the older form."""
    index = (folder / INDEX).read_text()
    for shard in folder.glob("model-*.safetensors"):
        name = shard.name.replace("model-", "pytorch_model-").replace(".safetensors", ".bin")
        torch.save(load_file(shard), folder / name)
        index = index.replace(shard.name, name)
        shard.unlink()
    (folder / INDEX).unlink()
    (folder / "pytorch_model.bin.index.json").write_text(index)


def change_index(folder: Path, key: str, name: str | None) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"][key] = name
    if name is None:
        del index["weight_map"][key]
    (folder / INDEX).write_text(json.dumps(index))


@pytest.mark.parametrize("old", [False, True], ids=["safetensors", "bin"])
def test_all_shards_are_read_and_give_transformers_logits(folder: Path, old: bool) -> None:
    if old:
        pickled(folder)
    assert_logits_equal(load_checkpoint(folder), logits_of(make_reference()))


def test_the_hubs_cache_of_links_is_read_and_is_known_by_the_same_hash(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models--someone--b0"
    snapshot, blobs = cache / "snapshots" / "01", cache / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(sorted(folder.iterdir())):
        (blobs / f"{number}").write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    model = load_checkpoint(snapshot)
    assert_logits_equal(model, logits_of(make_reference()))
    assert model.info.sha256 == load_checkpoint(folder).info.sha256


def test_safetensors_come_before_a_pickle_which_may_be_stale(tmp_path: Path) -> None:
    make_reference().save_pretrained(tmp_path)
    stale = {key: value + 1 for key, value in load_file(tmp_path / "model.safetensors").items()}
    torch.save(stale, tmp_path / "pytorch_model.bin")
    assert_logits_equal(load_checkpoint(tmp_path), logits_of(make_reference()))


@pytest.mark.parametrize("outside", ["../b1/model.safetensors", "/tmp/model.safetensors", "a/../../x", "C:\\x", "a\0b"])
def test_an_index_that_names_a_file_outside_its_folder_is_refused(folder: Path, outside: str) -> None:
    change_index(folder, "decode_head.classifier.bias", outside)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder)
    assert str(caught.value) == f"{folder / INDEX}: names {outside!r}, which is not in its folder"


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard = sorted(folder.glob("model-*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(CheckpointError, match=rf"index\.json: names {shard.name}, which is not there$"):
        load_checkpoint(folder)


def test_a_shard_that_differs_from_its_index_is_named(folder: Path) -> None:
    first, second = sorted(folder.glob("model-*.safetensors"))[:2]
    moved, place = next(iter(load_file(first))), first.name
    change_index(folder, moved, None)
    with pytest.raises(CheckpointError, match=rf"{first.name}: holds {moved}, which .* does not place there"):
        load_checkpoint(folder)
    change_index(folder, moved, second.name)
    with pytest.raises(CheckpointError, match=rf"(holds|lacks) {moved}, which .*index\.json"):
        load_checkpoint(folder)
    change_index(folder, moved, place)
    change_index(folder, "decode_head.extra", place)
    with pytest.raises(CheckpointError, match=rf"{first.name}: lacks decode_head\.extra, which .* places there"):
        load_checkpoint(folder)


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": []}, {"weight_map": {"a": 3}}])
def test_an_index_without_a_map_is_refused(folder: Path, index: dict[str, object]) -> None:
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"index\.json: needs a weight_map from keys to the names of files$"):
        load_checkpoint(folder)


def test_a_truncated_shard_is_named(folder: Path) -> None:
    shard = sorted(folder.glob("model-*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=rf"{shard.name}: not a complete \.safetensors file"):
        load_checkpoint(folder)


def test_a_key_that_the_network_lacks_is_refused_with_a_line_that_removes_it(folder: Path) -> None:
    shard = sorted(folder.glob("model-*.safetensors"))[0]
    save_file(load_file(shard) | {"decode_head.extra": torch.ones(1)}, shard)
    change_index(folder, "decode_head.extra", shard.name)
    with pytest.raises(CheckpointError, match=r"1 unknown: decode_head\.extra; if no forward pass reads it, save it: "):
        load_checkpoint(folder)


def test_a_folders_hash_covers_all_that_decides_logits_and_nothing_else(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text("{}")
    (folder / "processor_config.json").write_text("{}")
    before = load_checkpoint(folder).info.sha256
    (folder / "README.md").write_text("about")
    (folder / "training_args.bin").write_bytes(b"0")
    assert load_checkpoint(folder).info.sha256 == before
    hashes = {before}
    for name in ("config.json", INDEX, "preprocessor_config.json", "processor_config.json"):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | {"note": 1}))
        hashes.add(load_checkpoint(folder).info.sha256)
    shard = sorted(folder.glob("model-*.safetensors"))[-1]
    save_file({key: value + 1 for key, value in load_file(shard).items()}, shard)
    hashes.add(load_checkpoint(folder).info.sha256)
    assert len(hashes) == 6
