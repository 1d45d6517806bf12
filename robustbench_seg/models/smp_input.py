"""What the input of a network of segmentation-models-pytorch (smp) must be: by its encoder, or by a saved transform."""

from pathlib import Path

import segmentation_models_pytorch as smp

from segformer.files import read_json

from ..errors import UsageError
from .preprocessing import Preprocessing

__all__ = ["ENCODER", "OF_HALF", "TRANSFORM", "preprocessing_of_encoder", "preprocessing_of_transform"]

TRANSFORM = "albumentations_config_eval.json"  # next to the weights, of Albumentations' own `save_pretrained`
# Steps of Albumentations that change no number here: views decide sizes.
SIZES = ("Resize", "LongestMaxSize", "SmallestMaxSize", "PadIfNeeded", "Pad", "CenterCrop", "ToTensorV2")
ENCODER = "its encoder's"  # of a preprocessing
HALF, DPN_MEAN = (0.5, 0.5, 0.5), (124 / 255, 117 / 255, 104 / 255)
DPN_STD = 1 / (0.0167 * 255)
OF_HALF = ("inceptionresnetv2", "inceptionv4", "xception")  # encoders whose mean and std are HALF, as Inception's are


def preprocessing_of_encoder(encoder: str, initial: str | None, where: Path) -> Preprocessing:
    """What `smp.encoders.get_preprocessing_params` returns, without the hub, where it looks most of them up.

    initial: the weights that the encoder began with; smp's default where it began with none. Raises UsageError.
    """
    if encoder.startswith("tu-"):  # of timm, whose tables come with it
        try:
            data = smp.encoders.get_preprocessing_params(encoder)
        except Exception:  # timm's errors have no common class
            raise UsageError(f"{where}: {unknown_input(encoder)}") from None
        rescale = 1 / 255 if data["input_range"][1] == 1 else 1.0
        mean, std = tuple(data["mean"]), tuple(data["std"])
        return Preprocessing(order=data["input_space"], rescale=rescale, mean=mean, std=std, origin=ENCODER)
    if encoder not in smp.encoders.encoders:
        raise UsageError(f"{where}: {unknown_input(encoder)}")
    if encoder.startswith("dpn"):
        return Preprocessing(mean=DPN_MEAN, std=(DPN_STD, DPN_STD, DPN_STD), origin=ENCODER)
    if encoder in OF_HALF or initial == "advprop" or "efficientnet_lite" in encoder:
        return Preprocessing(mean=HALF, std=HALF, origin=ENCODER)
    return Preprocessing(origin=ENCODER)


def unknown_input(encoder: str) -> str:
    return (
        f"what the input of the encoder {encoder!r} must be is not known here; save the transform next to the weights "
        f"({TRANSFORM})"
    )


def preprocessing_of_transform(where: Path) -> Preprocessing:
    """Read the one Normalize of a pipeline of Albumentations. Raises UsageError for steps that can't be applied."""
    saved = read_json(where)
    try:
        steps = [(step["__class_fullname__"].rpartition(".")[2], step) for step in saved["transform"]["transforms"]]
        normalise = [step for name, step in steps if name == "Normalize"]
        if other := [name for name, _ in steps if name not in ("Normalize", *SIZES)]:
            raise ValueError(f"its step {other[0]} can't be applied here")
        if len(normalise) != 1 or normalise[0].get("normalization", "standard") != "standard":
            raise ValueError("needs one Normalize, of the kind standard")
        (step,) = normalise
        mean, std = tuple(step["mean"]), tuple(step["std"])
        return Preprocessing(rescale=1 / step["max_pixel_value"], mean=mean, std=std, origin=f"of {TRANSFORM}")
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError):
        raise UsageError(f"{where}: not a pipeline that Albumentations saved") from None
