"""DeepLabV3+ as segmentation-models-pytorch stores it, against that library itself."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch.nn import functional

from robustbench_seg.errors import UsageError
from robustbench_seg.models import MODELS, build_network, load_source, random_model, save_network
from robustbench_seg.models.preprocessing import IMAGENET, Preprocessing
from robustbench_seg.models.smp_files import preprocessing_of_encoder
from robustbench_seg.models.source import Source
from segformer import CheckpointError

CPU = torch.device("cpu")
CLASSES = ("road", "sky", "car")
IMAGES = torch.randint(256, (2, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TINY = {"encoder_name": "tu-test_efficientnet", "decoder_channels": 16}  # timm's own, for tests
HALF = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def make(**options: Any) -> Any:
    """A DeepLabV3+ with random weights, so strong that each option shows in its logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = smp.DeepLabV3Plus(**{**TINY, "encoder_weights": None, "classes": 3, **options}).eval()
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.weight.uniform_(1, 2)
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.2, 1)
            features = network.decoder(network.encoder(torch.randn(1, 3, 64, 64)))
            network.segmentation_head[0].weight /= features.std()
    return network


def theirs(folder: Path, images: torch.Tensor, preprocessing: Preprocessing = IMAGENET) -> Any:
    """What smp itself makes of a folder; its own preprocessing in NumPy."""
    pixels = images.permute(0, 2, 3, 1).numpy()
    params = {"mean": preprocessing.mean, "std": preprocessing.std, "input_space": "RGB", "input_range": [0, 1]}
    given = smp.encoders._preprocessing.preprocess_input(pixels, **params)
    with torch.inference_mode():
        return smp.from_pretrained(folder).eval()(torch.from_numpy(given).permute(0, 3, 1, 2).float())


def change(folder: Path, **fields: Any) -> None:
    """Change config.json; a field that becomes ... is left out."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | fields
    kept = {name: value for name, value in config.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(kept), encoding="utf-8")


def load(path: Path, name: str = "deeplabv3plus") -> Any:
    return load_source(Source(model=name, weights=str(path)), name, CLASSES, CPU)


def of_files(folder: Path, *names: str) -> str:
    printed = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    return hashlib.sha256(printed).hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"encoder_output_stride": 8},
        {"decoder_atrous_rates": (2, 4, 6)},
        {"encoder_depth": 4},
        {"encoder_depth": 3, "encoder_output_stride": 8},
        {"decoder_aspp_separable": False, "decoder_channels": 24},
        {"decoder_aspp_dropout": 0.1},
        {"encoder_name": "mobilenet_v2", "encoder_output_stride": 8},
        {"encoder_name": "resnet18"},
    ],
)
def test_a_folder_gives_the_logits_of_smp_with_the_options_in_it(options: dict[str, Any], tmp_path: Path) -> None:
    make(**options).save_pretrained(tmp_path)
    model = load(tmp_path)
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), theirs(tmp_path, IMAGES), atol=1e-4, rtol=1e-4)
    stride, encoder = options.get("encoder_output_stride", 16), options.get("encoder_name", TINY["encoder_name"])
    assert f"encoder {encoder}, output stride {stride};" in model.about
    assert model.checkpoint_sha256 == of_files(tmp_path, "config.json", "model.safetensors")


def test_options_without_a_trace_in_the_shapes_change_logits_and_identity(tmp_path: Path) -> None:
    make().save_pretrained(tmp_path)
    found = {}
    for fields in ({}, {"encoder_output_stride": 8}, {"encoder_output_stride": 16, "decoder_atrous_rates": [2, 4, 6]}):
        change(tmp_path, **fields)
        model = load(tmp_path)
        with torch.inference_mode():
            found[model.checkpoint_sha256] = model(IMAGES)
    assert len(found) == 3
    one, *others = found.values()
    assert all((one - other).abs().max() > 0.1 for other in others)  # a thousand times what the tests here allow


@pytest.mark.parametrize(("stride", "size"), [(16, (50, 70)), (8, (50, 70)), (8, (40, 72))])
def test_an_image_is_padded_to_a_multiple_of_the_stride_and_no_further(
    stride: int, size: tuple[int, int], tmp_path: Path
) -> None:
    make(encoder_output_stride=stride).save_pretrained(tmp_path)
    images = IMAGES[:, :, : size[0], : size[1]]
    padded = functional.pad(IMAGENET.normalise(images), (0, -size[1] % stride, 0, -size[0] % stride))
    with torch.inference_mode():
        expected = smp.from_pretrained(tmp_path).eval()(padded)[:, :, : size[0], : size[1]]
        torch.testing.assert_close(load(tmp_path)(images), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_has_smps_default_options_and_says_so(suffix: str, tmp_path: Path) -> None:
    network, path = make(encoder_name="mobilenet_v2", decoder_channels=256), tmp_path / f"best{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        save_file(network.state_dict(), path)
    (tmp_path / "config.json").write_text('{"model_type": "of something else"}', encoding="utf-8")
    model = load(path, "deeplabv3plus-mobilenet_v2")
    with torch.inference_mode():
        expected = network(IMAGENET.normalise(IMAGES))
        torch.testing.assert_close(model(IMAGES), expected, atol=1e-4, rtol=1e-4)
    assert "output stride 16;" in model.about
    assert "from a state dict alone, so smp's default options are assumed" in model.about
    assert model.checkpoint_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_options_of_a_state_dict_come_from_the_config_next_to_it(tmp_path: Path) -> None:
    network = make(encoder_output_stride=8)
    network.save_pretrained(tmp_path)
    torch.save(network.state_dict(), tmp_path / "best.pth")
    model = load(tmp_path / "best.pth")
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), theirs(tmp_path, IMAGES), atol=1e-4, rtol=1e-4)
    assert "assumed" not in model.about
    assert model.checkpoint_sha256 == of_files(tmp_path, "best.pth", "config.json")


def test_a_state_dict_without_an_encoders_name_is_refused_with_the_cure(tmp_path: Path) -> None:
    torch.save(make().state_dict(), tmp_path / "best.pth")
    with pytest.raises(UsageError, match=r"best\.pth: a state dict does not name its encoder: put smp's config\.json"):
        load(tmp_path / "best.pth")


def test_counters_may_be_missing_and_a_second_head_is_left_out(tmp_path: Path) -> None:
    make(aux_params={"classes": 2}).save_pretrained(tmp_path)
    expected, _ = theirs(tmp_path, IMAGES)
    with torch.inference_mode():
        torch.testing.assert_close(load(tmp_path)(IMAGES), expected, atol=1e-4, rtol=1e-4)
    state = {key: value for key, value in make().state_dict().items() if "num_batches_tracked" not in key}
    make().save_pretrained(tmp_path)
    expected = theirs(tmp_path, IMAGES)
    save_file(state, tmp_path / "model.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(load(tmp_path)(IMAGES), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")  # of smp's own softmax
@pytest.mark.parametrize(("activation", "log"), [("softmax", False), ("softmax2d", False), ("logsoftmax", True)])
def test_a_last_step_that_is_no_part_of_the_logits_is_left_out(activation: str, log: bool, tmp_path: Path) -> None:
    make(activation=activation).save_pretrained(tmp_path)
    model = load(tmp_path)
    with torch.inference_mode():
        got = model(IMAGES).log_softmax(dim=1)
        expected = theirs(tmp_path, IMAGES)
    torch.testing.assert_close(got if log else got.exp(), expected, atol=1e-4, rtol=1e-4)
    assert f"without its last step {activation}" in model.about


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"_model_class": "Unet"}, "holds Unet; of smp's models DeepLabV3Plus is read"),
        ({"_model_class": ...}, "holds unknown, which is no model of smp"),
        ({"encoder_output_stride": ...}, "lacks encoder_output_stride, without which the network is not known"),
        ({"decoder_atrous_rates": ..., "encoder_depth": ...}, "lacks decoder_atrous_rates, encoder_depth"),
        ({"classes": 19}, "has 19 classes, but the dataset has 3"),
        ({"in_channels": 4}, "in_channels must be 3, got 4"),
        ({"upsampling": 8}, "upsampling must be 4, got 8"),
        ({"activation": "sigmoid"}, "its last step 'sigmoid' makes no one class of several the most likely"),
        ({"checkpoint_path": "x.pth"}, "the option checkpoint_path = 'x.pth' is not known here"),
        ({"encoder_output_stride": 4}, "smp can't build its network"),
        ({"decoder_atrous_rates": "12"}, "smp can't build its network|not a DeepLabV3"),
        ({"encoder_name": "no_such"}, "what the input of the encoder 'no_such' must be is not known here"),
        ({"encoder_name": "tu-hf-hub:someone/something"}, "'tu-hf-hub:someone/something' must be is not known here"),
        ({"encoder_name": "tu-test_resnet"}, "not a DeepLabV3.* with encoder tu-test_resnet .*: .* missing"),
        ({"decoder_channels": 8}, "and these options: .* misshapen"),
    ],
)
def test_what_can_not_be_read_is_refused_in_one_line(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    make().save_pretrained(tmp_path)
    change(tmp_path, **fields)
    with pytest.raises(UsageError, match=f"^{tmp_path}.*: .*({message})") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_encoder_elsewhere_is_never_fetched(tmp_path: Path) -> None:
    make().save_pretrained(tmp_path)
    change(tmp_path, encoder_name="tu-hf-hub:someone/something")
    write_transform(tmp_path, [NORMALISE])
    with pytest.raises(UsageError, match="its encoder 'tu-hf-hub:someone/something' would be fetched from there"):
        load(tmp_path)


def test_another_encoder_than_the_models_is_refused(tmp_path: Path) -> None:
    make(encoder_name="mobilenet_v2").save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"not a DeepLabV3\+ with encoder resnet50 \(found mobilenet_v2\)"):
        load(tmp_path, "deeplabv3plus-resnet50")
    assert load(tmp_path, "deeplabv3plus-mobilenet_v2").class_names == CLASSES


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(missing: str, tmp_path: Path) -> None:
    make().save_pretrained(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(UsageError, match=r"needs config\.json and model\.safetensors or pytorch_model\.bin"):
        load(tmp_path)


def test_a_folder_of_transformers_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "segformer"}', encoding="utf-8")
    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match=r"config\.json: holds segformer, which is no model of smp"):
        load(tmp_path)


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return print, ("run",)

    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises((CheckpointError, UsageError), match=r"evil\.pth: "):
        load(tmp_path / "evil.pth", "deeplabv3plus-mobilenet_v2")
    assert capsys.readouterr().out == ""


def test_our_own_files_are_read_under_the_general_name_too(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    network = build_network("deeplabv3plus-mobilenet_v2", CLASSES).eval()
    save_network("deeplabv3plus-mobilenet_v2", network, path, class_names=CLASSES, licence="x", recipe="")
    one, other = load(path), load(path, "deeplabv3plus-mobilenet_v2")
    assert one.checkpoint_sha256 == other.checkpoint_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert one.about == other.about
    with torch.inference_mode():
        assert torch.equal(one(IMAGES), other(IMAGES))
    with pytest.raises(UsageError, match="model deeplabv3plus can't be trained and has no random weights"):
        random_model("deeplabv3plus", CLASSES)


def test_no_two_known_networks_take_the_same_file() -> None:
    """A file's hash is all that tells models apart: their names alone decide no logits."""
    names = [name for name in MODELS if name.startswith("deeplabv3plus-")]
    with torch.device("meta"):
        states = [build_network(name, CLASSES).state_dict() for name in names]
    shapes = {frozenset((key, tensor.shape) for key, tensor in state.items()) for state in states}
    assert len(shapes) == len(names)


@pytest.mark.parametrize("encoder", ["tu-test_resnet", "tu-xception41", "tu-resnet18", "tu-tf_efficientnet_lite0"])
def test_the_input_of_timms_encoders_is_what_smp_says(encoder: str) -> None:
    expected = smp.encoders.get_preprocessing_params(encoder)
    found = preprocessing_of_encoder(encoder, None, Path("here"))
    assert (found.mean, found.std) == (tuple(expected["mean"]), tuple(expected["std"]))
    assert (found.order, found.rescale) == (expected["input_space"], 1 / 255)


# As smp's own table had it before it moved to the hub.
DPN = Preprocessing(mean=(0.48627450980392156, 0.4588235294117647, 0.40784313725490196), std=(0.23482446870963955,) * 3)


@pytest.mark.parametrize(
    ("encoder", "weights", "expected"),
    [
        ("resnet34", "imagenet", IMAGENET),
        ("resnext101_32x8d", "instagram", IMAGENET),
        ("mobilenet_v2", None, IMAGENET),
        ("se_resnext50_32x4d", "imagenet", IMAGENET),
        ("efficientnet-b3", "imagenet", IMAGENET),
        ("efficientnet-b3", "advprop", HALF),
        ("timm-efficientnet-b0", "noisy-student", IMAGENET),
        ("timm-efficientnet-b0", "advprop", HALF),
        ("timm-tf_efficientnet_lite2", "imagenet", HALF),
        ("inceptionresnetv2", "imagenet+background", HALF),
        ("inceptionv4", "imagenet", HALF),
        ("xception", None, HALF),
        ("mit_b2", "imagenet", IMAGENET),
        ("timm-skresnet18", "imagenet", IMAGENET),
        ("mobileone_s4", "imagenet", IMAGENET),
        ("dpn68", "imagenet", DPN),
    ],
)
def test_the_input_of_smps_encoders_is_the_one_they_were_made_for(
    encoder: str, weights: str | None, expected: Preprocessing
) -> None:
    found = preprocessing_of_encoder(encoder, weights, Path("here"))
    np.testing.assert_allclose([*found.mean, *found.std], [*expected.mean, *expected.std], rtol=1e-12)
    assert (found.order, found.rescale) == ("RGB", 1 / 255)


def test_an_encoder_of_another_input_gets_it(tmp_path: Path) -> None:
    make(encoder_name="tu-test_resnet").save_pretrained(tmp_path)
    model = load(tmp_path)
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), theirs(tmp_path, IMAGES, HALF), atol=1e-4, rtol=1e-4)
    assert model.about.endswith(", mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5) (its encoder's)")


def test_an_encoder_of_inceptions_input_gets_it_and_its_numbers_are_part_of_the_identity(tmp_path: Path) -> None:
    """Earlier versions fed it ImageNet's, so what they stored must not count as the same model's."""
    network = smp.Unet("xception", encoder_weights=None, classes=3, decoder_channels=(16, 8, 8, 8, 8)).eval()
    network.save_pretrained(tmp_path)
    model = load(tmp_path, "smp")
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), theirs(tmp_path, IMAGES, HALF), atol=1e-4, rtol=1e-4)
    of_all = of_files(tmp_path, "config.json", "model.safetensors")
    assert model.checkpoint_sha256 != of_all
    assert f"weights sha256 {of_all}" in model.about
    write_transform(tmp_path, [NORMALISE])
    stated = load(tmp_path, "smp").checkpoint_sha256
    assert stated == of_files(tmp_path, "albumentations_config_eval.json", "config.json", "model.safetensors")


# The form is that of Albumentations 1.4, whose `save_pretrained` puts the file next to the weights.
NORMALISE: dict[str, Any] = {
    "__class_fullname__": "Normalize",
    "p": 1.0,
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "max_pixel_value": 255.0,
    "normalization": "standard",
}
RESIZE = {"__class_fullname__": "Resize", "p": 1.0, "height": 256, "width": 256, "interpolation": 1}
TO_TENSOR = {"__class_fullname__": "albumentations.pytorch.transforms.ToTensorV2", "p": 1.0}


def write_transform(folder: Path, steps: Any) -> None:
    saved = {"__version__": "1.4.14", "transform": {"__class_fullname__": "Compose", "p": 1.0, "transforms": steps}}
    (folder / "albumentations_config_eval.json").write_text(json.dumps(saved), encoding="utf-8")


def test_a_transform_next_to_the_weights_is_applied_and_part_of_the_identity(tmp_path: Path) -> None:
    make(encoder_name="tu-test_resnet").save_pretrained(tmp_path)
    write_transform(tmp_path, [RESIZE, NORMALISE, TO_TENSOR])
    model = load(tmp_path)
    expected = theirs(tmp_path, IMAGES, Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)))
    with torch.inference_mode():
        torch.testing.assert_close(model(IMAGES), expected, atol=1e-4, rtol=1e-4)
    files = ("albumentations_config_eval.json", "config.json", "model.safetensors")
    assert model.checkpoint_sha256 == of_files(tmp_path, *files)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([NORMALISE, {"__class_fullname__": "CLAHE"}], "its step CLAHE can't be applied here"),
        ([RESIZE], "needs one Normalize, of the kind standard"),
        ([NORMALISE, NORMALISE], "needs one Normalize, of the kind standard"),
        ([NORMALISE | {"normalization": "min_max"}], "needs one Normalize, of the kind standard"),
        ([NORMALISE | {"std": [1.0, 0.0, 1.0]}], "rescaling and std must be finite and more than 0"),
        ([NORMALISE | {"mean": [0.5]}], "mean must be three finite numbers"),
        ([NORMALISE | {"max_pixel_value": 0}], "not a pipeline that Albumentations saved"),
        ([NORMALISE | {"mean": None}], "not a pipeline that Albumentations saved"),
        ("steps", "not a pipeline that Albumentations saved"),
        ([3], "not a pipeline that Albumentations saved"),
    ],
)
def test_a_transform_that_can_not_be_applied_is_refused(steps: Any, message: str, tmp_path: Path) -> None:
    make().save_pretrained(tmp_path)
    write_transform(tmp_path, steps)
    with pytest.raises(UsageError, match=rf"albumentations_config_eval\.json: {message}"):
        load(tmp_path)
