"""A suite: the content of its YAML file, checked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from ..corruptions import CORRUPTIONS, LARGEST_SEED, SEVERITIES
from ..errors import UsageError
from ..metrics import OPTIONAL, in_order
from ..protocols import PROTOCOLS, conditions_of
from ..store.cell import CLEAN, Void
from ..store.view import View
from ..yaml_files import DatasetSpec, Number, Strict, ViewSpec, Whole, read_yaml
from .comparison import ComparisonSpec, expect_measured
from .latency import LatencySpec
from .model import WHOLE_NAME, ModelSpec, given_model, known_model

__all__ = ["Suite", "read_suite", "with_weights"]

PACKAGE = "robustbench_seg.suites"
Statistics = Literal["stored", "reestimated"]
STATISTICS = get_args(Statistics)


def known_metrics(names: tuple[str, ...]) -> tuple[str, ...]:
    """Sort metrics as `in_order` does; raise ValueError for what it refuses."""
    try:
        return in_order(names)
    except UsageError as error:
        raise ValueError(str(error)) from None


def listed_once(value: Any) -> Any:
    """Turn a single word into a list of it."""
    return [value] if isinstance(value, str) else value


def in_range(seed: int) -> int:
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"a seed must be from 0 to {LARGEST_SEED}")
    return seed


def known_severity(severity: int) -> int:
    if severity not in SEVERITIES:
        raise ValueError(f"a severity must be from {SEVERITIES[0]} to {SEVERITIES[-1]}")
    return severity


def differing(severities: tuple[int, ...]) -> tuple[int, ...]:
    if not severities or len(set(severities)) < len(severities):
        raise ValueError("needs severities that differ, at least one from 1 to 5")
    return severities


Seed = Annotated[Whole, AfterValidator(in_range)]
Severities = Annotated[tuple[Annotated[Whole, AfterValidator(known_severity)], ...], AfterValidator(differing)]


class Suite(Strict):
    """What to measure.

    protocol: a name of PROTOCOLS, or one of your own with `conditions`, {corruption: severities}; clean images are
    always measured too. batchnorm: the statistics of BatchNorm, "stored", "reestimated" or a list of both; every view
    is measured with each of them. batchnorm_images: on how many images of a condition, evenly spaced, they are
    re-estimated, or on all where there are fewer; see `measure.batchnorm`. seed: decides every draw; seeds, in its
    place, are several draws of each corruption, while clean images and corruptions that draw nothing are measured once.
    models: if none are listed, those that get weights on the command line. gallery: ids of at most two images whose
    predictions are kept as pictures. metrics: what is counted in addition to mIoU, by default all that ship. void:
    whether predictions on pixels without a label are ignored, or counted as wrong by the mIoU, which is then the only
    metric. limits: sentences on what the numbers do not show, for the report. primary: comparisons of arms that
    decide; the report calls all others exploratory. margin: how many points count as the same. Without a dataset only
    latency is measured.
    """

    name: str = Field(pattern=WHOLE_NAME)
    description: str
    models: tuple[ModelSpec, ...] = ()
    dataset: DatasetSpec | None = None
    protocol: str = CLEAN
    conditions: dict[str, Severities] = Field(default_factory=dict)
    views: tuple[ViewSpec, ...] = Field((View(),), min_length=1)
    batchnorm: Annotated[tuple[Statistics, ...], BeforeValidator(listed_once)] = Field(("stored",), min_length=1)
    batchnorm_images: Annotated[Whole, Field(ge=2)] = 32
    seed: Seed = 0
    seeds: tuple[Seed, ...] = ()
    metrics: Annotated[tuple[str, ...], AfterValidator(known_metrics)] = OPTIONAL
    void: Void = "ignored"
    gallery: tuple[str, ...] = Field((), max_length=2)
    limits: tuple[str, ...] = ()
    primary: tuple[ComparisonSpec, ...] = ()
    margin: Number = Field(1.0, gt=0, le=100)
    latency: LatencySpec | None = None

    @model_validator(mode="before")
    @classmethod
    def protocol_names_conditions(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        name = value.get("protocol", CLEAN)
        if not isinstance(name, str):
            return value  # the field's own check reports it
        if "conditions" in value:
            if name in PROTOCOLS:
                raise ValueError(f"protocol {name} has its own conditions; name yours otherwise")
        elif name in PROTOCOLS or set(value) <= set(cls.model_fields):  # else a misspelt field is the cause
            try:
                return {**value, "conditions": conditions_of(name)}
            except Exception as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="before")
    @classmethod
    def void_pixels_count_for_the_miou_alone(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("void") != "counted":
            return value
        if value.get("metrics"):
            raise ValueError("void: counted is a rule for the mIoU alone, so metrics must be empty")
        return {**value, "metrics": ()}

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        unknown = sorted(set(self.conditions) - set(CORRUPTIONS))
        if unknown:
            raise ValueError(f"unknown corruption {unknown[0]!r}; known: {', '.join(CORRUPTIONS)}")
        for name in self.conditions:
            _ = CORRUPTIONS[name]  # raises UsageError where another package's can't be imported
        if self.seeds and "seed" in self.model_fields_set:
            raise ValueError(f"a suite has a seed or seeds, got seed {self.seed} and seeds {list(self.seeds)}")
        for what, names in (
            ("model names", [model.name for model in self.models]),
            ("views", [view.label for view in self.views]),
            ("batchnorm", self.batchnorm),
            ("seeds", list(map(str, self.seeds))),
            ("gallery images", self.gallery),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} must differ, got {', '.join(names)}")
        if "batchnorm" in self.model_fields_set and (own := [str(view) for view in self.views if view.batchnorm]):
            raise ValueError(f"view {own[0]} states its statistics, so that batchnorm has no place")
        if "batchnorm_images" in self.model_fields_set and "reestimated" not in self.batchnorm:
            raise ValueError("batchnorm_images has no effect without batchnorm: reestimated")
        expect_measured(self.primary, self.conditions, self.measured_views)
        if self.dataset is None and self.latency is None:
            raise ValueError("a suite needs a dataset, or latency, or both")
        return self

    @property
    def measured_views(self) -> tuple[View, ...]:
        """Each view with each of the statistics of BatchNorm."""
        reestimated = [replace(view, batchnorm=self.batchnorm_images) for view in self.views]
        each = {"stored": self.views, "reestimated": reestimated}
        return tuple(view for statistics in self.batchnorm for view in each[statistics])

    @property
    def draws(self) -> tuple[int, ...]:
        """The seeds; what draws nothing has the first."""
        return self.seeds or (self.seed,)


def read_suite(name_or_path: str) -> Suite:
    """Read a shipped suite by name, or a file, to which its weights are relative. Raises UsageError in one line."""
    return read_yaml(name_or_path, Suite, PACKAGE)


def with_weights(suite: Suite, weights: dict[str, str], sources: Sequence[str] = ()) -> tuple[ModelSpec, ...]:
    """Give the suite's models their weights from the command line; a suite without models gets those named there.

    sources: [NAME=]SOURCE, which take the place of the suite's models.
    Raises UsageError for a name that is neither the suite's nor a known model's, with or without a suffix.
    """
    models = tuple(map(given_model, sources)) or suite.models
    models = models or tuple(ModelSpec(name=name, model=known_model(name)) for name in weights)
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise UsageError(f"--model: names must differ, got {', '.join(names)}; name them by NAME=SOURCE")
    for name in weights:
        if name not in names:
            raise UsageError(f"--weights {name}: suite {suite.name} has no such model; it has {', '.join(names)}")
    if not models:
        raise UsageError(
            f"suite {suite.name} names no model: use --model SOURCE or --weights NAME=PATH (see `list models`)"
        )
    return tuple(model.model_copy(update={"weights": weights.get(model.name, model.weights)}) for model in models)
