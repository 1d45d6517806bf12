"""How label files code classes: by the samples that are stored, or by their colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images import decode_colours, decode_indices
from .base import IGNORE, LabelMap
from .file_dataset import named_values, require_size

__all__ = ["Coding", "colour_code"]

UNKNOWN = -1
MOST_BITS = 16


def colour_code(red: int, green: int, blue: int) -> int:
    """Write a colour as one number, as `decode_colours` does."""
    return 65536 * red + 256 * green + blue


@dataclass(frozen=True)
class Coding:
    """meaning: the trainId, or IGNORE, of what label files store: samples, or colours as one number (`colour_code`).

    others_ignored: whether what is not in `meaning` is ignored, else it is a fault.
    """

    meaning: Mapping[int, int]
    by_colour: bool = False
    others_ignored: bool = False

    @property
    def identity(self) -> list[Any]:
        """What decides which class a stored label is, as plain JSON."""
        return [sorted(self.meaning.items()), self.by_colour, self.others_ignored]

    def trainids(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        """Decode a label file. Raises ValueError or EOFError unless it is one for an image of that height and width."""
        stored = decode_colours(content) if self.by_colour else decode_indices(content, MOST_BITS)
        require_size(stored, size)
        trainids = self.look_up(stored)
        if not self.others_ignored and (trainids == UNKNOWN).any():
            values = [self.written(int(value)) for value in np.unique(stored[trainids == UNKNOWN])]
            raise ValueError(
                f"label {named_values(values)}; allowed are {', '.join(map(self.written, sorted(self.meaning)))}"
            )
        return np.where(trainids == UNKNOWN, IGNORE, trainids).astype(np.uint8)

    def look_up(self, stored: NDArray[np.integer[Any]]) -> NDArray[np.int16]:
        """Give each stored value its trainId, or UNKNOWN."""
        codes, trainids = self.sorted
        place = np.searchsorted(codes, stored)
        is_listed = codes[np.minimum(place, len(codes) - 1)] == stored
        return np.where(is_listed, trainids[np.minimum(place, len(codes) - 1)], UNKNOWN).astype(np.int16)

    @cached_property
    def sorted(self) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
        codes = sorted(self.meaning)
        return np.array(codes, np.int32), np.array([self.meaning[code] for code in codes], np.int16)

    def written(self, code: int) -> str:
        """Write a stored value for people: a colour as R,G,B in brackets."""
        return f"({code // 65536}, {code // 256 % 256}, {code % 256})" if self.by_colour else str(code)
