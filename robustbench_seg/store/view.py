"""How a model sees an image: a view, with a name from which it can be read."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ..errors import UsageError

__all__ = ["LEAST_SIDE", "View"]

LEAST_SIDE = 32  # of an image or a window, in pixels: SegFormer's coarsest map has a stride of 32
MODE = re.compile(
    r"whole|slide|processor|pad-(?P<pad>[1-9]\d{0,3})|resize-(?P<height>[1-9]\d{0,4})x(?P<width>[1-9]\d{0,4})"
)
MODES = "whole, slide, pad-N, resize-HEIGHTxWIDTH or processor"
VIEW = re.compile(
    r"((?P<mode>whole|pad-\d+|resize-\d+x\d+|processor)|slide-(?P<crop>\d{1,9})-(?P<stride>\d{1,9}))"
    r"(-x(?P<scales>[\d._e-]+?))?(?P<flip>-flip)?(-bn(?P<batchnorm>\d{1,9})-transductive)?"
)


@dataclass(frozen=True, kw_only=True)
class View:
    """How a model sees an image.

    mode: "whole"; "slide" with a square window of `crop` pixels that moves by `stride`; "pad-32", whole, its sides
    padded to a multiple of 32; "resize-512x1024", whole at that height and width; "processor", whole at the size that
    the model's own image processor makes. scale: the image is first resized by this factor on each side; with several
    scales, the softmax probabilities of all are averaged. flip: the mirrored image (left to right) is evaluated too,
    and its probabilities are part of the average. batchnorm: the number of images of each condition on which the
    running statistics of every BatchNorm are re-estimated, see `measure.batchnorm`; None for the stored statistics. The
    name of such a view contains "transductive", because the model has seen test images.
    """

    mode: str = "whole"
    crop: int | None = None
    stride: int | None = None
    scale: float | tuple[float, ...] = 1.0
    flip: bool = False
    batchnorm: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.mode, str) or not MODE.fullmatch(self.mode):
            raise UsageError(f"view mode must be {MODES}, got {self.mode!r}")
        factors = self.scale if isinstance(self.scale, list | tuple) else [self.scale]
        if not all(isinstance(factor, int | float) and not isinstance(factor, bool) for factor in factors):
            raise UsageError(f"view scale must be a number, or several, got {self.scale!r:.60}")
        scale = tuple(map(float, factors)) if isinstance(self.scale, list | tuple) else float(self.scale)
        if isinstance(scale, tuple) and len(scale) == 1:
            (scale,) = scale
        object.__setattr__(self, "scale", scale)
        if self.mode != "slide" and not (self.crop is None and self.stride is None):
            raise UsageError(f"a view {self.mode} has no crop and no stride")
        if (self.size or self.mode == "processor") and scale != 1:
            raise UsageError(f"a view {self.mode} has no scale, since it decides the size itself, got {self.scale}")
        if self.size and min(self.size) < LEAST_SIDE:
            raise UsageError(f"sides of a view must be {LEAST_SIDE} or more, got {self.mode}")
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
            raise UsageError(f"view scale must be in (0, 8], or several such factors, got {self.scale}")
        if len(set(self.scales)) < len(self.scales):
            raise UsageError(f"the scales of a view must differ, got {self.scale}")
        if self.batchnorm is not None and (type(self.batchnorm) is not int or self.batchnorm < 2):
            raise UsageError(f"view batchnorm must be a number of images, 2 or more, got {self.batchnorm!r}")

    @property
    def pad_to(self) -> int:
        """What sides are padded to a multiple of; 1 for no padding."""
        return int(self._numbers["pad"] or 1)

    @property
    def size(self) -> tuple[int, int] | None:
        """The (height, width) that images are resized to, whatever theirs."""
        height, width = self._numbers["height"], self._numbers["width"]
        return (int(height), int(width)) if height and width else None

    @property
    def _numbers(self) -> dict[str, str | None]:
        match = MODE.fullmatch(self.mode)
        assert match is not None
        return match.groupdict()

    @property
    def scales(self) -> tuple[float, ...]:
        """The scale or scales, as a tuple."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,)

    def __str__(self) -> str:
        return self._name(shortest)

    @property
    def label(self) -> str:
        """The name in files, columns and tables: as returned by `str`, but a scale has six significant digits."""
        return self._name(lambda scale: f"{scale:g}")

    def _name(self, write: Callable[[float], str]) -> str:
        window = f"-{self.crop}-{self.stride}" if self.mode == "slide" else ""
        scale = "" if self.scale == 1 else f"-x{'_'.join(map(write, self.scales))}"
        statistics = "" if self.batchnorm is None else f"-bn{self.batchnorm}-transductive"
        return f"{self.mode}{window}{scale}" + ("-flip" if self.flip else "") + statistics

    @classmethod
    def parse(cls, text: str) -> "View":
        """Read a view from its name, as returned by `str`. Raises UsageError for any other text.

        A label is the name of the view whose scales have those digits and no more.
        """
        if match := VIEW.fullmatch(text):
            crop, stride, statistics = (
                int(match[name]) if match[name] else None for name in ("crop", "stride", "batchnorm")
            )
            with suppress(ValueError, UsageError):
                scale = tuple(float(scale) for scale in (match["scales"] or "1").split("_"))
                mode = match["mode"] or "slide"
                view = cls(
                    mode=mode, crop=crop, stride=stride, scale=scale, flip=bool(match["flip"]), batchnorm=statistics
                )
                if str(view) == text:
                    return view
        raise UsageError(
            f"unknown view {text!r:.60}; views have names such as whole, slide-256-192, pad-32, resize-512x1024, "
            "processor, whole-x2-flip and whole-bn32-transductive"
        )


def shortest(scale: float) -> str:
    """Write a scale with six significant digits, or with as many as tell it from all others."""
    text = f"{scale:g}"
    return text if float(text) == scale else repr(scale)
