"""The preprocessor in the files of weights: read as Transformers reads it, and contained in every form we write."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from test_sources import make_reference
from transformers import SegformerImageProcessor
from wrapping import network, nvlabs_state, run_line

from segformer import (
    CheckpointError,
    CheckpointInfo,
    build,
    export_onnx,
    load_checkpoint,
    load_encoder,
    save_checkpoint,
)
from segformer.files import METADATA_KEY
from segformer.preprocessor import read_normalisation

HALVES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_reference().save_pretrained(tmp_path / "b0")
    return tmp_path / "b0"


def understood(folder: Path) -> dict[str, object]:
    """The processor as Transformers reads it, without the fields that Transformers adds."""
    preprocessor = json.loads(SegformerImageProcessor.from_pretrained(folder).to_json_string())
    return {key: preprocessor[key] for key in ("image_mean", "image_std", "do_rescale", "do_normalize", "size")}


def test_a_folder_without_a_preprocessor_gives_an_empty_text(folder: Path) -> None:
    assert load_checkpoint(folder).info.preprocessor == ""


def test_a_folders_preprocessor_is_read_as_json_with_sorted_keys(folder: Path) -> None:
    SegformerImageProcessor(**HALVES, size={"width": 96, "height": 64}).save_pretrained(folder)
    preprocessor = load_checkpoint(folder).info.preprocessor
    assert preprocessor == json.dumps(json.loads(preprocessor), sort_keys=True)
    assert understood(folder) == {key: json.loads(preprocessor)[key] for key in understood(folder)}
    assert json.loads(preprocessor)["image_mean"] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    "processor",
    [{"processor_class": "X"}, {"image_processor": {"image_processor_type": "SegformerImageProcessor"} | HALVES}],
    ids=["without an image processor", "with one"],
)
def test_of_two_files_the_one_that_transformers_reads_is_read(folder: Path, processor: dict[str, object]) -> None:
    SegformerImageProcessor(**IMAGENET).save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps(processor))
    preprocessor = json.loads(load_checkpoint(folder).info.preprocessor)
    assert preprocessor["image_mean"] == list(understood(folder)["image_mean"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("preprocessor_config.json", "{", r"preprocessor_config\.json: not readable as JSON"),
        ("preprocessor_config.json", "[]", r"preprocessor_config\.json: expected a JSON object"),
        ("processor_config.json", '{"image_processor": 3}', r"config\.json: its image_processor must be a JSON object"),
    ],
)
def test_a_damaged_preprocessor_is_named(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize(("form", "name"), [("own", "w.safetensors"), ("nvlabs", "w.pth"), ("transformers", "w")])
def test_a_preprocessor_travels_with_the_weights_in_every_form(
    folder: Path, tmp_path: Path, form: str, name: str
) -> None:
    SegformerImageProcessor(**HALVES).save_pretrained(folder)
    model = load_checkpoint(folder)
    save_checkpoint(model, tmp_path / name, format=form)
    assert load_checkpoint(tmp_path / name).info.preprocessor == model.info.preprocessor != ""
    if form == "transformers":
        assert understood(tmp_path / name) == understood(folder)
        (tmp_path / name / "preprocessor_config.json").unlink()
        assert load_checkpoint(tmp_path / name).info.preprocessor == model.info.preprocessor


def test_a_preprocessor_that_is_changed_in_a_folder_that_we_wrote_holds(folder: Path, tmp_path: Path) -> None:
    SegformerImageProcessor(**HALVES).save_pretrained(folder)
    save_checkpoint(load_checkpoint(folder), tmp_path / "ours", format="transformers")
    SegformerImageProcessor(**IMAGENET).save_pretrained(tmp_path / "ours")
    config = json.loads((tmp_path / "ours" / "config.json").read_text())
    names = {str(i): f"class {i}" for i in range(5)}
    (tmp_path / "ours" / "config.json").write_text(json.dumps(config | {"id2label": names}))
    info = load_checkpoint(tmp_path / "ours").info
    assert json.loads(info.preprocessor)["image_mean"] == IMAGENET["image_mean"]
    assert info.class_names == tuple(names.values())


@pytest.mark.parametrize("preprocessor", [json.dumps(HALVES), ""])
def test_a_preprocessor_travels_in_the_metadata_of_a_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preprocessor: str
) -> None:
    """The exporter itself, which takes a minute, has its test elsewhere."""
    proto = SimpleNamespace(SerializeToString=lambda: b"graph")
    program = SimpleNamespace(model=SimpleNamespace(metadata_props={}), model_proto=proto)
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: program)
    model = build("b0", num_classes=2)
    model.info = CheckpointInfo(preprocessor=preprocessor)
    export_onnx(model, tmp_path / "b0.onnx")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"b0.onnx": b"graph"}
    about = json.loads(program.model.metadata_props[METADATA_KEY])
    assert about.get("preprocessor", "") == preprocessor
    assert about.keys() - {"preprocessor"} == {"class_names", "licence", "source"}


def test_a_file_without_a_preprocessor_is_written_as_before_the_field_existed(tmp_path: Path) -> None:
    save_checkpoint(build("b0", num_classes=3), tmp_path / "own.safetensors")
    with safe_open(tmp_path / "own.safetensors", "pt") as file:
        info = json.loads(file.metadata()[METADATA_KEY])["info"]
    assert info.keys() == {"class_names", "licence", "source", "recipe"}
    assert load_checkpoint(tmp_path / "own.safetensors").info.preprocessor == ""


@pytest.mark.parametrize("damage", ["[]", "{", 3])
def test_a_description_whose_preprocessor_is_none_is_refused(tmp_path: Path, damage: object) -> None:
    model = build("b0", num_classes=3)
    model.info = CheckpointInfo(preprocessor=damage)
    save_checkpoint(model, tmp_path / "own.safetensors")
    with pytest.raises(CheckpointError, match=r"own\.safetensors: its configuration does not fit this version"):
        load_checkpoint(tmp_path / "own.safetensors")


def test_a_folder_with_the_preprocessor_of_another_model_is_not_written_to(folder: Path) -> None:
    SegformerImageProcessor(**HALVES).save_pretrained(folder)
    model = load_checkpoint(folder)
    save_checkpoint(model, folder, format="transformers")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(CheckpointError, match=r"b0: holds the preprocessor of another model; choose a new folder$"):
        save_checkpoint(build("b0", num_classes=5), folder, format="transformers")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_network_that_starts_from_an_encoder_is_for_the_images_that_the_encoder_knows(
    folder: Path, tmp_path: Path
) -> None:
    SegformerImageProcessor(**HALVES).save_pretrained(folder)
    model = build("b0", num_classes=3, norm_eps=1e-5)
    info = load_encoder(model, folder)
    assert model.info.preprocessor == info.preprocessor != ""
    save_checkpoint(build("b0", num_classes=3, norm_eps=1e-5), tmp_path / "own.safetensors")
    decoder = load_checkpoint(tmp_path / "own.safetensors")
    assert load_encoder(decoder, folder).preprocessor == info.preprocessor
    assert decoder.info.preprocessor == ""  # the decoder, from a file, was made for others


def configured(mean: str, std: str, order: str = "to_rgb=True") -> str:
    return f"img_norm_cfg = dict(\n    mean={mean}, std={std}, {order})\ncrop_size = (512, 512)\n"


MMENGINE = """data_preprocessor = dict(
    bgr_to_rgb=False,
    mean=[
        127.5,
        127.5,
        127.5,
    ],
    pad_val=0,
    std=[
        127.5,
        127.5,
        127.5,
    ],
    type='SegDataPreProcessor')
"""


@pytest.mark.parametrize(
    ("meta", "mean", "flipped"),
    [
        ({"config": configured("[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]")}, None, None),
        ({"config": configured("[127.5, 127.5, 127.5]", "[127.5, 127.5, 127.5]")}, 0.5, False),
        ({"cfg": MMENGINE}, 0.5, True),
        ({"cfg": MMENGINE + "model = dict(" + MMENGINE[:-1] + ", init_cfg=dict(std=0.01))"}, 0.5, True),
        ({"cfg": configured("(127.5, 127.5, 127.5)", "(127.5, 127.5, 127.5,)", "to_rgb=False")}, 0.5, True),
        # Without an order MMSegmentation's preprocessor leaves images in BGR, and a step Normalize converts them.
        ({"cfg": '{"data_preprocessor": {"mean": [127.5, 127.5, 127.5], "std": [127.5, 127.5, 127.5]}}'}, 0.5, True),
        ({"cfg": MMENGINE.replace("bgr_to_rgb=False,", "")}, 0.5, True),
        ({"cfg": MMENGINE.replace("bgr_to_rgb=False,", "rgb_to_bgr=True,")}, 0.5, False),
        ({"cfg": MMENGINE.replace("bgr_to_rgb=False,", "bgr_to_rgb=True, rgb_to_bgr=False,")}, 0.5, False),
        ({"cfg": "x = [dict(type='Normalize', mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])]"}, 0.5, False),
        ({"cfg": configured("[.5, .5, .5]", "[.5, 5e-1, +0.5]")}, 0.5 / 255, False),
        ({"cfg": "# " + configured("[0, 0, 0]", "[1, 1, 1]").replace("\n", "\n# ")}, None, None),
        ({"cfg": "img_norm_cfg = dict()\nx = dict(type='Normalize', **img_norm_cfg)"}, None, None),
        (
            {"cfg": "head=dict(init_cfg=dict(type='Normal', mean=0, std=0.01), prior=dict(mean=[1, 2], std=3))"},
            None,
            None,
        ),
        ({"cfg": 3, "config": "mean=[a, b, c] std=[]"}, None, None),
        ({}, None, None),
    ],
)
def test_the_normalisation_of_mmsegmentation_is_read_from_its_configuration(
    tmp_path: Path, meta: dict[str, object], mean: float | None, flipped: bool | None
) -> None:
    torch.save({"meta": meta, "state_dict": nvlabs_state(network(), tmp_path)}, tmp_path / "b0.pth")
    preprocessor = load_checkpoint(tmp_path / "b0.pth").info.preprocessor
    if mean is None:
        assert preprocessor == ""
    else:
        assert json.loads(preprocessor)["image_mean"] == json.loads(preprocessor)["image_std"] == [mean] * 3
        assert json.loads(preprocessor)["do_flip_channel_order"] == flipped


HALF = "[127.5, 127.5, 127.5]"
NORMALIZE = f"pipeline = [dict(type='Load'), dict(type='Normalize', mean={HALF}, std={HALF}, to_rgb=True)]\n"


def test_a_normalisation_that_all_parts_of_a_configuration_repeat_is_read() -> None:
    preprocessor = json.loads(
        read_normalisation(
            configured(HALF, HALF) + NORMALIZE + f"test = dict(pipeline=[{NORMALIZE[12:-2]}])", Path("w.pth")
        )
    )
    assert preprocessor["image_mean"] == preprocessor["image_std"] == [0.5] * 3


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (NORMALIZE + configured("[0, 0, 0]", HALF), "values that differ as the images' mean"),
        (NORMALIZE + configured(HALF, "[1, 1, 1]"), "values that differ as the images' std"),
        (NORMALIZE + configured(HALF, HALF, "to_rgb=False"), "values that differ as the images' to_rgb"),
        (NORMALIZE + MMENGINE.replace("bgr_to_rgb=False,", ""), "values that differ as the images' to_rgb"),
        (NORMALIZE + configured("[127.5] * 3", HALF), "values that differ as the images' mean"),
        (configured("[127.5] * 3", "[127.5] * 3"), "something other than three numbers as the images' mean"),
        (configured("[127.5, 127.5]", HALF), "something other than three numbers as the images' mean"),
        (configured("np.array([1, 2, 3])", HALF), "something other than three numbers as the images' mean"),
        (configured(HALF, "127.5"), "something other than three numbers as the images' std"),
        (configured(HALF, "None"), "something other than three numbers as the images' std"),
        (configured(HALF, HALF, "to_rgb=order"), "something other than True or False as the images' to_rgb"),
        (f"data_preprocessor = dict(mean={HALF})", "something other than three numbers as the images' std"),
    ],
)
def test_a_normalisation_that_leaves_a_doubt_is_refused_with_a_line_that_settles_it(
    tmp_path: Path, text: str, wrong: str
) -> None:
    path = tmp_path / "b0.pth"
    torch.save({"meta": {"config": text}, "state_dict": nvlabs_state(network(), tmp_path)}, path)
    with pytest.raises(CheckpointError, match=f"its MMSegmentation configuration gives {wrong}; if"):
        load_checkpoint(path)
    with pytest.raises(CheckpointError) as caught:
        read_normalisation(text, path)
    message, _, line = str(caught.value).partition("R, G and B of 0 .. 255: ")
    assert message.startswith(f"{path}: ")
    run_line(line.replace("[R, G, B]", HALF), tmp_path)
    assert json.loads(load_checkpoint(tmp_path / "plain.pth").info.preprocessor)["image_std"] == [0.5] * 3
