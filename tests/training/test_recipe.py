import json
from pathlib import Path

import pytest
import yaml
from tiny_recipe import RECIPE, make

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.training.recipe import Recipe, read_recipe
from robustbench_seg.yaml_files import shipped


def test_values_replace_fields_of_a_recipe_by_name() -> None:
    recipe = read_recipe("camvid", {"seed": 3, "dataset.split": "fit", "model_options.ffn": "plain", "encoder": None})
    assert (recipe.seed, recipe.dataset.split, recipe.dataset.name) == (3, "fit", "camvid")
    assert recipe.model_options == {**read_recipe("camvid").model_options, "ffn": "plain"}


def test_a_part_that_a_recipe_lacks_is_made_by_its_places() -> None:
    places = {"validation.dataset.name": "camvid", "validation.dataset.split": "held", "validation.every": 100}
    found = read_recipe("streets", places).validation
    assert found is not None
    assert (found.dataset.name, found.dataset.split, found.every, found.view) == ("camvid", "held", 100, View())


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("sead", 1, "a recipe has no field 'sead'; the nearest is seed"),
        ("crop", 8, "camvid: crop: must be 32 or more, got 8"),
        ("crop.x", 8, "camvid: crop: must be a whole number, got {'x': 8}"),
        ("clip_norm", 0, "camvid: clip_norm: must be more than 0, got 0"),
        ("validation.view", "slide", "camvid: validation.view: unknown view 'slide'"),
        (
            "validation.view",
            5,
            "camvid: validation.view: a view is its name, such as whole, or a mapping of its fields",
        ),
        ("learning_rate", float("inf"), "camvid: learning_rate: must be a finite number, got .inf"),
        ("seed", 10**23, "camvid: seed: must be 9223372036854775807 or less"),
        ("dataset", None, "camvid: dataset: "),
        ("model_options.seed", 1, "camvid: model_options: seed is set by the recipe's other fields or its data set"),
        ("model_options.num_classes", 5, "camvid: model_options: num_classes is set by"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(place: str, value: object, message: str) -> None:
    with pytest.raises(UsageError) as error:
        changes = {"validation.dataset": {"name": "camvid", "split": "held"}, "validation.every": 1}
        read_recipe("camvid", {**(changes if place.startswith("validation") else {}), place: value})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": 128}, "model_options.train_size [256, 256] differs from the crop, 128"),
        ({"model_options.train_size": [256, 512]}, "model_options.train_size [256, 512] differs from the crop, 256"),
        ({"model_options.train_size": 256}, "model_options.train_size 256 differs from the crop, 256"),
    ],
)
def test_a_learned_positional_encoding_has_the_size_of_the_crop(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_recipe("camvid-learned", changes)
    assert str(error.value).startswith(f"camvid-learned: {message}")
    both = read_recipe("camvid-learned", {"crop": 128, "model_options.train_size": [128, 128]})
    assert both.model_options["train_size"] == [both.crop, both.crop]


def test_a_recipe_survives_its_own_json(tmp_path: Path) -> None:
    for name in shipped("robustbench_seg.training.recipes"):
        recipe = read_recipe(name)
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(json.loads(recipe.model_dump_json(exclude_none=True))))
        assert read_recipe(str(path)) == recipe


def test_what_decides_is_every_field_but_those_without_effect_and_those_that_are_off() -> None:
    off = {"encoder", "validation", "clip_norm", "channels_last", "compile", "in_memory", "checkpoint_every", "keep"}
    bare = {name: value for name, value in RECIPE.items() if name not in off}
    decides = Recipe.model_validate(bare).deciding_fields()
    assert decides.keys() == Recipe.model_fields.keys() - off
    assert make(warmup=0).deciding_fields()["warmup"] == 0
    for change in ({"clip_norm": 1.0}, {"channels_last": True}, {"compile": True}):
        assert make(**change).deciding_fields() != make().deciding_fields()


PAPER = {
    # name: (model, crop, batch, iterations)
    "cityscapes-160k": ("segformer-b0", 1024, 8, 160_000),
    "cityscapes-768": ("segformer-b2", 768, 8, 40_000),
    "cityscapes-768-learned": ("segformer-b2", 768, 8, 40_000),
    "ade20k-160k": ("segformer-b0", 512, 16, 160_000),
    "cocostuff-80k": ("segformer-b0", 512, 16, 80_000),
}


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_recipes_have_the_papers_numbers(name: str) -> None:
    recipe = read_recipe(name)
    assert (recipe.model, recipe.crop, recipe.batch_size, recipe.iterations) == PAPER[name]
    assert (recipe.learning_rate, recipe.decoder_rate_factor, recipe.weight_decay) == (6e-5, 10, 0.01)
    assert (recipe.warmup, recipe.power, recipe.precision) == (1500, 1.0, "fp32")


def test_the_arms_of_table_1c_differ_only_in_ffn_and_encoding() -> None:
    mix, learned = read_recipe("cityscapes-768"), read_recipe("cityscapes-768-learned")
    assert mix.model_copy(update={"model_options": learned.model_options}) == learned
    assert mix.model_options == {}
    assert learned.model_options["train_size"] == [learned.crop, learned.crop]


def test_an_encoder_in_a_file_is_relative_to_it_and_one_that_is_set_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    path = tmp_path / "recipe.yaml"
    for text, expected in [
        ("mit_b0.pth", f"{tmp_path}/mit_b0.pth"),
        ("~/mit_b0.pth", "/home/ann/mit_b0.pth"),
        ("/a/mit_b0.pth", "/a/mit_b0.pth"),
        ("nvidia/mit-b0", "hf:nvidia/mit-b0"),
    ]:
        path.write_text(yaml.safe_dump({**RECIPE, "encoder": text}), encoding="utf-8")
        assert read_recipe(str(path)).encoder == expected
    assert read_recipe(str(path), {"encoder": "mit_b0.pth"}).encoder == "mit_b0.pth"
    assert read_recipe("camvid", {"encoder": "~/mit_b0.pth"}).encoder == "/home/ann/mit_b0.pth"


def test_the_encoders_path_does_not_decide_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, "encoder": "mit_b0.pth"}), encoding="utf-8")
    assert read_recipe(str(path)).deciding_fields() == read_recipe(str(path), {"encoder": None}).deciding_fields()
