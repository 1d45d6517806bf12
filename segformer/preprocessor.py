"""Read how images become a network's input from the files of its weights. The caller of the network applies it."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from .files import read_json
from .info import CheckpointError

__all__ = ["FILES", "read_normalisation", "read_preprocessor"]

FILES = ("preprocessor_config.json", "processor_config.json")
Value = TypeVar("Value")
IMAGENET = (123.675, 116.28, 103.53, 58.395, 57.12, 57.375)  # mean and standard deviation of RGB values 0 .. 255
# A configuration is Python or JSON, and may join the text of several files. Therefore it is searched, not parsed.
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
COMMENT = re.compile(r"^\s*#.*$|\s#[^'\"\n]*$", re.MULTILINE)
TUPLE = re.compile(r"(?<![\w.])\(([^()]*)\)")
DICTIONARY = re.compile(r"(?:\b(\w+)['\"]?\s*[=:]\s*)?(?:\b([\w.]+)\(|\{)([^(){}]*)[)}]")
# Names and types of entries that normalise images. Initialisers have a "std" too, and the type Normal.
OF_IMAGES = re.compile(r"im(g|age)_?norm|normali[sz]|pre_?processor", re.IGNORECASE)
# Images are read as BGR. Where nothing is stated, a step of a pipeline feeds RGB, and a preprocessor feeds BGR.
FEEDS_BGR = re.compile(r"pre_?processor", re.IGNORECASE)
ORDERS = {"True": True, "true": True, "False": False, "false": False}


def read_preprocessor(folder: Path) -> str:
    """Read the preprocessor of a folder of Transformers: JSON with sorted keys, "" if the folder has none.

    As in Transformers 5, "image_processor" in processor_config.json takes precedence over preprocessor_config.json.
    """
    own, processor = (read_json(folder / name) if (folder / name).is_file() else {} for name in FILES)
    image_processor = processor.get("image_processor", own)
    if not isinstance(image_processor, dict):
        raise CheckpointError(f"{folder / FILES[1]}: its image_processor must be a JSON object")
    return json.dumps(image_processor, sort_keys=True) if image_processor else ""


def read_normalisation(config: str, path: Path) -> str:
    """Read the normalisation from the text of an MMSegmentation configuration. Returns it in Transformers' form.

    Returns "" if the text has none, or has ImageNet's. path: for the message. Raises CheckpointError for several that
    differ, and for one that is not three numbers for the mean and three for the standard deviation.
    """
    parts = list(image_parts(config))
    means, deviations = ({text for part, _ in parts for text in texts_of(name, part)} for name in ("mean", "std"))
    if not means and not deviations:
        return ""
    mean, std = (unify(path, name, map(numbers, texts)) for name, texts in (("mean", means), ("std", deviations)))
    in_order = unify(path, "to_rgb", (order for part in parts for order in orders(*part)))
    pairs = zip((*mean, *std), IMAGENET, strict=True)
    if in_order and all(math.isclose(ours, theirs, rel_tol=1e-4) for ours, theirs in pairs):
        return ""
    normalisation = {
        "do_flip_channel_order": not in_order,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": False,
        "image_mean": [value / 255 for value in mean],
        "image_std": [value / 255 for value in std],
        "rescale_factor": 1 / 255,
    }
    return json.dumps(normalisation, sort_keys=True)


def texts_of(name: str, part: str) -> list[str]:
    """List the texts of the values that a dictionary's text gives to a name, a regular expression."""
    return re.findall(rf"\b(?:{name})['\"]?\s*[=:]\s*(\[[^\]]*\][^,]*|[^,]*)", part)


def orders(part: str, default: bool) -> list[bool | None]:
    """Read whether a dictionary feeds RGB; [] if it states no numbers either, None in the place of what is unreadable.

    default: where it states numbers alone.
    """
    stated = [ORDERS.get(text.strip()) for text in texts_of("(?:bgr_)?to_rgb|rgb_to_bgr", part)]
    if not stated:
        return [default] if texts_of("mean|std", part) else []
    return [None if None in stated else any(stated)]  # either conversion swaps red and blue


def image_parts(config: str) -> Iterator[tuple[str, bool]]:
    """List the text of each dictionary that describes a normalisation of images, without nested dictionaries.

    With it, whether it feeds RGB if it states no order.
    """
    text, before = COMMENT.sub("", config), ""
    while text != before:  # from the inside out
        before, text = text, TUPLE.sub(r"[\1]", text)
        for name, call, part in DICTIONARY.findall(text):
            kind = re.search(r"\btype['\"]?\s*[=:]\s*['\"]?([\w.]+)", part)
            words = (name, call, kind[1] if kind else "")
            if any(map(OF_IMAGES.search, words)):
                yield part, not any(map(FEEDS_BGR.search, words))
        text = DICTIONARY.sub("...", text)


def numbers(text: str) -> tuple[float, ...] | None:
    """Read a list of three numbers; None for anything else."""
    match = re.fullmatch(rf"\[\s*({NUMBER})\s*,\s*({NUMBER})\s*,\s*({NUMBER})\s*,?\s*\]\s*", text)
    return tuple(map(float, match.groups())) if match else None


def unify(path: Path, name: str, values: Iterable[Value | None]) -> Value:
    """Return the value that all entries of a configuration share. Raises CheckpointError, with the remedy."""
    distinct = set(values)
    value = next(iter(distinct), None)
    if len(distinct) == 1 and value is not None:
        return value
    kind = "True or False" if name == "to_rgb" else "three numbers"
    wrong = "values that differ" if len(distinct) > 1 else f"something other than {kind}"
    norm = "img_norm_cfg = dict(mean=[R, G, B], std=[R, G, B], to_rgb=True)"
    raise CheckpointError(
        f"{path}: its MMSegmentation configuration gives {wrong} as the images' {name}; if you trust the file, save it "
        f"with the values of its training, R, G and B of 0 .. 255: c = torch.load({str(path)!r}, map_location='cpu', "
        f"weights_only=False); c['meta']['cfg'] = {norm!r}; torch.save(c, 'plain.pth')"
    )
