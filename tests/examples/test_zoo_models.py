"""The zoo's models of the suite: what they feed their networks, pad and name, and how the suite finds them."""

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import seg_zoo
import torch
from seg_zoo.architectures import ARCHITECTURES
from seg_zoo.models import Padded, load_request
from seg_zoo.recipes import class_names
from torch import nn
from torch.nn import functional
from zoo_files import MANIFEST, ROWS, WEIGHTS, needs_weights, path_of

from robustbench_seg.alignment import align
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.errors import UsageError
from robustbench_seg.models import Request, factory
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.own_code import own_files

PACKAGE = Path(__file__).parents[2] / "examples/zoo"
PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
TFLITE = "deeplab_mobilenet_edgetpu_slim_cityscapes_uint8.tflite"
# One file of each input recipe.
OF_RECIPE = {
    "A": "espnet_p2q8_camvid_480x360.pth",
    "B": "c3net_cityscapes.pth",
    "C": "dicenet_s0.5_cityscapes_512x256.pth",
    "D": "cgnet_m3n21_camvid_trainval.pth",
}


def fed(recipe: str, image: np.ndarray) -> np.ndarray:
    """Do what the authors' recipe says, step by step, to an RGB image (H, W, 3)."""
    x = image.astype(np.float64)
    match recipe:
        case "A" | "B":
            mean, std = {
                "A": ((110.33102643, 108.40886315, 105.03319369), (72.12571015, 72.69074534, 69.90434816)),
                "B": ((72.3923111, 82.90893555, 73.15840149), (45.3192215, 46.15289307, 44.91483307)),
            }[recipe]
            return (x[..., ::-1] - mean) / std / 255
        case "C":
            return (x / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        case "D":
            return x - (105.65775299, 103.32983398, 99.62540436)
    raise AssertionError(recipe)


@needs_weights
@pytest.mark.parametrize("recipe", OF_RECIPE)
def test_a_network_is_fed_what_its_authors_recipe_says(recipe: str) -> None:
    path = path_of(OF_RECIPE[recipe])
    assert ROWS[path.name]["recipe"] == recipe
    model = seg_zoo.make(path)
    assert isinstance(model, NetworkSegmenter)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    given = model.preprocessing.normalise(torch.from_numpy(image).permute(2, 0, 1)[None])
    wanted = torch.from_numpy(fed(recipe, image)).permute(2, 0, 1)[None].float()
    torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-6)
    with torch.inference_mode():
        logits = model(torch.from_numpy(image).permute(2, 0, 1)[None])
        torch.testing.assert_close(logits, seg_zoo.load_network(path)(wanted), rtol=1e-3, atol=1e-3)


@needs_weights
def test_a_model_states_where_it_comes_from_and_names_each_of_its_outputs() -> None:
    path = path_of(OF_RECIPE["C"])
    model = seg_zoo.make(path)
    assert model.name == path.stem
    assert model.licence == "MIT"
    assert model.checkpoint_sha256 == ROWS[path.name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.parameters == int(ROWS[path.name]["parameters"])
    assert "DiCENet from https://github.com/sacmehta/EdgeNets, input recipe C" in model.about
    assert "multiples of 16" in model.about
    assert model.class_names == (*CLASS_NAMES, "background")
    assert seg_zoo.make(path_of(OF_RECIPE["A"])).class_names == (*CamVid.class_names, "unlabelled")
    assert seg_zoo.make(path_of(OF_RECIPE["D"])).class_names == CamVid.class_names
    zh320 = seg_zoo.make(path_of("zh320_enet_cityscapes_crop1024.pth"))
    assert zh320.class_names == tuple(CLASS_NAMES)
    assert zh320.licence.startswith("Apache-2.0 (added to the repository after")


def test_a_class_for_everything_else_maps_to_nothing_and_the_others_as_they_do_without_it() -> None:
    with_background, without = (align(class_names(outputs), CamVid.class_names) for outputs in (20, 19))
    assert with_background.unused == ("background",)
    assert with_background.to == (*without.to, with_background.nothing)
    assert align(class_names(12), CamVid.class_names).unused == ("unlabelled",)
    with pytest.raises(ValueError, match="7 outputs, expected 11, 12, 19, 20"):
        class_names(7)


class Blocks(nn.Module):
    """Refuses sides that are no multiples of 16; gives the mean of 2x2 pixels as logits of one class, with a bias."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[2] % 16 == images.shape[3] % 16 == 0
        return functional.avg_pool2d(images, 2).mean(1, keepdim=True) + 1


def test_images_are_padded_right_and_bottom_after_they_are_normalised_and_logits_are_cut_back() -> None:
    images = torch.randn(2, 3, 24, 33, generator=torch.Generator().manual_seed(0))
    padded = torch.zeros(2, 3, 32, 48)
    padded[:, :, :24, :33] = images
    halves = padded.unfold(2, 2, 2).unfold(3, 2, 2).mean((1, 4, 5))[:, None] + 1
    wanted = functional.interpolate(halves, (32, 48), mode="bilinear", align_corners=False)[:, :, :24, :33]
    torch.testing.assert_close(Padded(Blocks(), 16)(images), wanted)
    assert Padded(Blocks(), 16)(padded).shape == (2, 1, 16, 24)  # nothing to pad: at the network's stride


@needs_weights
def test_padding_makes_camvids_size_one_that_networks_of_16_and_128_take() -> None:
    images = torch.zeros(1, 3, 60, 80, dtype=torch.uint8)
    for name in ("sinet_cityscapes.pth", "espnetv2_s0.5_cityscapes_512x256.pth"):
        with torch.inference_mode():
            assert seg_zoo.make(path_of(name))(images).shape[2:] == (60, 80)


@needs_weights
def test_another_number_of_outputs_has_no_recipe(tmp_path: Path) -> None:
    content = torch.load(path_of(OF_RECIPE["D"]), map_location="cpu", weights_only=True)
    (key,) = (key for key in content["model"] if key.endswith("classifier.0.conv.weight"))
    path = tmp_path / "other.pth"
    torch.save({"model": {**content["model"], key: content["model"][key][:7]}}, path)
    with pytest.raises(ValueError, match=r"other\.pth: is CGNet with 7 outputs; the input is known for 11 alone"):
        seg_zoo.make(path)


@needs_weights
def test_the_8_bit_graph_gives_labels_alone() -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="the package ai-edge-litert is not there")
    model = seg_zoo.make(path_of(TFLITE))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 3, 360, 480), dtype=np.uint8)
    scores = model(torch.from_numpy(images))
    assert scores.shape == (2, 19, 360, 480)
    assert set(scores.unique().tolist()) == {0.0, 100.0}
    assert bool((scores.sum(1) == 100).all())
    graph = interpreter.Interpreter(str(path_of(TFLITE)))
    graph.allocate_tensors()
    canvas = np.full((1, 513, 513, 3), 128, dtype=np.uint8)
    canvas[0, :360, :480] = images[1].transpose(1, 2, 0)
    graph.set_tensor(graph.get_input_details()[0]["index"], canvas)
    graph.invoke()
    labels = graph.get_tensor(graph.get_output_details()[0]["index"])[0, :360, :480]
    assert (scores[1].argmax(0).numpy() == labels).all()
    assert 1_900_000 < model.parameters < 2_157_328, "8-bit weights and 32-bit biases within the file's bytes"
    assert "labels alone" in model.about
    with pytest.raises(UsageError, match="takes images of up to 513x513, got 514x20: use a view such as slide-513-384"):
        model(torch.zeros(1, 3, 514, 20, dtype=torch.uint8))


@needs_weights
def test_the_suite_gets_a_model_under_the_name_that_it_asks_for() -> None:
    made = load_request(Request(name="zoo-small", weights=str(path_of(OF_RECIPE["C"]))))
    assert made.name == "zoo-small"


@needs_weights
def test_a_factory_of_the_suite_makes_the_same_model() -> None:
    path = path_of(OF_RECIPE["C"])
    made = factory.load(Request(name="small", weights=f"seg_zoo:make@{path}", class_names=tuple(CLASS_NAMES)))
    image = torch.full((1, 3, 32, 48), 99, dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(made(image), seg_zoo.make(path)(image))


@needs_weights
def test_the_installed_package_offers_its_models_to_the_suite(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site-packages"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    subprocess.run([sys.executable, "-m", *pip, str(source)], check=True)
    path = path_of("zh320_edanet_cityscapes_crop1024.pth")
    script = f"""
import torch
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
made = load_source(Source.parse("zoo@" + {str(path)!r}), "edanet", CLASS_NAMES, torch.device("cpu"))
with torch.inference_mode():
    print(made.name, *made(torch.full((1, 3, 32, 40), 99, dtype=torch.uint8)).shape, seg_zoo.__file__)
""".replace("import torch\n", "import seg_zoo, torch\n", 1)
    environment = {"PYTHONPATH": f"{site}:{PACKAGE.parents[1]}", "OMP_NUM_THREADS": os.environ["OMP_NUM_THREADS"]}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["edanet", "1", "19", "32", "40", str(site / "seg_zoo/__init__.py")]


def test_the_networks_need_no_robustbench_seg() -> None:
    users = {
        path.name
        for path in (PACKAGE / "seg_zoo").rglob("*.py")
        if "robustbench_seg" in path.read_text(encoding="utf-8")
    }
    assert users == {"__init__.py", "models.py", "tflite.py"}


def test_an_edit_of_any_file_of_the_package_makes_another_model() -> None:
    assert own_files("seg_zoo") == own_files("seg_zoo.models") == set((PACKAGE / "seg_zoo").rglob("*.py"))


def test_each_file_has_the_lines_that_the_tutorial_states() -> None:
    stated = dict(re.findall(r"^\| .*\[`([\w/]+\.py)`\]\(seg_zoo/[\w/]+\.py\) \| (\d+) \|", PAGE, flags=re.MULTILINE))
    counted = {
        str(path.relative_to(PACKAGE / "seg_zoo")): sum(
            bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines()
        )
        for path in sorted((PACKAGE / "seg_zoo").rglob("*.py"))
    }
    assert {name: str(count) for name, count in counted.items() if count > 1} == stated


def test_the_tutorial_names_each_architecture_and_its_source() -> None:
    for each in ARCHITECTURES:
        assert each.name.removesuffix(" (zh320)") in PAGE
        assert each.source in PAGE


def test_nothing_of_the_weights_lies_in_the_package() -> None:
    assert not [path for path in PACKAGE.rglob("*") if path.suffix in (".pth", ".tflite", ".pt", ".safetensors")]
    assert WEIGHTS.parent not in PACKAGE.parents


def test_the_list_of_files_is_that_of_the_manifest() -> None:
    with (PACKAGE / "weights.csv").open(encoding="utf-8", newline="") as file:
        listed = {row.pop("file"): row for row in csv.DictReader(file)}
    assert len(listed) == 35
    if not ROWS:
        pytest.skip(f"no {MANIFEST} to compare with")
    for name, row in listed.items():
        theirs = {key: ROWS[name][key] for key in row}
        assert row == theirs | {"licence": theirs["licence"].partition(" (")[0]}
