"""What one measurement is: a model on a split in a setting, or its speed at an input size."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Literal

from ..errors import UsageError

__all__ = ["CLEAN", "Condition", "LatencyCell", "QualityCell", "Setting", "View"]

CLEAN = "clean"  # stands where a corruption's name stands; its severity is 0
MODES = ("whole", "slide")
VIEW = re.compile(r"(whole|slide-(?P<crop>\d{1,9})-(?P<stride>\d{1,9}))(-x(?P<scales>[\d._e-]+?))?(?P<flip>-flip)?")


@dataclass(frozen=True, kw_only=True)
class View:
    """How an image is put through a model.

    mode: "whole", or "slide" with a square window of `crop` pixels moved by `stride`. scale: of the image before
    that, as a factor on each side; several are put through one by one and their softmax probabilities averaged. flip:
    each also mirrored left to right, and averaged too.
    """

    mode: Literal["whole", "slide"] = "whole"
    crop: int | None = None
    stride: int | None = None
    scale: float | tuple[float, ...] = 1.0
    flip: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"view mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        scale = tuple(map(float, self.scale)) if isinstance(self.scale, list | tuple) else float(self.scale)
        if isinstance(scale, tuple) and len(scale) == 1:
            (scale,) = scale
        object.__setattr__(self, "scale", scale)
        if self.mode == "whole" and not (self.crop is None and self.stride is None):
            raise UsageError("a whole view has no crop and no stride")
        if self.mode == "slide" and not (
            isinstance(self.crop, int)
            and isinstance(self.stride, int)
            and self.crop >= 32
            and 1 <= self.stride <= self.crop
        ):
            raise UsageError(f"a slide view needs crop >= 32 and stride in 1 .. crop, got {self.crop}, {self.stride}")
        if not isinstance(self.flip, bool):
            raise UsageError(f"view flip must be true or false, got {self.flip!r}")
        if not self.scales or not all(0 < scale <= 8 for scale in self.scales):
            raise UsageError(f"view scale must be in (0, 8], or several of those, got {self.scale}")
        if len(set(self.scales)) < len(self.scales):
            raise UsageError(f"the scales of a view must differ, got {self.scale}")

    @property
    def scales(self) -> tuple[float, ...]:
        """The scale or scales, as a tuple."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,)

    def __str__(self) -> str:
        window = f"-{self.crop}-{self.stride}" if self.mode == "slide" else ""
        scale = "" if self.scale == 1 else "-x" + "_".join(f"{scale:g}" for scale in self.scales)
        return f"{self.mode}{window}{scale}" + ("-flip" if self.flip else "")

    @classmethod
    def parse(cls, text: str) -> "View":
        """Read a view from its name, as returned by `str`. Raises UsageError for another text."""
        if match := VIEW.fullmatch(text):
            crop, stride = (int(match[name]) if match[name] else None for name in ("crop", "stride"))
            with suppress(ValueError, UsageError):
                scale = tuple(float(scale) for scale in (match["scales"] or "1").split("_"))
                mode: Literal["whole", "slide"] = "slide" if crop else "whole"
                view = cls(mode=mode, crop=crop, stride=stride, scale=scale, flip=bool(match["flip"]))
                if str(view) == text:
                    return view
        raise UsageError(f"no view is called {text!r:.60}; their names are such as whole or slide-256-192-x2-flip")


@dataclass(frozen=True)
class Condition:
    """What is done to an image before a model sees it.

    corruption: a name, or CLEAN. severity: 1 .. 5, or 0 with CLEAN. seed: of the suite; it decides every draw.
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
    """How images are shown to a model, and the names of the metrics that are counted in addition to mIoU."""

    condition: Condition = CLEAN_CONDITION
    view: View = WHOLE
    precision: str = "fp32"
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QualityCell:
    """One model on one split in one setting: the source of one mIoU.

    model: its name in the suite. The other fields are those of its `condition` and its `setting`; they stand here one
    by one, as in the stored record and in the columns.
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

    def __post_init__(self) -> None:
        _ = self.condition  # which checks the severity

    @property
    def condition(self) -> Condition:
        """What is done to the images."""
        return Condition(self.corruption, self.severity, self.seed)

    @property
    def setting(self) -> Setting:
        """How the images are shown to the model, and what is counted."""
        return Setting(condition=self.condition, view=self.view, precision=self.precision, metrics=self.metrics)

    @property
    def slug(self) -> str:
        """A readable name, part of the file name."""
        return f"{self.model}-{self.dataset}-{self.condition}-{self.view}"


@dataclass(frozen=True, kw_only=True)
class LatencyCell:
    """One model at one input size: the source of one latency.

    num_classes: of the model; 0 in a plan that was made before the data set was open. height, width: in pixels.
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
