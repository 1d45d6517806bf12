"""One measurement, a cell: a model on a split in a setting, or a model's speed at an input size."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from ..errors import UsageError
from .view import View

__all__ = [
    "CLEAN",
    "CLEAN_CONDITION",
    "Condition",
    "LatencyCell",
    "QualityCell",
    "Setting",
    "Void",
    "view_name",
]

CLEAN = "clean"  # in the place of a corruption's name, with severity 0
Void = Literal["ignored", "counted"]  # whether a prediction on a pixel without a label enters nothing, or is wrong
# Fields that quality cells did not always have, by their default. At it, keys and files are as they were before.
LATER: Mapping[str, Any] = {"void": "ignored"}


@dataclass(frozen=True)
class Condition:
    """The change to an image before a model sees it.

    corruption: a name, or CLEAN. severity: 1 .. 5, or 0 with CLEAN. seed: of the suite; it decides every random draw.
    """

    corruption: str = CLEAN
    severity: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.severity == 0 if self.corruption == CLEAN else 1 <= self.severity <= 5):
            raise UsageError(f"severity must be 1 .. 5, or 0 with {CLEAN}, got {self.severity} with {self.corruption}")

    def __str__(self) -> str:
        return self.corruption if self.corruption == CLEAN else f"{self.corruption}-{self.severity}"


CLEAN_CONDITION = Condition()
WHOLE = View()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a model sees the images. metrics: names of the metrics that are counted in addition to mIoU.

    void: the rule for pixels without a label.
    """

    condition: Condition = CLEAN_CONDITION
    view: View = WHOLE
    precision: str = "fp32"
    metrics: tuple[str, ...] = ()
    void: Void = "ignored"


@dataclass(frozen=True, kw_only=True)
class QualityCell:
    """One model on one split in one setting: the source of one mIoU.

    model: the name in the suite. corruption, severity and seed are the fields of `condition`; view, precision, metrics
    and void are fields of `setting`. They are flat here, as in the stored record and in the columns.
    """

    kind: ClassVar[Literal["quality"]] = "quality"
    model: str
    dataset: str
    split: str
    corruption: str
    severity: int
    view: View
    precision: str
    seed: int
    metrics: tuple[str, ...] = ()
    void: Void = "ignored"

    def __post_init__(self) -> None:
        _ = self.condition  # checks the severity
        if self.void == "counted" and self.metrics:
            raise UsageError(f"void: counted is a rule for the mIoU alone, got the metrics {', '.join(self.metrics)}")

    @property
    def condition(self) -> Condition:
        """The change to the images."""
        return Condition(self.corruption, self.severity, self.seed)

    @property
    def setting(self) -> Setting:
        """How the model sees the images, and what is counted."""
        own = {name: getattr(self, name) for name in ("view", "precision", "metrics", "void")}
        return Setting(condition=self.condition, **own)

    @property
    def slug(self) -> str:
        """A readable name, part of the file name."""
        return f"{self.model}-{self.dataset}-{self.condition}-{view_name(self.view.label, self.void)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, newer ones only if not at their default: older keys and files stay."""
        fields = {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name]}
        if self.view.batchnorm is None:
            del fields["view"]["batchnorm"]
        return fields


@dataclass(frozen=True, kw_only=True)
class LatencyCell:
    """One model at one input size: the source of one latency.

    num_classes: of the model; 0 in a plan that was made before the data set was opened. height, width: in pixels.
    """

    kind: ClassVar[Literal["latency"]] = "latency"
    model: str
    num_classes: int
    height: int
    width: int
    batch: int
    precision: str
    device: str

    @property
    def slug(self) -> str:
        """A readable name, part of the file name."""
        return f"{self.model}-{self.height}x{self.width}-b{self.batch}-{self.precision}-{self.device}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def view_name(view: str, void: str) -> str:
    """Name a view with the rule for pixels without a label, where that is not the usual one: whole-void-counted."""
    return view if void == LATER["void"] else f"{view}-void-{void}"
