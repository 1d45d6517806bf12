"""A training recipe: everything that decides the trained weights, as YAML."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from ..errors import UsageError
from ..files import expanded
from ..models import find_weights
from ..store.cell import View
from ..yaml_files import DatasetSpec, Strict, ViewSpec, find_yaml, read_yaml

__all__ = ["Recipe", "Validation", "read_recipe"]

PACKAGE = "robustbench_seg.training.recipes"
# Fields without effect on the weights; and the encoder's file, of which the content counts, whatever its path.
NOT_DECIDING = {"checkpoint_every", "keep", "in_memory", "validation", "encoder"}


# What `build_network` is given by the recipe's other fields and by the data set.
GIVEN = ("name", "variant", "encoder", "class_names", "num_classes", "seed")


class Validation(Strict):
    """Which images the network is scored on while it trains, every so many iterations and at the end.

    view: as in a suite. limit: use that many images, evenly spaced. Nothing is chosen by the score.
    """

    dataset: DatasetSpec
    every: PositiveInt
    view: ViewSpec = View()
    limit: PositiveInt | None = None


class Recipe(Strict):
    """How one network is trained (Xie et al. 2021, Section 4.1).

    model: a name of MODELS; model_options: its fields, such as ffn. encoder: weights that a SegFormer's encoder starts
    from, a path or a name on the Hugging Face hub. batch_size: of all processes together. crop: side of training crops
    in pixels. learning_rate: of the encoder; decoder_rate_factor times that is the decoder's. Both decay from the first
    iteration on, as a polynomial of that power, to 0, times a linear growth over the warmup. clip_norm: longest
    gradient, as a Euclidean norm over all parameters. precision: of the forward pass; weights stay float32.
    channels_last, compile: memory layout of the convolutions, and torch.compile; they change the rounding and the
    speed. in_memory: keep all samples once they are read or drawn. checkpoint_every: iterations between checkpoints, of
    which the last `keep` stay. licence: of the weights made; the encoder's is added.
    """

    model: str
    model_options: dict[str, Any] = Field(default_factory=dict)
    encoder: str | None = None
    dataset: DatasetSpec
    validation: Validation | None = None
    iterations: PositiveInt
    batch_size: PositiveInt
    crop: int = Field(ge=32)
    learning_rate: PositiveFloat
    decoder_rate_factor: PositiveFloat = 10.0
    weight_decay: float = Field(0.01, ge=0)
    warmup: int = Field(1500, ge=0)
    power: PositiveFloat = 1.0
    clip_norm: PositiveFloat | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False
    compile: bool = False
    seed: int = Field(0, ge=0, lt=2**63)
    in_memory: bool = False
    checkpoint_every: PositiveInt = 500
    keep: PositiveInt = 2
    licence: str

    @field_validator("model_options")
    @classmethod
    def options_are_not_given(cls, options: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in options if name in GIVEN]:
            raise ValueError(f"{', '.join(taken)} is said by the recipe's other fields or its data set")
        return options

    def what_decides(self) -> dict[str, Any]:
        """The fields that decide the weights, as JSON values; what is off is left out, so that fields may be added."""
        fields = self.model_dump(mode="json", exclude=NOT_DECIDING)
        return {name: value for name, value in fields.items() if value is not None and value is not False}


def read_recipe(name_or_path: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a shipped recipe by name, or a file, to which its encoder is relative. Raises UsageError in one line.

    changes: values that replace the recipe's, by their place, such as "seed" or "dataset.split"; an encoder among them
    is relative to the working directory.
    """
    for place in changes or {}:
        if place.split(".")[0] not in Recipe.model_fields:
            raise UsageError(f"a recipe has no field {place!r}; it has {', '.join(Recipe.model_fields)}")
    recipe = read_yaml(name_or_path, Recipe, PACKAGE, changes)
    if recipe.encoder is None:
        return recipe
    if "encoder" in (changes or {}):
        encoder = expanded(recipe.encoder)
    else:
        encoder = find_weights(recipe.encoder, find_yaml(name_or_path, PACKAGE).parent, recipe.model)
    return recipe.model_copy(update={"encoder": encoder})
