"""A suite: the content of its YAML file, checked."""

import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from ..corruptions import CORRUPTIONS
from ..errors import UsageError
from ..metrics import OPTIONAL, in_order
from ..models import MODELS, find_weights
from ..protocols import PROTOCOLS, conditions_of
from ..store.cell import CLEAN, View
from ..yaml_files import DatasetSpec, Strict, ViewSpec, find_yaml, read_yaml

__all__ = ["LatencySpec", "ModelSpec", "Suite", "read_suite", "with_weights"]

PACKAGE = "robustbench_seg.suites"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"  # it becomes part of file names, which have 255 characters at most


class ModelSpec(Strict):
    """name: in results. model: of MODELS, by default `name`. weights: a path, relative to the suite's file, or a word
    that `models` knows.
    """

    name: str = Field(pattern=NAME)
    model: str
    weights: str | None = None

    @model_validator(mode="before")
    @classmethod
    def model_defaults_to_name(cls, value: Any) -> Any:
        return {"model": value["name"], **value} if isinstance(value, dict) and "name" in value else value

    @model_validator(mode="after")
    def model_is_known(self) -> Self:
        if self.model not in MODELS:
            raise ValueError(f"unknown model {self.model!r}; known: {', '.join(MODELS)}")
        return self


Side = Annotated[int, Field(ge=32)]


class LatencySpec(Strict):
    """Input sizes (height, width) and batches to time, until min_samples and min_seconds, at most max_seconds."""

    sizes: tuple[tuple[Side, Side], ...] = Field(min_length=1)
    batches: tuple[PositiveInt, ...] = (1,)
    min_samples: int = Field(30, ge=10)
    min_seconds: PositiveFloat = 10.0
    max_seconds: PositiveFloat = 120.0

    @model_validator(mode="after")
    def budget_has_room(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds {self.min_seconds:g} is more than max_seconds {self.max_seconds:g}")
        return self


def known_metrics(names: tuple[str, ...]) -> tuple[str, ...]:
    """Sort metrics as `in_order` does; raise ValueError for what it refuses."""
    try:
        return in_order(names)
    except UsageError as error:
        raise ValueError(str(error)) from None


class Suite(Strict):
    """What to measure.

    protocol: a name of PROTOCOLS, or one of your own with `conditions`, {corruption: severities}; clean images are
    always measured too. models: if none are listed, those that get weights on the command line. gallery: ids of at
    most two images whose predictions are kept as pictures. metrics: what is counted in addition to mIoU, by default all
    that ship. limits: sentences on what the numbers do not show, for the report. Without a dataset only latency is
    measured.
    """

    name: str = Field(pattern=NAME)
    description: str
    models: tuple[ModelSpec, ...] = ()
    dataset: DatasetSpec | None = None
    protocol: str = CLEAN
    conditions: dict[str, tuple[Annotated[int, Field(ge=1, le=5)], ...]] = Field(default_factory=dict)
    views: tuple[ViewSpec, ...] = Field((View(),), min_length=1)
    seed: int = Field(0, ge=0)
    metrics: Annotated[tuple[str, ...], AfterValidator(known_metrics)] = OPTIONAL
    gallery: tuple[str, ...] = Field((), max_length=2)
    limits: tuple[str, ...] = ()
    latency: LatencySpec | None = None

    @model_validator(mode="before")
    @classmethod
    def protocol_names_conditions(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        name = value.get("protocol", CLEAN)
        if not isinstance(name, str):
            return value  # the field's own check says so
        if "conditions" in value:
            if name in PROTOCOLS:
                raise ValueError(f"protocol {name} has conditions of its own; name yours otherwise")
        else:
            try:
                return {**value, "conditions": conditions_of(name)}
            except Exception as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        unknown = sorted(set(self.conditions) - set(CORRUPTIONS))
        if unknown:
            raise ValueError(f"unknown corruption {unknown[0]!r}; known: {', '.join(CORRUPTIONS)}")
        for name, severities in self.conditions.items():
            _ = CORRUPTIONS[name]  # raises UsageError where another package's can't be imported
            if not severities or len(set(severities)) < len(severities):
                raise ValueError(f"{name} needs severities that differ, got {list(severities)}")
        for what, names in (
            ("model names", [model.name for model in self.models]),
            ("views", [str(view) for view in self.views]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} must differ, got {', '.join(names)}")
        if self.dataset is None and self.latency is None:
            raise ValueError("a suite needs a dataset, or latency, or both")
        return self


def read_suite(name_or_path: str) -> Suite:
    """Read a shipped suite by name, or a file, to which its weights are relative. Raises UsageError in one line."""
    suite = read_yaml(name_or_path, Suite, PACKAGE)
    folder = find_yaml(name_or_path, PACKAGE).parent
    return suite.model_copy(update={"models": tuple(found_from(folder, spec) for spec in suite.models)})


def found_from(folder: Path, spec: ModelSpec) -> ModelSpec:
    weights = None if spec.weights is None else find_weights(spec.weights, folder, spec.model)
    return spec.model_copy(update={"weights": weights})


def with_weights(suite: Suite, weights: dict[str, str]) -> tuple[ModelSpec, ...]:
    """Give the suite's models their weights from the command line; a suite without models gets those named there.

    Raises UsageError for a name that is neither in the suite nor a known model's, with or without a suffix.
    """
    models = suite.models or tuple(ModelSpec(name=name, model=known_model(name)) for name in weights)
    names = [model.name for model in models]
    for name in weights:
        if name not in names:
            raise UsageError(f"--weights {name}: suite {suite.name} has no such model; it has {', '.join(names)}")
    if not models:
        raise UsageError(f"suite {suite.name} names no model: give one with --weights NAME=PATH (see `list models`)")
    return tuple(model.model_copy(update={"weights": weights.get(model.name, model.weights)}) for model in models)


def known_model(name: str) -> str:
    """Find the model for a user's own name, such as segformer-b0-mine: the longest model name that it begins with."""
    known = [model for model in MODELS if name == model or name.startswith(f"{model}-")]
    if not known:
        raise UsageError(f"--weights {name}: unknown model; known, alone or with -SUFFIX: {', '.join(MODELS)}")
    if not re.search(NAME, name):
        raise UsageError(f"--weights {name}: a name has up to 64 letters, digits, dots, hyphens, underscores")
    return max(known, key=len)
