"""A training recipe: everything that decides the trained weights, as YAML."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from ..corruptions import LARGEST_SEED
from ..errors import UsageError
from ..files import expanded
from ..models import find_weights
from ..store.view import View
from ..wording import nearest
from ..yaml_files import DatasetSpec, Strict, ViewSpec, find_yaml, read_yaml

__all__ = ["Recipe", "Validation", "read_recipe"]

PACKAGE = "robustbench_seg.training.recipes"
# Fields without effect on the weights. The encoder is identified by its file's content, not by its path.
NOT_DECIDING = {"checkpoint_every", "keep", "in_memory", "validation", "encoder"}


# Options of `build_network` that come from the recipe's other fields and from the data set.
SET_ELSEWHERE = ("name", "variant", "encoder", "class_names", "num_classes", "seed")


class Validation(Strict):
    """The validation during training, every `every` iterations and at the end. Its score decides nothing.

    view: as in a suite. limit: number of images, evenly spaced.
    """

    dataset: DatasetSpec
    every: PositiveInt
    view: ViewSpec = View()
    limit: PositiveInt | None = None


class Recipe(Strict):
    """The recipe for one network (Xie et al. 2021, Section 4.1).

    model: a name in MODELS. model_options: fields of the model, such as ffn. encoder: initial weights of a SegFormer's
    encoder, a path or a name on the Hugging Face hub. batch_size: over all processes. crop: side of training crops in
    pixels. learning_rate: of the encoder; the decoder's is decoder_rate_factor times larger. Both decay to 0 from the
    first iteration on, as a polynomial of degree `power`, and grow linearly over the first `warmup` iterations.
    clip_norm: maximum Euclidean norm of the gradient over all parameters. precision: of the forward pass; weights are
    float32. channels_last, compile: memory layout of the convolutions, and torch.compile; both change rounding and
    speed. in_memory: keep all samples in memory. checkpoint_every: iterations between checkpoints. keep: number of
    checkpoints to keep. licence: of the trained weights; the encoder's is added.
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
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    in_memory: bool = False
    checkpoint_every: PositiveInt = 500
    keep: PositiveInt = 2
    licence: str

    @field_validator("model_options")
    @classmethod
    def refuse_duplicates(cls, options: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in options if name in SET_ELSEWHERE]:
            raise ValueError(f"{', '.join(taken)} is set by the recipe's other fields or its data set")
        return options

    @model_validator(mode="after")
    def refuse_other_encoding(self) -> Self:
        sides = self.model_options.get("train_size")
        if sides is not None and sides not in ([self.crop] * 2, (self.crop,) * 2):
            raise ValueError(
                f"model_options.train_size {sides} differs from the crop, {self.crop}: a learned positional encoding "
                f"would be resized in each step of training; change both, train_size to [{self.crop}, {self.crop}]"
            )
        return self

    def deciding_fields(self) -> dict[str, Any]:
        """Return the fields that decide the weights, as JSON values, without fields that are off."""
        fields = self.model_dump(mode="json", exclude=NOT_DECIDING)
        return {name: value for name, value in fields.items() if value is not None and value is not False}


def read_recipe(name_or_path: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a shipped recipe by name, or a file. Raises UsageError (one line).

    The encoder's path is relative to the file. changes: new values of the recipe's fields by name, such as "seed" or
    "dataset.split"; an encoder's path among them is relative to the working directory.
    """
    for place in changes or {}:
        if place.split(".")[0] not in Recipe.model_fields:
            raise UsageError(f"a recipe has no field {place!r}; {nearest(place, Recipe.model_fields)}")
    recipe = read_yaml(name_or_path, Recipe, PACKAGE, changes)
    if recipe.encoder is None:
        return recipe
    if "encoder" in (changes or {}):
        encoder = expanded(recipe.encoder)
    else:
        encoder = find_weights(recipe.encoder, find_yaml(name_or_path, PACKAGE).parent, recipe.model)
    return recipe.model_copy(update={"encoder": encoder})
