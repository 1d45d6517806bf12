import ast
import hashlib
import importlib.util
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import oracle
import pytest

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.pixels import Image
from robustbench_seg.corruptions.weather import FROST_FOLDERS, FROST_TEXTURES, _frost_texture
from robustbench_seg.errors import MachineError


def test_frost_without_its_textures_names_the_remedy(monkeypatch: pytest.MonkeyPatch, noise: Image) -> None:
    _frost_texture.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MachineError, match=r"frost\d\.\w+ of imagecorruptions.*install it again with pip"):
        corrupt(noise, "frost", 3)


def test_the_build_takes_the_textures_that_frost_draws_from_and_no_others() -> None:
    tree = ast.parse((Path(__file__).parents[2] / "hatch_build.py").read_text(encoding="utf-8"))
    (textures,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TEXTURES"
    )
    assert tuple(textures) == FROST_TEXTURES
    oracle_files = distribution("imagecorruptions")
    for name, sha256 in textures.items():
        content = Path(oracle_files.locate_file(f"imagecorruptions/frost/{name}")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256


@pytest.mark.parametrize("package", FROST_FOLDERS)
def test_a_texture_is_read_from_the_installation_or_from_the_oracle(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone, in the place that hatch_build.py or imagecorruptions gives it."""
    _frost_texture.cache_clear()
    name, *_ = FROST_TEXTURES
    expected = _frost_texture(name)
    content = Path(distribution("imagecorruptions").locate_file(f"imagecorruptions/frost/{name}")).read_bytes()
    folder = tmp_path / package / FROST_FOLDERS[package]
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    spec = importlib.util.spec_from_loader(package, None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / package)]
    monkeypatch.setattr(importlib.util, "find_spec", {package: spec}.get)
    _frost_texture.cache_clear()
    assert np.array_equal(_frost_texture(name), expected)
    _frost_texture.cache_clear()


def test_frost_uses_each_of_its_five_textures(noise: Image) -> None:
    _frost_texture.cache_clear()
    for i in range(40):  # 5 textures: one is missed by chance in 5 * 0.8**40 = 0.07 % of seeds; these are fixed
        corrupt(noise, "frost", 3, image_id=str(i))
    assert _frost_texture.cache_info().misses == len(FROST_TEXTURES) == 5


def test_fog_draws_as_many_values_as_its_square_cloud_has_whatever_the_shorter_side() -> None:
    after = []
    for width in (64, 40):
        rng = np.random.RandomState(0)
        corrupt(np.zeros((64, width, 3), dtype=np.uint8), "fog", 3, rng=rng)
        after.append(rng.random_sample())
    used = np.random.RandomState(0)
    used.random_sample(64 * 64 - 1)  # every point but the first corner
    assert after == [used.random_sample()] * 2


def test_brightness_brightens_and_keeps_white() -> None:
    image = np.full((32, 32, 3), (40, 90, 140), dtype=np.uint8)
    assert np.all(corrupt(image, "brightness", 3) > image)
    assert np.all(corrupt(np.full_like(image, 255), "brightness", 3) == 255)


def test_spatter_without_a_drop_leaves_the_image_dry() -> None:
    image = np.full((32, 32, 3), 128, dtype=np.uint8)
    results = [corrupt(image, "spatter", 1, rng=np.random.RandomState(i)) for i in range(200)]
    # No drop forms on about 1 % of images this small.
    assert any(np.all(np.abs(result.astype(int) - image) <= 1) for result in results)
    assert all(result.min() >= 127 for result in results)


@pytest.mark.parametrize("name", ["snow", "fog", "spatter"])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_equals_the_oracle_on_flat_greys_to_a_value_in_a_thousand(name: str, severity: int) -> None:
    # Each formula lands on integers at some greys: there one last bit would move every value.
    for level in range(severity, 256, 17):
        image = np.full((64, 64, 3), level, dtype=np.uint8)
        ours = corrupt(image, name, severity, rng=np.random.RandomState(level))
        difference = np.abs(ours.astype(int) - oracle.corrupt(image, name, severity, level))
        assert difference.max() <= 1
        assert np.mean(difference > 0) <= 0.001


@pytest.mark.parametrize(("severity", "random_seed"), [(4, 38), (5, 39)])
def test_the_edge_of_mud_is_the_oracles_on_a_large_image(severity: int, random_seed: int) -> None:
    # Among two million pixels some cover lies on the edge of what sticks: there float32's rounding decides, and a pixel
    # that falls on the other side is off by a hundred levels. With these seeds one does if it is rounded but once.
    image = np.full((1024, 2048, 3), 200, dtype=np.uint8)
    ours = corrupt(image, "spatter", severity, rng=np.random.RandomState(random_seed))
    theirs = oracle.corrupt(image, "spatter", severity, random_seed)
    assert np.abs(ours.astype(int) - theirs).max() <= 1
