"""How images become a network's input, as the files of its weights say it; whoever runs the network applies it."""

import json
import math
import re
from pathlib import Path

from .formats import read_json
from .info import CheckpointError

__all__ = ["FILES", "read_preprocessor", "same_input", "trained_with"]

FILES = ("preprocessor_config.json", "processor_config.json")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of values in 0 .. 1


def read_preprocessor(folder: Path) -> str:
    """Read what a folder of Transformers says of its images: JSON with sorted keys, "" where it says nothing.

    As in Transformers 5, a part "image_processor" in processor_config.json comes before preprocessor_config.json.
    """
    own, processor = (read_json(folder / name) if (folder / name).is_file() else {} for name in FILES)
    found = processor.get("image_processor", own)
    if not isinstance(found, dict):
        raise CheckpointError(f"{folder / FILES[1]}: its image_processor must be a JSON object")
    return json.dumps(found, sort_keys=True) if found else ""


def trained_with(config: str) -> str:
    """Read the normalisation from the text of a configuration of MMSegmentation, in the form of Transformers.

    It is "" where there is none, where it is ImageNet's, and where the text has several that differ.
    """
    means, deviations = (listed(config, name) for name in ("mean", "std"))
    if len(means) != 1 or len(deviations) != 1:
        return ""
    orders = set(re.findall(r"\b(?:bgr_)?to_rgb\W{1,4}(True|False)", config))
    said = {
        "do_flip_channel_order": orders == {"False"},
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": False,
        "image_mean": [value / 255 for value in means.pop()],
        "image_std": [value / 255 for value in deviations.pop()],
        "rescale_factor": 1 / 255,
    }
    preprocessor = json.dumps(said, sort_keys=True)
    return "" if same_input(preprocessor, "") else preprocessor


def listed(config: str, name: str) -> set[tuple[float, ...]]:
    """Find the lists of three numbers that stand under a name in the text of a configuration."""
    lists = re.findall(rf"\b{name}['\"]?\s*[=:]\s*[\[(]([^\])]*)[\])]", config)
    numbers = (tuple(map(float, re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text))) for text in lists)
    return {three for three in numbers if len(three) == 3}


def same_input(one: str, other: str) -> bool:
    """Whether two preprocessors give the same values for a pixel, whatever they do to the size of an image.

    Raises CheckpointError for one that can't be understood.
    """
    pairs = zip(input_scale(one), input_scale(other), strict=True)
    return all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4) for a, b in pairs)


def input_scale(preprocessor: str) -> tuple[float, ...]:
    """Tell what is done to values 0 .. 255: what is subtracted of each channel, what it is divided by, 1.0 for BGR."""
    try:
        said = json.loads(preprocessor or "{}")
        factor = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
        normalised = said.get("do_normalize", True)
        mean = said.get("image_mean", IMAGENET_MEAN) if normalised else (0, 0, 0)
        std = said.get("image_std", IMAGENET_STD) if normalised else (1, 1, 1)
        subtracted, divisors = ([float(value) / factor for value in three] for three in (mean, std))
        if len(subtracted) != 3 or len(divisors) != 3:
            raise ValueError("mean and standard deviation must be of three channels")
        return (*subtracted, *divisors, float(bool(said.get("do_flip_channel_order", False))))
    except (AttributeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"preprocessor {preprocessor[:200]} can't be understood ({error})") from None
