"""What stands in a source: kinds, places, options; what is refused, in one line; what is part of the identity."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_networks import CLASSES, SCRIPT, Net, save_transformers, strengthened
from torch import nn

from robustbench_seg.alignment import align
from robustbench_seg.errors import UsageError
from robustbench_seg.measure.plan import Options, make_jobs, open_data
from robustbench_seg.models import MODELS, load_source
from robustbench_seg.models.foreign import Facts, wrap
from robustbench_seg.models.options import ModelOptions
from robustbench_seg.models.preprocessing import Preprocessing
from robustbench_seg.models.request import Request
from robustbench_seg.models.source import Source, split_name
from robustbench_seg.suites import Suite, read_suite, with_weights
from robustbench_seg.suites.model import given_model
from segformer import CheckpointError
from segformer.sources import NVIDIA_LICENCE, UNKNOWN_LICENCE

CPU = torch.device("cpu")
IMAGES = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
HALF = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def write_factory(folder: Path, text: str = SCRIPT, name: str = "net") -> Path:
    """A file of a name of its own, since Python keeps what it has imported."""
    path = folder / f"{name}_{folder.name.replace('-', '_')}.py"
    path.write_text(text, encoding="utf-8")
    return path


def load(text: str, classes: tuple[str, ...] = CLASSES) -> Any:
    return load_source(Source.parse(text), "mine", classes, CPU)


@pytest.mark.parametrize(
    ("text", "model", "weights", "name"),
    [
        ("hf:a/b/swin", "hf", "a/b/swin", "swin"),
        ("hf:owner/name", "hf", "hf:owner/name", "name"),
        ("smp:owner/unet", "smp", "hf:owner/unet", "unet"),
        ("smp:./unet", "smp", "unet", "unet"),
        ("torchvision:fcn_resnet50@w/voc.pth", "torchvision", "fcn_resnet50@w/voc.pth", "voc"),
        ("onnx:w/net.onnx", "onnx", "w/net.onnx", "net"),
        ("pt2:net.pt2", "pt2", "net.pt2", "net"),
        ("my/net.py:build", "factory", "my/net.py:build", "build"),
        ("net.py:Net.small@w/last.ckpt", "factory", "net.py:Net.small@w/last.ckpt", "last"),
        ("package.models:build@w.pth", "factory", "package.models:build@w.pth", "w"),
        ("segformer-b0@w/b0.pth", "segformer-b0", "w/b0.pth", "segformer-b0"),
        ("deeplabv3plus-resnet50@random", "deeplabv3plus-resnet50", "random", "deeplabv3plus-resnet50"),
        ("builtin:streets-b0", "segformer-b0", "builtin:streets-b0", "streets-b0"),
        ("constant", "constant", None, "constant"),
    ],
)
def test_a_source_is_a_kind_a_place_and_a_name(text: str, model: str, weights: str | None, name: str) -> None:
    source = Source.parse(text)
    assert (source.model, source.weights, source.default_name) == (model, weights, name)


def test_paths_of_a_suite_start_from_its_folder_and_home_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    found = {
        text: Source.parse(text, tmp_path).weights
        for text in (
            "onnx:n.onnx",
            "onnx:~/n.onnx",
            "torchvision:fcn@w.pth",
            "n.py:f@w.pth",
            "a.b:f",
            "hf:o/n",
        )
    }
    assert list(found.values()) == [
        f"{tmp_path}/n.onnx", "/home/me/n.onnx", f"fcn@{tmp_path}/w.pth", f"{tmp_path}/n.py:f@{tmp_path}/w.pth",
        "a.b:f", "hf:o/n",
    ]  # fmt: skip
    (tmp_path / "o/n").mkdir(parents=True)
    assert Source.parse("hf:o/n", tmp_path).weights == f"{tmp_path}/o/n"


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("mine=onnx:net.onnx?mean=0.5", "mine", "onnx:net.onnx?mean=0.5"),
        ("onnx:net.onnx?mean=0.5", "", "onnx:net.onnx?mean=0.5"),
        ("constant", "", "constant"),
    ],
)
def test_a_name_stands_before_a_source(text: str, name: str, source: str) -> None:
    assert split_name(text) == (name, source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", r"model nothing: no such source; the forms are hf:FOLDER_OR_ID, .*builtin:streets-b0, .*constant"),
        ("hf:", "no such source"),
        ("onnx", "no such source"),
        ("builtin:x", "model builtin:x: no such weights ship with the program; there are builtin:streets-b0, builtin:"),
        ("segformer-b0@builtin:x", "no such weights ship with the program; there are builtin:streets-b0"),
        ("onnx:net2.py", "onnx takes an ONNX graph, such as net.onnx; a network of your own code is FILE.py:FUNCTION"),
        ("pt2:net2.py", "pt2 takes a program that torch.export saved, such as net.pt2; a network of your own code is"),
        ("hf:net2.py", "hf takes a folder, or a repository of the hub; a network of your own code is"),
        ("segformer-b0@net2.py", r"segformer-b0 takes a checkpoint, such as weights\.safetensors or weights"),
        ("torchvision:fcn_resnet50@net2.py", "torchvision takes a checkpoint, such as"),
        ("constant?colour=1", "unknown option 'colour' of a model; known: mean, std, channels"),
        ("constant?mean=a", "option mean of a model must be one number or three, .*, got 'a'"),
        ("constant?mean=1,2", "option mean"),
        ("constant?mean=nan", "option mean"),
        ("constant?std=0", "option std of a model must be one number or three, more than 0"),
        ("constant?std=", "option std"),
        ("constant?channels=gbr", "option channels of a model must be rgb or bgr, got 'gbr'"),
        ("constant?rescale=1/0", "option rescale"),
        ("constant?pad_to=0", "option pad_to of a model must be a number of pixels"),
        ("constant?size=64", "option size of a model must be HEIGHTxWIDTH"),
        ("constant?native=no", "option native of a model must be true or false"),
        ("constant?licence= ", "option licence of a model must be a line of text"),
        ("constant?classes=none.txt", r"option classes of a model: none\.txt: no such file"),
        ("constant?mean=0.5&mean=0.5", "'mean' is stated twice"),
        ("constant?mean=0.5&std", "'std' has no value"),
    ],
)
def test_what_is_no_source_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Source.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("a.b-1=net.py:build", "a.b-1", "net.py:build"),
        ("net.py:build?mean=0.5", "", "net.py:build?mean=0.5"),
        ("runs/lr=0.1/net.py:build", "", "runs/lr=0.1/net.py:build"),
        ("segformer-b0@lr=1.pth", "", "segformer-b0@lr=1.pth"),
    ],
)
def test_an_equals_sign_in_a_path_or_an_option_ends_no_name(text: str, name: str, source: str) -> None:
    assert split_name(text) == (name, source)


@pytest.mark.parametrize("name", ["a b", "", "ü", "x" * 65])
def test_what_can_be_no_name_is_said_to_be_none(name: str) -> None:
    with pytest.raises(UsageError, match="a name has up to 64 letters, digits, dots, hyphens and underscores, got '"):
        given_model(f"{name}=net.py:build")


def test_what_is_stated_of_the_input_is_fed_described_and_part_of_the_identity(tmp_path: Path) -> None:
    text = f"{write_factory(tmp_path)}:build"
    plain, stated = load(text), load(f"{text}?mean=0.5&std=0.5,0.5,0.5&channels=bgr")
    network = plain.network.network
    with torch.inference_mode():
        expected = network(HALF.normalise(IMAGES.flip(1)))["out"]
        torch.testing.assert_close(stated(IMAGES), expected)
    assert plain.about.endswith("input ImageNet's mean and std (no file states it)")
    assert stated.about.endswith("input BGR times 0.00392157, mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5) (as stated)")
    assert load(f"{text}?std=0.5").about.endswith("(std as stated)")
    identities = {
        load(f"{text}{options}").checkpoint_sha256
        for options in ("", "?mean=0.5", "?std=0.5", "?channels=bgr", "?rescale=1/510", "?pad_to=8", "?version=2")
    }
    assert len(identities) == 7
    again = load(f"{text}?mean=0.485,0.456,0.406")
    assert again.checkpoint_sha256 == plain.checkpoint_sha256, "what is stated is what was found"


def test_a_mean_of_the_wrong_scale_is_refused_with_the_cure(tmp_path: Path) -> None:
    text = f"{write_factory(tmp_path)}:build?mean=123.675,116.28,103.53&std=58.395,57.12,57.375"
    with pytest.raises(UsageError, match=r"of values 0 \.\. 255, but they are rescaled by 0.00392157: add rescale=1"):
        load(text)
    with torch.inference_mode():
        scores = load(f"{text}&rescale=1")(IMAGES)
        torch.testing.assert_close(scores, load(text.partition("?")[0])(IMAGES), atol=1e-5, rtol=1e-4)


def test_a_rescale_that_leaves_the_mean_of_another_scale_is_refused_with_the_cure(tmp_path: Path) -> None:
    text = f"{write_factory(tmp_path)}:build?rescale=1"
    for options, kept in (("", "mean and std"), ("&mean=123,116,103", "std"), ("&std=58,57,57", "mean")):
        with pytest.raises(UsageError, match=rf"rescale of a model: 1 leaves values 0 \.\. 255, but its {kept} "):
            load(text + options)
    assert "times 1, mean (0, 0, 0), std (1, 1, 1) (as stated)" in load(f"{text}&mean=0&std=1").about


OF_BYTES = Preprocessing(rescale=1.0, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))  # of values 0 .. 255


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            {"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"},
            r"\) is of values 0 \.\. 1, .*: add rescale=1/255,",
        ),
        (
            {"rescale": "1/255"},
            r"makes values 0 \.\. 1, but its mean and std \(123\.675, .* of values 0 \.\. 255: state",
        ),
        ({"rescale": "1/255", "mean": 0.5}, r"makes values 0 \.\. 1, but its std \(58\.395, "),
    ],
)
def test_numbers_of_another_scale_than_that_of_files_of_values_to_255_are_refused(
    stated: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ModelOptions.parse(stated).apply(OF_BYTES)


def test_numbers_of_one_scale_take_the_place_of_those_of_files_of_values_to_255() -> None:
    imagenet = {"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225", "rescale": "1/255"}
    assert ModelOptions.parse(imagenet).apply(OF_BYTES) == Preprocessing()
    assert ModelOptions.parse({"mean": 0, "std": 1}).apply(OF_BYTES).mean == (0, 0, 0)
    assert ModelOptions.parse({"mean": 127.5}).apply(OF_BYTES).mean == (127.5, 127.5, 127.5)
    bare = Preprocessing(rescale=1.0, mean=(0, 0, 0), std=(1, 1, 1))
    assert ModelOptions.parse({"rescale": "1/255"}).apply(bare).rescale == 1 / 255


def test_options_that_have_no_place_are_refused(tmp_path: Path) -> None:
    for text, message in [
        ("constant?mean=0.5", "its input is its own, and can't be stated"),
        ("builtin:streets-b0?pad_to=32", "takes images of any size, so that pad_to can't be stated"),
        (f"{write_factory(tmp_path)}:build?native=false", "the option native is of hf: sources, not of factory"),
    ]:
        with pytest.raises(UsageError, match=message):
            load(text)


def test_the_licence_is_as_stated_else_not_stated_and_nvidias_stays(tmp_path: Path) -> None:
    text = f"{write_factory(tmp_path)}:build"
    assert load(text).licence == "not stated"
    assert load(f"{text}?licence=CC%20BY%204.0").licence == "CC BY 4.0"
    import segmentation_models_pytorch as smp

    network = smp.Segformer("mit_b0", encoder_weights=None, classes=5)
    network.config["encoder_weights"] = "imagenet"
    network.save_pretrained(tmp_path / "smp")
    assert load(f"smp:{tmp_path}/smp?licence=MIT").licence.startswith("research only (NVIDIA")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("names.txt", "five\nfour\n\nthree\ntwo\none\n"),
        ("names.yaml", "[five, four, three, two, one]"),
        ("names.json", '{"1": "four", "0": "five", "2": "three", "3": "two", "4": "one"}'),
    ],
)
def test_classes_are_named_by_a_file(file: str, content: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8")
    model = load(f"{write_factory(tmp_path)}:build?classes={tmp_path / file}")
    assert model.class_names == ("five", "four", "three", "two", "one")
    assert align(model.class_names, ("one", "two", "three", "four", "five")).to == (4, 3, 2, 1, 0)


def test_a_table_of_classes_aligns_a_model(tmp_path: Path) -> None:
    (tmp_path / "table.yaml").write_text("{class a: road, class b: sky, class c: null, class d: sky}", encoding="utf-8")
    source = Source.parse(f"onnx:net.onnx?classes={tmp_path}/table.yaml")
    assert align(CLASSES, ("road", "sky"), source.options.table).to == (0, 1, 2, 1, 2)
    assert Source.parse("constant?classes=cityscapes-to-camvid").options.table == "cityscapes-to-camvid"


def test_another_number_of_logits_than_of_classes_is_refused(tmp_path: Path) -> None:
    path = write_factory(tmp_path, SCRIPT.replace("Net(num_classes)", "Net(4)"))
    with pytest.raises(UsageError, match=r"net_.*\.py:build: has 4 classes, but the dataset has 5"):
        load(f"{path}:build")
    (tmp_path / "names.txt").write_text("a\nb\nc\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has 4 classes, but the option classes names 3"):
        load(f"{path}:build?classes={tmp_path}/names.txt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("native", ["true", "false"])
def test_classes_without_names_are_refused_without_a_table(native: str, tmp_path: Path) -> None:
    import json

    save_transformers("segformer", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["id2label"], config["label2id"]
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_labels": 5}))
    model = load(f"hf:{tmp_path}?native={native}")
    assert model.class_names == tuple(f"LABEL_{k}" for k in range(5))
    with pytest.raises(UsageError, match="the model's classes have no names"):
        align(model.class_names, CLASSES)
    assert align(model.class_names, ("a", "b"), {"LABEL_0": "b", "LABEL_1": "a"}).to == (1, 0, 2, 2, 2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("native", ["true", "false"])
@pytest.mark.parametrize(
    ("place", "licence"),
    [("models--nvidia--segformer-b0/snapshots/a", NVIDIA_LICENCE), ("home/nvidia/own-model", UNKNOWN_LICENCE)],
)
def test_a_segformer_has_the_same_licence_through_our_network_and_the_librarys(
    native: str, place: str, licence: str, tmp_path: Path
) -> None:
    save_transformers("segformer", tmp_path / place)
    assert load(f"hf:{tmp_path / place}?native={native}").licence == licence


def test_models_of_a_suite_are_sources_with_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_factory(tmp_path)
    (tmp_path / "suite.yaml").write_text(
        f"""
name: sources
description: for tests
models:
  - {path.name}:build?mean=0.25
  - {{name: half, model: "{path.name}:build", options: {{mean: [0.5, 0.5, 0.5], std: 0.5}}}}
  - {{name: b0, model: segformer-b0, weights: random}}
dataset: {{name: streets, split: test, size: [64, 96], count: 2}}
""",
        encoding="utf-8",
    )
    suite = read_suite(str(tmp_path / "suite.yaml"))
    assert [spec.name for spec in suite.models] == ["build", "half", "b0"]
    assert suite.models[0].weights == f"{path}:build"
    assert suite.models[1].options.std == (0.5, 0.5, 0.5)
    dataset, ids = open_data(suite, Options())
    _, jobs = make_jobs(suite, Options(models=(f"x={path}:build", f"y={path}:build?std=0.5")), dataset, ids)
    assert [job.record.cell.model for job in jobs] == ["x", "y"]
    assert len({job.record.key for job in jobs}) == 2


def test_sources_of_the_command_line_take_the_place_of_a_suites_models() -> None:
    suite = Suite(name="s", description="", models=[{"name": "constant"}], latency={"sizes": [[32, 32]]})
    specs = with_weights(suite, {"b0": "w.pth"}, ["segformer-b0@random", "b0=segformer-b0"])
    assert [(spec.name, spec.model, spec.weights) for spec in specs] == [
        ("segformer-b0", "segformer-b0", "random"),
        ("b0", "segformer-b0", "w.pth"),
    ]
    for sources, message in [
        (["constant", "constant"], "--model: names must differ, got constant, constant; name them by NAME=SOURCE"),
        (["nothing"], "--model nothing: unknown model 'nothing'; known: segformer-b0"),
        (["constant?mean=a"], r"--model constant\?mean=a: model constant\?mean=a: option mean"),
    ]:
        with pytest.raises(UsageError, match=message):
            with_weights(suite, {}, sources)


def test_every_kind_of_source_says_how_it_is_written() -> None:
    forms = {name: model.form for name, model in MODELS.items() if model.form}
    assert forms.keys() >= {"hf", "smp", "torchvision", "onnx", "pt2", "factory"}


# Functions of a user's own


def test_weights_that_a_function_draws_are_the_same_in_each_call_and_part_of_the_identity(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    text = f"{write_factory(tmp_path)}:build"
    first, second = load(text), load(text)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.checkpoint_sha256 == second.checkpoint_sha256
    with torch.inference_mode():
        assert torch.equal(first(IMAGES), second(IMAGES))
    state = {name: tensor + 1 for name, tensor in Net().state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    assert load(f"{text}@{tmp_path}/w.pth").checkpoint_sha256 != first.checkpoint_sha256


def test_functions_of_one_file_make_models_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "\nimport os\ndef plus(num_classes):\n    network = build(num_classes)\n"
        "    network.sign = os.environ.get('SIGN', '+')\n    return network\n\nminus = plus\n"
    )
    path = write_factory(tmp_path, SCRIPT + text)
    plus = load(f"{path}:plus").checkpoint_sha256
    assert plus == load(f"{path}:plus").checkpoint_sha256
    assert plus != load(f"{path}:minus").checkpoint_sha256, "the function"
    monkeypatch.setenv("SIGN", "-")
    assert plus != load(f"{path}:plus").checkpoint_sha256, "a setting of the network"


def test_an_edited_source_is_another_model_and_is_refused_while_the_old_one_is_in_use(tmp_path: Path) -> None:
    path = write_factory(tmp_path)
    load(f"{path}:build")
    path.write_text(SCRIPT + "\n# edited\n", encoding="utf-8")
    with pytest.raises(UsageError, match="its source was edited while it was in use; start Python again"):
        load(f"{path}:build")


def test_a_checkpoint_goes_to_the_function_that_asks_for_it(tmp_path: Path) -> None:
    torch.save(strengthened(Net()).state_dict(), tmp_path / "w.pth")
    text = SCRIPT + (
        "\ndef filled(class_names, checkpoint):\n    network = Net(len(class_names))\n"
        "    network.load_state_dict(torch.load(checkpoint, weights_only=True))\n    return network\n"
    )
    path = write_factory(tmp_path, text)
    mine, ours = load(f"{path}:filled@{tmp_path}/w.pth"), load(f"{path}:build@{tmp_path}/w.pth")
    with torch.inference_mode():
        assert torch.equal(mine(IMAGES), ours(IMAGES))
    sha256 = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    assert f", weights from w.pth (sha256 {sha256})" in mine.about


SEGMENTER = """
import torch

class Mine:
    name, class_names, licence = "mine", ("road", "sky"), "CC0-1.0"
    checkpoint_sha256, about, parameters, device = "abc", "mine", 0, torch.device("cpu")

    def __init__(self, checkpoint):
        pass

    def __call__(self, images):
        return torch.stack([images[:, 0].float(), images[:, 1].float()], dim=1)
"""


def test_a_function_may_return_a_segmenter(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"weights")
    model = load(f"{write_factory(tmp_path, SEGMENTER)}:Mine@{tmp_path}/w.bin")
    assert (model.class_names, model.licence) == (("road", "sky"), "CC0-1.0")
    assert model(IMAGES).shape == (2, 2, 64, 64)
    assert model.checkpoint_sha256 != "abc", "its source is hashed too"
    assert model.about == f"mine, weights from w.bin (sha256 {hashlib.sha256(b'weights').hexdigest()})"


@pytest.mark.parametrize(
    ("text", "source", "message"),
    [
        ("", "none.py:build", r"none\.py: no such file"),
        ("", "no_such_package.models:build", "no_such_package.models: can't be imported .ModuleNotFoundError"),
        ("import nothing_at_all", "{}:build", "can't be imported .ModuleNotFoundError: No module named 'nothing_at"),
        ("x = 1", "{}:build", "has no build"),
        ("x = 1", "{}:x", "x is no function"),
        ("def build(width): pass", "{}:build", "failed .TypeError: .*width"),
        (
            "def build(): return 3",
            "{}:build",
            "returned: int is neither a torch network nor a Segmenter: it ",
        ),
        (SCRIPT, "{}:build@none.pth", r"none\.pth: no such file"),
        (
            "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return {'masks': x}\n",
            "{}:Net",
            "gives dict with masks; expected logits",
        ),
        (
            "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x.argmax(1)\n",
            "{}:Net",
            r"gives a tensor \(3, 65, 67\) of int64; expected logits \(B, classes, h, w\)",
        ),
        (
            "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): raise ValueError('never')\n",
            "{}:Net",
            r"can't be run on images of 80x240 pixels, nor of .* \(ValueError: never\); .* \?size=HEIGHTxWIDTH",
        ),
    ],
)
def test_what_makes_no_model_is_refused_in_one_line(text: str, source: str, message: str, tmp_path: Path) -> None:
    path = write_factory(tmp_path, text)
    with pytest.raises(UsageError, match=message) as caught:
        load(source.replace("{}", str(path)))
    assert "\n" not in str(caught.value)


# Outputs and sides

FORWARD = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Conv2d(3, 5, 3, padding=1)
    def forward(self, images):
        {}
"""


@pytest.mark.parametrize(
    "output",
    ["x", "(x, None)", "[x]", "{'out': x, 'aux': None}", "{'sem_logits': x}", "type('O', (), {})().__class__ and x"],
)
def test_logits_are_found_in_what_a_network_gives(output: str, tmp_path: Path) -> None:
    path = write_factory(tmp_path, FORWARD.format(f"x = self.last(images); return {output}"))
    model = load(f"{path}:Net")
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), model.network.network.last(model.preprocessing.normalise(IMAGES)))


@pytest.mark.parametrize("multiple", [8, 14, 32])
def test_what_sides_must_be_multiples_of_is_found_by_a_trial(multiple: int, tmp_path: Path) -> None:
    refusal = f"assert images.shape[2] % {multiple} == 0 == images.shape[3] % {multiple}"
    model = load(f"{write_factory(tmp_path, FORWARD.format(f'{refusal}; return self.last(images)'))}:Net")
    assert f"images padded to a multiple of {multiple} (found by a trial)" in model.about
    images = IMAGES[:, :, :50, :60]
    size = [-(-side // multiple) * multiple for side in (50, 60)]
    padded = torch.zeros(2, 3, *size)
    padded[:, :, :50, :60] = model.preprocessing.normalise(images)
    with torch.inference_mode():
        expected = model.network.network.last(padded)[:, :, :50, :60]
        torch.testing.assert_close(model(images), expected, atol=1e-6, rtol=0)


def test_a_network_that_drops_what_fills_no_patch_gets_whole_patches(tmp_path: Path) -> None:
    text = FORWARD.replace("5, 3, padding=1", "5, 16, stride=16").format("return self.last(images)")
    assert "images padded to a multiple of 16 (found by a trial)" in load(f"{write_factory(tmp_path, text)}:Net").about


@pytest.mark.parametrize("convolution", ["5, 3", "5, 7, stride=2", "5, 9, stride=4", "5, 3, padding=1, dilation=3"])
def test_logits_of_a_part_of_the_image_are_refused(convolution: str, tmp_path: Path) -> None:
    text = FORWARD.replace("5, 3, padding=1", convolution).format("return self.last(images)")
    with pytest.raises(UsageError, match=r"its logits lie over a part of the image: of \d+ columns it makes \d+, "):
        load(f"{write_factory(tmp_path, text)}:Net")


def test_so_are_those_of_a_network_of_few_sizes() -> None:
    class Few(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert images.shape[3] < 1024
            return nn.functional.avg_pool2d(images.repeat(1, 2, 1, 1)[:, :5], 9, 1)

    facts = Facts(where="Net", identity="0" * 32, about="Net")
    with pytest.raises(UsageError, match="Net: its logits lie over a part of the image: of 67 columns it makes 59, of"):
        wrap(Few(), Request(name="net", class_names=CLASSES), facts)


def test_upsampled_logits_of_whole_patches_get_whole_patches_and_another_identity() -> None:
    strided = nn.Conv2d(3, 5, 4, stride=2, padding=1)  # sees all of an odd side, and gives a logit for each whole pair
    facts = Facts(where="Net", identity="0" * 32, about="Net")
    made, plain = (
        wrap(network, Request(name="net", class_names=CLASSES), facts)
        for network in (nn.Sequential(strided, nn.Upsample(scale_factor=2)), strided)
    )
    assert "padded" not in plain.about
    assert "images padded to a multiple of 2 (found by a trial)" in made.about
    assert plain.checkpoint_sha256 == facts.identity
    assert made.checkpoint_sha256 != facts.identity, "what was stored without padding must be measured again"
    with torch.inference_mode():
        assert made(IMAGES[:, :, :63, :61]).shape == (2, 5, 63, 61)


@pytest.mark.parametrize("stride", [3, 6, 12, 20])
def test_whole_patches_of_any_usual_stride_are_found(stride: int) -> None:
    facts = Facts(where="Net", identity="0" * 32, about="Net")
    made = wrap(nn.Conv2d(3, 5, stride, stride=stride), Request(name="net", class_names=CLASSES), facts)
    assert f"images padded to a multiple of {stride} (found by a trial)" in made.about
    assert made.checkpoint_sha256 != facts.identity, "earlier versions did without"


def test_a_network_with_steps_over_the_last_column_is_no_fault() -> None:
    facts = Facts(where="Net", identity="0" * 32, about="Net")
    made = wrap(nn.Conv2d(3, 5, 3, stride=4, padding=1), Request(name="net", class_names=CLASSES), facts)
    assert (made.network.pad_to, made.checkpoint_sha256) == (2, facts.identity), "it sees the last row of 66"


def test_a_network_that_never_sees_the_last_column_is_refused_unless_its_multiple_is_stated() -> None:
    facts = Facts(where="Net", identity="0" * 32, about="Net")
    network = nn.Conv2d(3, 5, 9, stride=9)
    with pytest.raises(UsageError, match=r"^Net: its logits leave out the last rows and .* takes: \?pad_to=N$"):
        wrap(network, Request(name="net", class_names=CLASSES), facts)
    request = Request(name="net", class_names=CLASSES, options=ModelOptions(pad_to=9))
    assert "multiple of 9 (as stated)" in wrap(network, request, facts).about
    with torch.no_grad():
        network.weight.zero_()
    assert wrap(network, Request(name="net", class_names=CLASSES), facts).name == "net", "the same everywhere"


@pytest.mark.parametrize("kind", ["float64", "float16", "bfloat16"])
def test_a_network_of_other_numbers_is_named_as_such(kind: str) -> None:
    facts = Facts(where="Net", identity="0" * 32, about="Net")
    with pytest.raises(
        UsageError, match=r"on images of 80x240 pixels, nor of 21 other sizes \(.*\); its parameters are " + kind
    ):
        wrap(nn.Conv2d(3, 5, 1).to(getattr(torch, kind)), Request(name="net", class_names=CLASSES), facts)


def test_logits_with_rows_for_columns_are_refused(tmp_path: Path) -> None:
    path = write_factory(tmp_path, FORWARD.format("return self.last(images).transpose(2, 3)"))
    with pytest.raises(UsageError, match="its logits have rows where the image has columns, and would be"):
        load(f"{path}:Net")


def test_a_wrong_function_is_refused_with_those_that_there_are_and_a_file_alone_with_the_form(tmp_path: Path) -> None:
    path = write_factory(tmp_path, FORWARD.format("return self.last(images)"))
    with pytest.raises(UsageError, match=r"has no net; it defines Net$"):
        load(f"{path}:net")
    with pytest.raises(UsageError, match=r"name the function in it that makes the network, net\.py:FUNCTION$"):
        given_model("net.py")
    with pytest.raises(UsageError, match=r"net\.onnx; a network of your own code is FILE\.py:FUNCTION"):
        given_model("onnx:net.py")


def test_stated_sides_are_taken_as_they_are(tmp_path: Path) -> None:
    refusal = "assert tuple(images.shape[2:]) == (60, 44)"
    path = write_factory(tmp_path, FORWARD.format(f"{refusal}; return self.last(images)"))
    with pytest.raises(UsageError, match="can't be run on images of"):
        load(f"{path}:Net")
    model = load(f"{path}:Net?size=60x44")
    with torch.inference_mode():
        assert model(IMAGES[:, :, :60, :44]).shape == (2, 5, 60, 44)
    with pytest.raises(UsageError, match="mine takes images of 60x44 alone, got 64x64: use the view resize-60x44"):
        model(IMAGES)
    model = load(f"{write_factory(tmp_path, FORWARD.format('return self.last(images)'), 'free')}:Net?pad_to=24")
    assert "images padded to a multiple of 24 (as stated)" in model.about


# Checkpoints


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.", "net.", "student.", "model._orig_mod.x."])
@pytest.mark.parametrize("key", ["", "state_dict", "model_state_dict", "ema"])
def test_a_checkpoint_fits_in_the_wrappings_that_people_have(prefix: str, key: str, tmp_path: Path) -> None:
    network = strengthened(Net())
    state = {prefix + name: value for name, value in network.state_dict().items()}
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    state[f"{prefix}aux_head.weight"] = torch.ones(2)
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / "w.ckpt")
    model = load(f"{write_factory(tmp_path)}:build@{tmp_path}/w.ckpt")
    with torch.inference_mode():
        expected = network(model.preprocessing.normalise(IMAGES))
        torch.testing.assert_close(model(IMAGES), expected, atol=1e-6, rtol=0)
    assert "1 tensor of the file left out" in model.about


def test_a_prefix_that_the_network_has_and_the_file_lacks_is_put_before_its_keys(tmp_path: Path) -> None:
    text = SCRIPT + (
        "\nclass Outer(nn.Module):\n    def __init__(self, num_classes):\n        super().__init__()\n"
        "        self.model = Net(num_classes)\n    def forward(self, x):\n        return self.model(x)\n"
    )
    path = write_factory(tmp_path, text)
    network = strengthened(Net())
    for prefix in ("", "model.", "module.model."):
        state = {prefix + name: value for name, value in network.state_dict().items()}
        torch.save(state, tmp_path / "w.pth")
        model = load(f"{path}:Outer@{tmp_path}/w.pth")
        with torch.inference_mode():
            expected = network(model.preprocessing.normalise(IMAGES))
            torch.testing.assert_close(model(IMAGES), expected, atol=1e-6, rtol=0)


def test_a_checkpoint_of_another_network_is_refused_with_the_keys_of_the_file(tmp_path: Path) -> None:
    path = write_factory(tmp_path)
    torch.save({"model": {"module.other.weight": torch.ones(2, 2)}}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"w\.pth: keys do not fit the network; .*missing.*module\.other\.weight"):
        load(f"{path}:build@{tmp_path}/w.pth")
    state = Net().state_dict() | {"last.bias": torch.zeros(4)}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"1 misshapen: last\.bias is \(4,\), not \(5,\)"):
        load(f"{path}:build@{tmp_path}/w.pth")


def test_a_checkpoint_that_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return print, ("run",)

    torch.save({"weight": Evil()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"w\.pth: "):
        load(f"{write_factory(tmp_path)}:build@{tmp_path}/w.pth")
    assert capsys.readouterr().out == ""


def test_a_network_without_parameters_is_on_the_cpu(tmp_path: Path) -> None:
    path = write_factory(tmp_path, "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x\n")
    model = load(f"{path}:Net", ("r", "g", "b"))
    assert model.device == CPU
    assert isinstance(model.network, nn.Module)
