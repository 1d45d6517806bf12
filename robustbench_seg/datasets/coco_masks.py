"""Masks of COCO-style annotations. What is out of range is refused here, since pycocotools trusts its input.

Source of the compressed code: rleFrString of cocoapi's maskApi.c.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra

__all__ = ["drawn"]

Mask = NDArray[np.bool_]


def drawn(segmentation: Any, size: tuple[int, int]) -> Mask:
    """Draw polygons, or a run-length code, whether compressed or not, as a mask (H, W).

    Raises ValueError for what can't be drawn, and for a code of another size than (H, W).
    """
    if isinstance(segmentation, list):
        return of_polygons(segmentation, size)
    try:
        stated, counts = tuple(segmentation["size"]), segmentation["counts"]
        lengths = run_lengths(counts) if isinstance(counts, str) else counts
        is_valid = all(type(length) is int and length >= 0 for length in lengths)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"can't be drawn ({type(error).__name__}: {error})") from None
    if stated != size:
        raise ValueError(f"its size {'x'.join(map(str, stated))} differs from its image's {size[0]}x{size[1]}")
    if not is_valid or sum(lengths) != size[0] * size[1]:
        raise ValueError(
            f"its run lengths must be whole numbers >= 0 that sum to the image's {size[0] * size[1]} pixels"
            + (f", got a sum of {sum(lengths)}" if is_valid else "")
        )
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(size[::-1]).T  # runs are of columns


def of_polygons(polygons: list[Any], size: tuple[int, int]) -> Mask:
    try:
        from pycocotools import mask
    except ImportError:
        raise missing_extra("COCO-style annotations need pycocotools", "coco") from None
    if not polygons:
        raise ValueError("it has no polygon, and its box is not drawn; draw one, or leave the annotation out")
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError("a polygon must be a list of x and y in turn, of three points or more")
        if not all(isinstance(value, int | float) for value in polygon):
            raise ValueError("the x and y of a polygon must be numbers")
        for way, side in enumerate(size[::-1]):
            if odd := [value for value in polygon[way::2] if not -side <= value <= 2 * side]:
                raise ValueError(
                    f"the {'xy'[way]} {odd[0]} of a polygon is far from the image; allowed are {-side} .. {2 * side}"
                )
    try:
        return np.asarray(mask.decode(mask.merge(mask.frPyObjects(polygons, *size))).astype(bool))
    except Exception as error:  # pycocotools raises bare ones
        raise ValueError(f"can't be drawn ({type(error).__name__}: {error})") from None


def run_lengths(code: str) -> list[int]:
    """Decode a compressed run-length code: of each number 5 bits a character, from the third on as a difference."""
    lengths: list[int] = []
    place = 0
    while place < len(code):
        value = shift = 0
        more = True
        while more:
            bits = ord(code[place]) - 48
            value |= (bits & 31) << shift
            more = bool(bits & 32)
            place, shift = place + 1, shift + 5
        if bits & 16:  # the sign
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
    return lengths
