"""Files of other libraries that are refused, and what of them is never run; see test_sources.py for what is read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file
from tiny_networks import CLASSES, build_onnx, build_pt2, build_torchvision, save_transformers, strengthened

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.plan import Options, make_jobs, open_data
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.suites import Suite
from segformer import CheckpointError

CPU = torch.device("cpu")
IMAGES = torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


def load(text: str, classes: tuple[str, ...] = CLASSES) -> Any:
    return load_source(Source.parse(text), "mine", classes, CPU)


def change(folder: Path, **fields: Any) -> None:
    """Change config.json; a field that becomes ... is left out."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | fields
    kept = {name: value for name, value in config.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(kept), encoding="utf-8")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An EoMT, as Transformers saves it."""
    folder = tmp_path_factory.mktemp("eomt")
    save_transformers("eomt", folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "eomt"))


def test_all_that_decides_logits_is_part_of_the_identity_of_a_folder(folder: Path) -> None:
    first = load(f"hf:{folder}").checkpoint_sha256
    found = {first}
    for name, fields in (("config.json", {"layer_norm_eps": 1e-5}), ("preprocessor_config.json", {"image_mean": 0.4})):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | fields))
        found.add(load(f"hf:{folder}").checkpoint_sha256)
    tensors = load_file(folder / "model.safetensors")
    save_file({key: value * 2 for key, value in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    found.add(load(f"hf:{folder}").checkpoint_sha256)
    assert len(found) == 4


def test_shards_are_read_and_part_of_the_identity(folder: Path) -> None:
    whole = load(f"hf:{folder}")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for name, keys in shards.items():
        save_file({key: tensors[key] for key in keys}, folder / name, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {key: name for name, keys in shards.items() for key in keys}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    sharded = load(f"hf:{folder}")
    with torch.inference_mode():
        torch.testing.assert_close(sharded(IMAGES), whole(IMAGES))
    assert sharded.checkpoint_sha256 != whole.checkpoint_sha256
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(UsageError, match=r"index\.json: names model-00002-of-00002\.safetensors, which is not there"):
        load(f"hf:{folder}")


def test_a_pickle_of_plain_tensors_is_read_and_one_that_runs_code_does_not_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = load(f"hf:{folder}")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    with torch.inference_mode():
        torch.testing.assert_close(load(f"hf:{folder}")(IMAGES), whole(IMAGES))

    class Evil:
        def __reduce__(self) -> Any:
            return print, ("run",)

    torch.save({"weight": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match="Transformers can't read it"):
        load(f"hf:{folder}")
    assert capsys.readouterr().out == ""


def test_code_that_a_folder_brings_along_never_runs(folder: Path) -> None:
    (folder / "modeling_mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n", encoding="utf-8")
    change(folder, auto_map={"AutoModelForUniversalSegmentation": "modeling_mine.Mine"})
    load(f"hf:{folder}")
    change(folder, model_type="mine")
    with pytest.raises(
        UsageError, match=r"config\.json: model_type is 'mine'; those that segment images here are beit, "
    ):
        load(f"hf:{folder}")
    assert not (folder / "ran").exists()


def test_a_folder_of_transformers_that_is_not_whole_is_refused_in_one_line(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    key = next(key for key in sorted(tensors) if "class_predictor.weight" in key)
    adapter, weights, lacking = folder / "adapter_config.json", folder / "model.safetensors", dict(tensors)
    del lacking[key]
    cases: list[tuple[Any, str]] = [
        (lambda: change(folder, model_type="detr"), "model_type is 'detr'; those that segment images here are"),
        (lambda: change(folder, model_type="eomt", hidden_size=24), "Transformers can't read it"),
        (lambda: change(folder, hidden_size=16), ""),
        (lambda: adapter.write_text("{}"), "has an adapter, which is not applied here"),
        (adapter.unlink, ""),
        (
            lambda: save_file(lacking, weights, {"format": "pt"}),
            "lacks 1 weight of its network: class_predictor",
        ),
        (weights.unlink, "needs weights: model.safetensors or"),
        ((folder / "config.json").unlink, "needs config.json and weights"),
        (lambda: shutil.rmtree(folder), "no such file or folder"),
    ]
    for spoil, message in cases:
        spoil()
        if not message:
            load(f"hf:{folder}")
            continue
        with pytest.raises(UsageError, match=message) as caught:
            load(f"hf:{folder}")
        assert "\n" not in str(caught.value)


def test_a_oneformer_needs_its_tokenizer(tmp_path: Path) -> None:
    save_transformers("oneformer", tmp_path)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    with pytest.raises(UsageError, match="a OneFormer needs its tokenizer next to it"):
        load(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"_model_class": "Nothing"}, "holds Nothing; of smp's models Unet, .*, DPT is read"),
        ({"encoder_name": ...}, "lacks encoder_name, without which the network is not known"),
        ({"classes": "5"}, "classes must be a number, got '5'"),
        ({"in_channels": 4}, "in_channels must be 3, got 4"),
        ({"activation": "sigmoid"}, "its last step 'sigmoid' makes no one class of several the most likely"),
        ({"checkpoint_path": "x.pth"}, "the option checkpoint_path = 'x.pth' is not known here"),
        ({"decoder_channels": [8]}, "smp can't build its network"),
        ({"encoder_depth": 4, "decoder_channels": [32, 16, 16, 8]}, "not a Unet with encoder .*: .*unknown"),
        ({"encoder_name": "tu-hf-hub:someone/something"}, "'tu-hf-hub:someone/something'"),
    ],
)
def test_a_folder_of_smp_that_can_not_be_read_is_refused_in_one_line(
    fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    network = smp.Unet("tu-test_resnet", encoder_weights=None, classes=5, decoder_channels=(32, 16, 16, 8, 8))
    strengthened(network).save_pretrained(tmp_path)
    change(tmp_path, **fields)
    with pytest.raises(UsageError, match=message) as caught:
        load(f"smp:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_torchvisions_weights_come_from_a_file(tmp_path: Path) -> None:
    build_torchvision("lraspp_mobilenet_v3_large")(tmp_path)
    for text, message in [
        ("torchvision:resnet50@w.pth", "torchvision has no network 'resnet50' for segmentation; it has deeplabv3_mo"),
        (
            "torchvision:fcn_resnet50",
            "torchvision:fcn_resnet50: its weights come from a file; write torchvision:fcn",
        ),
        ("torchvision:fcn_resnet50@none.pth", r"none\.pth: no such file; write torchvision:fcn_resnet50@FILE"),
    ]:
        with pytest.raises(UsageError, match=message):
            load(text)
    with pytest.raises(CheckpointError, match=r"keys do not fit the network; .* missing: "):
        load(f"torchvision:deeplabv3_mobilenet_v3_large@{write_classifier(tmp_path)}")
    with pytest.raises(UsageError, match="has 5 classes, but the dataset has 2"):
        load(f"torchvision:lraspp_mobilenet_v3_large@{tmp_path}/weights.pth", ("a", "b"))


def write_classifier(folder: Path) -> Path:
    torch.save({"classifier.4.bias": torch.zeros(5)}, folder / "other.pth")
    return folder / "other.pth"


def test_a_file_that_torchvision_released_has_its_classes(tmp_path: Path) -> None:
    from torchvision.models import get_model

    name = "lraspp_mobilenet_v3_large-d234d4ea.pth"
    network = strengthened(get_model("lraspp_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=21))
    torch.save(network.state_dict(), tmp_path / name)
    assert load(f"torchvision:lraspp_mobilenet_v3_large@{tmp_path}/{name}").class_names[:2] == (
        "__background__", "aeroplane",
    )  # fmt: skip


def test_what_is_no_program_of_torch_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"net\.pt2: not a program of torch\.export") as caught:
        load(f"pt2:{tmp_path}/net.pt2")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"none\.pt2: no such file"):
        load(f"pt2:{tmp_path}/none.pt2")
    program = torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),))
    torch.export.save(program, tmp_path / "line.pt2")
    with pytest.raises(UsageError, match=r"its input must be one tensor \(B, 3, H, W\), got \[\(1, 3\)\]"):
        load(f"pt2:{tmp_path}/line.pt2")


@pytest.mark.parametrize(("kind", "build"), [("onnx", build_onnx("fixed")), ("pt2", build_pt2("fixed"))])
def test_several_images_go_one_by_one_through_a_network_of_batch_1(kind: str, build: Any, tmp_path: Path) -> None:
    build(tmp_path)
    model = load(f"{kind}:{tmp_path}/net.{kind}")
    with torch.inference_mode():
        alone = torch.cat([model(image) for image in IMAGES.split(1)])
        assert torch.equal(model(IMAGES), alone)


def test_a_model_of_one_size_is_refused_before_the_run_unless_its_views_feed_that(tmp_path: Path) -> None:
    build_onnx("fixed")(tmp_path)
    (tmp_path / "names.txt").write_text("\n".join(CLASSES), encoding="utf-8")

    def plan(*views: str) -> int:
        model = {
            "name": "net", "model": f"onnx:{tmp_path}/net.onnx?classes={tmp_path}/names.txt",
            "classes": {"class a": "road"},
        }  # fmt: skip
        streets = {"name": "streets", "split": "test", "size": (96, 128), "count": 1}
        suite = Suite(name="s", description="", models=[model], views=views, dataset=streets)
        dataset, ids = open_data(suite, Options())
        return len(make_jobs(suite, Options(), dataset, ids)[1])

    for views in (("whole",), ("slide-48-32",), ("pad-128",), ("resize-64x64", "whole-x2")):
        with pytest.raises(UsageError, match=r"net takes images of 64x64 alone, got .*: use the view resize-64x64, or"):
            plan(*views)
    assert plan("resize-64x64", "slide-64-48") == 2
