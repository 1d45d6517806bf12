"""What turns an image into a network's input: a value that is part of a model, since another one gives other logits.

It decides numbers, not sizes: what a file states about resizing, cropping and padding is left to a suite's views.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["IMAGENET", "Preprocessing"]

# Steps of Transformers' image processors, by class: what it does where a file leaves the
# field out. A class without the field has no such step.
OF_IMAGENET: Mapping[str, Any] = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": (0.485, 0.456, 0.406),
    "image_std": (0.229, 0.224, 0.225),
}
OF_INCEPTION: Mapping[str, Any] = {**OF_IMAGENET, "image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5)}
# Where no class is named: SegFormer's, or the one of a program that feeds BGR, with mean and std in that order.
UNNAMED: Mapping[str, Any] = {**OF_IMAGENET, "do_flip_channel_order": False}
PROCESSORS: Mapping[str, Mapping[str, Any]] = {
    "Segformer": OF_IMAGENET,
    "Mask2Former": OF_IMAGENET,
    "MaskFormer": OF_IMAGENET,
    "OneFormer": OF_IMAGENET,
    "Eomt": OF_IMAGENET,
    "Sapiens2": OF_IMAGENET,
    "ConvNext": OF_INCEPTION,
    "Tipsv2Dpt": {
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": False,
        "image_mean": None,
        "image_std": None,
    },
    "Beit": OF_INCEPTION,
    "DPT": OF_INCEPTION,
    "MobileNetV2": OF_INCEPTION,
    "MobileViT": {"do_rescale": True, "rescale_factor": 1 / 255, "do_flip_channel_order": True},
    "ViT": OF_INCEPTION,
}
# One class has had several names, by version and by the library that it computes with.
SUFFIXES = ("ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "FeatureExtractor")
# Steps that change no number here: views decide sizes, images are RGB already, and labels come from the data set.
WITHOUT_EFFECT = ("do_resize", "do_center_crop", "do_pad", "do_split_image", "do_convert_rgb", "do_reduce_labels")


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """(pixel * rescale - mean) / std, channels in this order; by default ImageNet's, which our own networks are made
    for.

    rescale: of values 0 .. 255. mean, std: of each channel, in `order`, after that. origin: where they come from, in
    words, which decides no number. Raises ValueError for numbers that can't be applied.
    """

    order: Literal["RGB", "BGR"] = "RGB"
    rescale: float = 1 / 255
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.order not in ("RGB", "BGR"):
            raise ValueError(f"channels must be in the order RGB or BGR, got {self.order!r}")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3 or not all(map(math.isfinite, values)):
                raise ValueError(f"{name} must be three finite numbers, got {values}")
        if not math.isfinite(self.rescale) or self.rescale <= 0 or min(self.std) <= 0:
            raise ValueError(f"rescaling and std must be finite and more than 0, got {self.rescale} and {self.std}")

    def normalise(self, images: "Tensor") -> "Tensor":
        """Turn uint8 RGB (B, 3, H, W) into a network's input, float32 of the same shape."""
        import torch

        if self.order == "BGR":
            images = images.flip(1)
        mean, std = (  # made on the device: to send them there would wait for it
            torch.cat([torch.full((1, 1, 1), value / self.rescale, device=images.device) for value in values])
            for values in (self.mean, self.std)
        )
        return (images.float() - mean) / std

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{self.order} times {self.rescale:g}, mean ({mean}), std ({std})"

    @property
    def numbers(self) -> list[Any]:
        """All that decides a network's input, as JSON values."""
        return [self.order, self.rescale, *self.mean, *self.std]

    @property
    def remark(self) -> str:
        """What a report adds to the model's description: nothing where it is ImageNet's and no more is known of it."""
        words = "ImageNet's mean and std" if self == IMAGENET else str(self)
        origin = f" ({self.origin})" if self.origin else ""
        return f", input {words}{origin}" if origin or self != IMAGENET else ""

    def to_transformers(self) -> str:
        """Write the text of a preprocessor_config.json, for `from_json`."""
        fields = {
            "do_rescale": True,
            "rescale_factor": self.rescale,
            "do_normalize": True,
            "image_mean": self.mean,
            "image_std": self.std,
            "do_flip_channel_order": self.order == "BGR",
        }
        return json.dumps(fields, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: str = "image processor", usual: str = "") -> Self:
        """Read the text of a preprocessor_config.json, as `from_transformers` does; "" is ImageNet's."""
        if not text:
            return cls()
        try:
            loaded = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{where}: not JSON ({error})") from None
        if not isinstance(loaded, dict):
            raise UsageError(f"{where}: expected a JSON object")
        return cls.from_transformers(loaded, where, usual)

    @classmethod
    def from_transformers(cls, fields: Mapping[str, Any], where: str, usual: str = "") -> Self:
        """Read the fields of an image processor of Transformers; those left out have its class's defaults.

        where: the file, for errors. usual: the class where the fields name none. Raises UsageError for a class that is
        not known, and for a step or a value that can't be applied.
        """
        name = fields.get("image_processor_type") or fields.get("feature_extractor_type") or usual
        stems = [stem for stem in PROCESSORS if name in [stem + suffix for suffix in SUFFIXES]]
        defaults = PROCESSORS[stems[0]] if stems else UNNAMED
        if name and not stems:
            choices = ", ".join(f"{stem}ImageProcessor" for stem in PROCESSORS)
            raise UsageError(f"{where}: the image processor {name!r} is not known here; known: {choices}")
        steps = {key for key, value in fields.items() if key.startswith("do_") and value not in (False, None)}
        if unknown := sorted(steps - defaults.keys() - set(WITHOUT_EFFECT)):
            raise UsageError(
                f"{where}: {unknown[0]} is {fields[unknown[0]]!r}, a step that {name or 'it'} does not have here"
            )
        of = {**defaults, **{key: value for key, value in fields.items() if key in defaults}}
        for step in (key for key in defaults if key.startswith("do_")):
            if not isinstance(of[step], bool):
                raise UsageError(f"{where}: {step} must be true or false, got {of[step]!r}")
        try:
            return cls(
                order="BGR" if of.get("do_flip_channel_order") else "RGB",
                rescale=number(of["rescale_factor"], "rescale_factor") if of["do_rescale"] else 1.0,
                mean=of_channels(of["image_mean"], "image_mean") if of.get("do_normalize") else (0.0, 0.0, 0.0),
                std=of_channels(of["image_std"], "image_std") if of.get("do_normalize") else (1.0, 1.0, 1.0),
            )
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{where}: {error}") from None


def number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{field} must be a number, got {value!r}")
    return float(value)


def of_channels(value: Any, field: str) -> tuple[float, float, float]:
    """Read one number for all channels, or three."""
    values = value if isinstance(value, list | tuple) else [value] * 3
    if len(values) != 3:
        raise ValueError(f"{field} must be one number or three, got {value!r}")
    first, second, third = (number(one, field) for one in values)
    return first, second, third


IMAGENET = Preprocessing()
