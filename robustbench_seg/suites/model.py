"""A model of a suite: a name, a source, weights and options, checked."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, model_validator

from ..errors import UsageError
from ..models import MODELS, ModelOptions, find_weights
from ..models.options import NOTHING_STATED
from ..models.source import Source, split_name
from ..wording import NAME, NAMES
from ..yaml_files import Strict, validated

__all__ = ["WHOLE_NAME", "ModelSpec", "given_model", "known_model"]

WHOLE_NAME = rf"^{NAME}$"


class ModelSpec(Strict):
    """name: in results. model: of MODELS, by default `name`, or a source (`models/source.py`). weights: a path,
    relative to the suite's file, or a word that `models` knows. options: of the source. classes: of a model of other
    classes than the data set's; see `alignment.align`. family: among many models, the report's group for this one; by
    default the first word of its name. A source alone goes by the name of its file or folder.
    """

    name: str = Field(pattern=WHOLE_NAME)
    model: str
    weights: str | None = None
    options: ModelOptions = NOTHING_STATED
    classes: dict[str, str | None] | str | None = None
    family: str = ""

    @model_validator(mode="before")
    @classmethod
    def model_is_a_source(cls, value: Any, info: ValidationInfo) -> Any:
        folder = (info.context or {}).get("folder", Path())
        if not isinstance(value, str | Mapping):
            raise ValueError("a model is its source, such as hf:FOLDER, or a mapping of its fields")
        value = {"model": value} if isinstance(value, str) else value
        if not isinstance(value, dict) or not isinstance(text := value.get("model", value.get("name")), str):
            return value
        try:
            source = read_source(text, value.get("weights"), value.get("options", {}), folder)
        except UsageError as error:
            raise ValueError(str(error)) from None
        parts = {"model": source.model, "weights": source.weights, "options": source.options}
        return {"name": source.default_name, **value, **parts}

    @property
    def source(self) -> Source:
        """The model with its weights and options."""
        return Source(model=self.model, weights=self.weights, options=self.options)

    @property
    def table(self) -> Mapping[str, str | None] | str | None:
        """What aligns its classes: `classes`, else the table among its options."""
        return self.classes if self.classes is not None else self.options.table


def read_source(text: str, weights: Any, options: Any, folder: Path) -> Source:
    """Read a suite's model. Raises UsageError for an unknown model, weights or options."""
    if not isinstance(options, Mapping):
        raise UsageError(f"options of a model must be a mapping, got {options!r:.60}")
    if text not in MODELS:
        if not re.search("[:@?]", text):
            if text.endswith(".py"):
                raise UsageError(f"model {text}: name the function in it that makes the network, {text}:FUNCTION")
            raise UsageError(f"unknown model {text!r}; known: {', '.join(MODELS)}, or a source such as hf:FOLDER")
        source = Source.parse(text, folder, options)
    else:
        source = Source(model=text, options=ModelOptions.parse(options, folder))
    if not isinstance(weights, str):
        return source
    if source.weights is not None:
        raise UsageError(f"model {text}: has weights already, so that weights {weights!r} have no place")
    return replace(source, weights=find_weights(weights, folder, source.model) if folder != Path() else weights)


def given_model(text: str) -> ModelSpec:
    """Read [NAME=]SOURCE of the command line. Raises UsageError."""
    try:
        name, source = split_name(text)
    except UsageError as error:
        raise UsageError(f"--model {text}: {error}") from None
    return validated({"name": name, "model": source} if name else source, ModelSpec, f"--model {text}")


def known_model(name: str) -> str:
    """Find the model for a user's own name, such as segformer-b0-mine: the longest model name that it begins with."""
    fits = [model for model in MODELS if name == model or name.startswith(f"{model}-")]
    if not fits:
        raise UsageError(f"--weights {name}: unknown model; known, alone or with -SUFFIX: {', '.join(MODELS)}")
    if not re.fullmatch(NAME, name):
        raise UsageError(f"--weights {name}: {NAMES}")
    return max(fits, key=len)
