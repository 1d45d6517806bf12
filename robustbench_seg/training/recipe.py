"""A training recipe: everything that decides the trained weights, as YAML."""

from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from ..validation import DatasetSpec, Strict, read_yaml

__all__ = ["Recipe", "read_recipe"]


class Recipe(Strict):
    """How one network is trained (Xie et al. 2021, Section 4.1).

    model: a name of MODELS; model_options: its fields, such as ffn. crop: side of training crops in pixels.
    learning_rate: peak of the encoder's; decoder_rate_factor times that is the decoder's. warmup: iterations of linear
    growth; then polynomial decay of that power to 0. precision: of the forward pass; weights stay float32. in_memory:
    keep all samples once they are read or drawn. checkpoint_every: iterations between checkpoints, of which the last
    `keep` stay. licence: of the weights made.
    """

    model: str
    model_options: dict[str, Any] = Field(default_factory=dict)
    dataset: DatasetSpec
    iterations: PositiveInt
    batch_size: PositiveInt
    crop: int = Field(ge=32)
    learning_rate: PositiveFloat
    decoder_rate_factor: PositiveFloat = 10.0
    weight_decay: float = Field(0.01, ge=0)
    warmup: int = Field(1500, ge=0)
    power: PositiveFloat = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = Field(0, ge=0)
    in_memory: bool = False
    checkpoint_every: PositiveInt = 500
    keep: PositiveInt = 2
    licence: str


def read_recipe(name_or_path: str) -> Recipe:
    """Read a shipped recipe by name, or a file. Raises UsageError in one line."""
    return read_yaml(name_or_path, Recipe, "robustbench_seg.training.recipes")
