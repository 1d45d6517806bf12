"""What is handed over: names of classes in any ordered form, and Segmenters whose identity is of their logits alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from networks import Small, drawn
from tiny_networks import CLASSES, make_transformers
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

import robustbench_seg as rb
from robustbench_seg.api.handed import made_of
from robustbench_seg.datasets.streets import Streets
from robustbench_seg.errors import UsageError
from robustbench_seg.models.base import NetworkSegmenter, Segmenter
from robustbench_seg.models.network_identity import NetworkValues
from segformer import CheckpointInfo, build, export_onnx, load_checkpoint, save_checkpoint
from segformer.sources import NVIDIA_LICENCE

NAMES, NAMES_OF_DATA = ("road", "sky"), ("road", "sky", "tree")
IMAGES = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)


@pytest.mark.parametrize(
    "classes",
    [dict(enumerate(NAMES)).values(), dict.fromkeys(NAMES).keys(), np.array(NAMES), [*map(np.str_, NAMES)]],
    ids=["values", "keys", "array", "texts of numpy"],
)
def test_names_of_classes_may_be_anything_that_has_an_order(classes) -> None:
    listed = made_of(drawn(Small(2)), "a", ("b", "c"), classes=list(NAMES))
    made = made_of(drawn(Small(2)), "a", ("b", "c"), classes=classes)
    assert made.class_names == NAMES
    assert made.checkpoint_sha256 == listed.checkpoint_sha256
    assert made_of(Logits(), "a", NAMES[::-1], classes=classes).class_names == NAMES


@pytest.mark.parametrize("classes", [b"road", dict.fromkeys(NAMES).items(), np.ones(2), frozenset(NAMES), 3, []])
def test_what_are_no_names_in_an_order_is_refused(classes) -> None:
    with pytest.raises(UsageError, match="classes must be a list of names in the order of the logits, or a mapping"):
        made_of(drawn(Small(2)), "a", NAMES, classes=classes)


class Logits(nn.Module):
    """A Segmenter that is a network, too."""

    name, licence, about, parameters, class_names = "a", "MIT", "means", 0, NAMES
    device = torch.device("cpu")
    checkpoint_sha256: str | None = "none"

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :2].float() - 128


def test_a_segmenter_without_an_identity_is_refused_in_one_line() -> None:
    segmenter = Logits()
    segmenter.checkpoint_sha256 = None
    with pytest.raises(UsageError, match=r"model a: its checkpoint_sha256 must be a text, such as .* got None"):
        made_of(segmenter, "a", NAMES)


def segmenter_of(network: nn.Module, **fields: str) -> NetworkSegmenter:
    stated = {"licence": "MIT", "about": "small", "checkpoint_sha256": "none", **fields}
    return NetworkSegmenter(name="a", network=network, class_names=NAMES, **stated)


def identity(segmenter: Segmenter) -> str:
    return made_of(segmenter, "a", NAMES).checkpoint_sha256


@pytest.mark.parametrize("field", ["about", "licence"])
def test_words_on_a_segmenter_decide_no_identity_and_stay(field: str) -> None:
    segmenter = segmenter_of(drawn(Small(2)), **{field: "other"})
    assert identity(segmenter) == identity(segmenter_of(drawn(Small(2))))
    assert getattr(made_of(segmenter, "a", NAMES), field) == getattr(segmenter, field) == "other"
    assert identity(segmenter) != identity(segmenter_of(drawn(Small(2), seed=1)))


def native(folder: Path) -> str:
    make_transformers("segformer").save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "SegformerImageProcessor", "size": {"height": 64, "width": 64}}'
    )
    return "hf:{}"


def of_library(folder: Path) -> str:
    make_transformers("beit").save_pretrained(folder)
    return "hf:{}"


def graph(folder: Path) -> str:
    pytest.importorskip("onnxruntime")
    folder.mkdir()
    export_onnx(build("b0", num_classes=5), folder / "net.onnx")
    return "onnx:{}/net.onnx"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", [native, of_library, graph])
def test_a_model_that_was_loaded_keeps_its_identity_in_another_place_after_use_and_with_other_threads(
    write, tmp_path: Path
) -> None:
    source = write(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    first = rb.load_model(source.format(tmp_path / "a"), CLASSES)
    found = [identity(first)]
    with torch.inference_mode():
        first(IMAGES)
    if first.resize is not None:
        first.process_size(IMAGES)
    found.append(identity(first))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        found.append(identity(rb.load_model(source.format(tmp_path / "b"), CLASSES)))
    finally:
        torch.set_num_threads(threads)
    assert len(set(found)) == 1


def test_a_model_that_was_loaded_and_changed_is_another_one(tmp_path: Path) -> None:
    model = rb.load_model(native(tmp_path / "a").format(tmp_path / "a"), CLASSES)
    found = [identity(model)]
    with torch.no_grad():
        next(model.network.parameters()).add_(1)
    found.append(identity(model))
    (tmp_path / "a/preprocessor_config.json").write_text('{"size": {"height": 32, "width": 32}}')
    found.append(identity(model))
    assert len(set(found)) == 3


class Scaled(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images / 255


def of_shuffled(names: tuple[str, ...]) -> nn.Module:
    network = drawn(Small(len(names)))
    network.config = SimpleNamespace(id2label=dict(enumerate(names)))
    return network


def test_the_classes_that_a_network_states_are_those_of_its_logits() -> None:
    stated = ("tree", "road", "sky")
    made = made_of(of_shuffled(stated), "a", ("road", "sky", "tree"), version="1")
    assert made.class_names == stated
    given = made_of(of_shuffled(stated), "a", ("road", "sky", "tree"), version="1", classes=["sky", "tree", "road"])
    assert given.class_names == ("sky", "tree", "road"), "the user knows better"
    assert made.checkpoint_sha256 != given.checkpoint_sha256
    for around in (nn.DataParallel, AveragedModel, torch.compile, lambda net: torch.compile(AveragedModel(net))):
        assert made_of(around(of_shuffled(stated)), "a", NAMES_OF_DATA, version="1").class_names == stated
    unnamed = made_of(of_shuffled(("LABEL_0", "LABEL_1", "LABEL_2")), "a", ("road", "sky", "tree"), version="1")
    assert unnamed.class_names == ("road", "sky", "tree")


def test_what_a_network_of_this_project_states_of_its_weights_counts(tmp_path: Path) -> None:
    network = build("b0", num_classes=3)
    half = '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_normalize": true}'
    network.info = CheckpointInfo(class_names=("c ", "a", "b"), licence="CC0-1.0", preprocessor=half)
    save_checkpoint(network, tmp_path / "net.safetensors")
    made = made_of(load_checkpoint(tmp_path / "net.safetensors"), "a", ("a", "b", "c"))
    expected = rb.load_model(f"segformer-b0@{tmp_path}/net.safetensors", ("a", "b", "c"))
    assert (made.class_names, made.licence) == (expected.class_names, expected.licence) == (("c", "a", "b"), "CC0-1.0")
    assert isinstance(made, NetworkSegmenter)
    assert made.preprocessing == expected.preprocessing
    assert made.preprocessing.mean == (0.5, 0.5, 0.5)
    stated = made_of(load_checkpoint(tmp_path / "net.safetensors"), "a", ("a", "b", "c"), preprocess={"mean": 0.4})
    assert stated.preprocessing.mean == (0.4, 0.4, 0.4)


def test_so_it_is_of_a_network_that_a_function_returns(tmp_path: Path) -> None:
    path = tmp_path / "stated_names.py"
    path.write_text(
        "from types import SimpleNamespace\nfrom torch import nn\n"
        "def build():\n"
        "    network = nn.Conv2d(3, 3, 1)\n"
        "    network.config = SimpleNamespace(id2label={0: 'tree', 1: 'road', 2: 'sky'})\n"
        "    return network\n"
    )
    assert rb.load_model(f"{path}:build", ("road", "sky", "tree")).class_names == ("tree", "road", "sky")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({0: "tree", 1: "road", 2: "sky", 255: "void"}, ("tree", "road", "sky")),
        ({"0": "tree", "1": "road", "2": "sky"}, ("tree", "road", "sky")),
        ({0: "tree", 1: "road"}, NAMES_OF_DATA),
        ({k: f"animal {k}" for k in range(1000)}, NAMES_OF_DATA),
        ({0: "tree", 1: "road", 2: None}, NAMES_OF_DATA),
        ({k: str(k) for k in range(3)}, NAMES_OF_DATA),
        ({k: f"Class {k}" for k in range(3)}, NAMES_OF_DATA),
        (["tree", "road", "sky"], NAMES_OF_DATA),
    ],
)
def test_names_that_are_not_of_each_logit_are_passed_over(labels: object, names: tuple[str, ...]) -> None:
    network = drawn(Small(3))
    network.config = SimpleNamespace(id2label=labels, license="cc-by-4.0")
    made = made_of(network, "a", NAMES_OF_DATA, version="1")
    assert (made.class_names, made.licence) == (names, "cc-by-4.0")


NUMBERED = ("LABEL_0", "LABEL_1", "LABEL_2")


@pytest.mark.parametrize(
    ("stated", "mapping", "names"),
    [
        (("tree", "road", "sky"), {"sky": "sky", "road": "tree"}, ("tree", "road", "sky")),
        (NUMBERED, {"LABEL_2": "sky", "LABEL_0": "tree", "LABEL_1": "road"}, NUMBERED),
        (NUMBERED, {"LABEL_2": "sky"}, NUMBERED),
        (NUMBERED, {"wood": "tree", "way": "road", "air": "sky"}, ("wood", "way", "air")),
        ((), {"LABEL_2": "sky", "LABEL_0": "tree", "LABEL_1": "road"}, NUMBERED),
        ((), {"wood": "tree", "way": "road", "air": "sky"}, ("wood", "way", "air")),
        (("cat", "dog"), {"wood": "tree", "way": "road", "air": "sky"}, ("wood", "way", "air")),
    ],
)
def test_a_mapping_is_by_the_names_that_a_network_states(
    stated: tuple[str, ...], mapping: dict[str, str], names: tuple[str, ...]
) -> None:
    network = drawn(Small(3))
    network.config = SimpleNamespace(id2label=dict(enumerate(stated)))
    assert made_of(network, "a", NAMES_OF_DATA, version="1", classes=mapping).class_names == names


def test_a_mapping_of_a_network_without_names_has_all_of_its_classes() -> None:
    with pytest.raises(UsageError, match=r"^model a: has 3 classes, but the mapping of classes has 2$"):
        made_of(drawn(Small(3)), "a", NAMES_OF_DATA, classes={"wood": "tree", "way": "road"})


def test_a_mapping_leaves_the_classes_of_a_segmenter_in_their_order() -> None:
    assert made_of(Logits(), "a", NAMES_OF_DATA, classes={"sky": "road", "road": "sky"}).class_names == NAMES


@pytest.mark.parametrize(
    ("origin", "licence"),
    [
        ("nvidia/segformer-b0-finetuned-ade-512-512", NVIDIA_LICENCE),
        ("/cache/models--nvidia--mit-b0/snapshots/1", NVIDIA_LICENCE),
        ("somebody/segformer", "mit"),
        ("", "mit"),
    ],
)
def test_weights_of_nvidia_in_memory_have_its_licence(origin: str, licence: str) -> None:
    network = drawn(Small(3))
    network.config = SimpleNamespace(model_type="segformer", _name_or_path=origin, license="mit")
    assert made_of(network, "a", NAMES_OF_DATA, version="1").licence == licence
    own = made_of(network, "a", NAMES_OF_DATA, preprocess={"licence": "own"}, version="1")
    assert own.licence == (NVIDIA_LICENCE if licence == NVIDIA_LICENCE else "own")


def test_an_input_that_no_model_here_can_have_is_stated_by_the_user() -> None:
    network = build("b0", num_classes=2)
    network.info = CheckpointInfo(preprocessor='{"image_processor_type": "MyImageProcessor"}')
    with pytest.raises(
        UsageError, match=r"'MyImageProcessor' is not known here; .* state mean, std, channels and rescale"
    ):
        made_of(network, "a", NAMES)
    whole = {"mean": 0.5, "std": 0.5, "channels": "rgb", "rescale": "1/255"}
    assert made_of(network, "a", NAMES, preprocess=whole).preprocessing.mean == (0.5, 0.5, 0.5)
    assert made_of(network, "a", NAMES, preprocess=Scaled()).name == "a"


def test_a_property_that_raises_states_nothing() -> None:
    class Odd(Small):
        @property
        def info(self) -> str:
            raise RuntimeError("not fitted")

    assert made_of(drawn(Odd(2)), "a", NAMES, version="1").class_names == NAMES


def test_the_source_of_this_program_counts_where_its_classes_are_handed_over() -> None:
    """A user may put files into it, or change it."""
    values = NetworkValues()
    values.hash(build("b0", num_classes=2))
    assert any("segformer" in where for where in values.sources)


@pytest.mark.parametrize(
    ("attributes", "line"),
    [
        ({"device": None}, "model a: its device must be a torch.device, got None"),
        ({"device": "cpu"}, "model a: its device must be a torch.device, got 'cpu'"),
        ({"class_names": None}, "model a: its class_names must be a tuple of texts, got None"),
        ({"class_names": "ab"}, "model a: its class_names must be a tuple of texts, got 'ab'"),
        ({"class_names": ("a", 1)}, "model a: its class_names must be a tuple of texts, got ('a', 1)"),
        ({"licence": None}, "model a: its licence must be a text, got None"),
        ({"about": 3}, "model a: its about must be a text, got 3"),
        ({"parameters": "many"}, "model a: its parameters must be an integer of 0 or more, got 'many'"),
        ({"parameters": 1.5}, "model a: its parameters must be an integer of 0 or more, got 1.5"),
        ({}, "model a: Bare is neither a torch network nor a Segmenter: it lacks licence, about, parameters"),
    ],
)
def test_what_a_segmenter_lacks_is_one_line(attributes: dict[str, object], line: str) -> None:
    class Bare:
        class_names, checkpoint_sha256, device = NAMES, "none", torch.device("cpu")

        def __call__(self, images: Tensor) -> Tensor:
            return images.float()

    bare = Bare()
    if attributes:
        bare.licence, bare.about, bare.parameters = "", "", 0
        for name, value in attributes.items():
            setattr(bare, name, value)
    with pytest.raises(UsageError, match=f"^{re.escape(line)}$"):
        made_of(bare, "a", NAMES, version="1")


def test_logits_without_a_pixel_are_left_to_the_run_which_names_the_image() -> None:
    class Empty(Logits):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :2, :0].float()

    data = Streets("test", count=1, size=(64, 96))
    with pytest.raises(UsageError, match=r"a gave a tensor \(1, 2, 0, 96\) of float32; expected logits"):
        rb.evaluate(Empty(), data, corruptions={"contrast": [2]}, classes=NAMES, version="1", name="a", progress=False)


@pytest.mark.parametrize("decorator", ["dataclass", "dataclass(frozen=True, order=True)"])
def test_a_dataclass_of_a_script_is_no_code_from_elsewhere(decorator: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "from dataclasses import dataclass\n"
        "from torch import nn\n"
        "import robustbench_seg as rb\n"
        f"@{decorator}\n"
        "class Settings:\n"
        "    width: int = 3\n"
        "class Net(nn.Conv2d):\n"
        "    def __init__(self):\n"
        "        super().__init__(3, 19, 1)\n"
        "        self.settings = Settings()\n"
        "if __name__ == '__main__':\n"
        "    data = rb.open_dataset('streets', split='test', size=(64, 96), count=1)\n"
        "    print(len(rb.evaluate(Net(), data, corruptions={}, metrics=[], progress=False).frame()))\n"
    )
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr
