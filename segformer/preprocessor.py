"""How images become a network's input, as the files of its weights say it; whoever runs the network applies it."""

import json
import math
import re
from pathlib import Path

from .files import read_json
from .info import CheckpointError

__all__ = ["FILES", "read_preprocessor", "trained_with"]

FILES = ("preprocessor_config.json", "processor_config.json")
IMAGENET = (123.675, 116.28, 103.53, 58.395, 57.12, 57.375)  # mean and standard deviation of RGB values 0 .. 255


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
    (mean,), (std,) = means, deviations
    flipped = set(re.findall(r"\b(?:bgr_)?to_rgb\W{1,4}(True|False)", config)) == {"False"}
    pairs = zip((*mean, *std), IMAGENET, strict=True)
    if not flipped and all(math.isclose(said, theirs, rel_tol=1e-4) for said, theirs in pairs):
        return ""
    said = {
        "do_flip_channel_order": flipped,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": False,
        "image_mean": [value / 255 for value in mean],
        "image_std": [value / 255 for value in std],
        "rescale_factor": 1 / 255,
    }
    return json.dumps(said, sort_keys=True)


def listed(config: str, name: str) -> set[tuple[float, ...]]:
    """Find the lists of three numbers that stand under a name in the text of a configuration."""
    lists = re.findall(rf"\b{name}['\"]?\s*[=:]\s*[\[(]([^\])]*)[\])]", config)
    numbers = (tuple(map(float, re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text))) for text in lists)
    return {three for three in numbers if len(three) == 3}
