"""Panoptic labels: a PNG whose colours number the segments of an image, and a JSON file with the class of each.

Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019. It is the format of COCO's panoptic task, in which the
number of a segment is R + 256 G + 65536 B.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import canonical_json
from ..images import decode_colours
from .base import IGNORE, LabelMap
from .file_dataset import named_values, require_size
from .json_labels import reading

__all__ = ["Panoptic"]


@dataclass(frozen=True, eq=False)
class Panoptic:
    """trainids: of each segment's number, or IGNORE, for each PNG's name."""

    trainids: Mapping[str, dict[int, int]]

    @classmethod
    def read(cls, path: Path, table: Mapping[int, int]) -> "Panoptic":
        """Read a JSON file. table: from its categories to trainIds.

        Raises DataError for one that is not as described.
        """
        with reading(path, "panoptic JSON is"):
            content = json.loads(path.read_text("utf-8"))
            trainids = {
                str(one["file_name"]): {
                    segment["id"]: table[segment["category_id"]] for segment in one["segments_info"]
                }
                for one in content["annotations"]
            }
        return cls(trainids)

    def content(self, path: Path) -> bytes:
        """What an image's labels are made of: its segments in a line, and its PNG. Raises ValueError without them."""
        if path.name not in self.trainids:
            raise ValueError("the JSON file does not name it")
        segments: Any = sorted(self.trainids[path.name].items())
        return canonical_json(segments).encode() + b"\n" + path.read_bytes()

    def label(self, content: bytes, size: tuple[int, int]) -> LabelMap:
        """Decode what `content` returned; what is in no segment is ignored.

        Raises ValueError or EOFError unless it is of an image of that height and width.
        """
        line, _, png = content.partition(b"\n")
        meaning = dict(json.loads(line)) | {0: IGNORE}  # 0 is what has no segment
        codes = decode_colours(png)
        require_size(codes, size)
        numbers, where = np.unique(codes, return_inverse=True)
        turned = [code // 65536 + 256 * (code // 256 % 256) + 65536 * (code % 256) for code in map(int, numbers)]
        if unknown := [number for number in turned if number not in meaning]:
            raise ValueError(f"segment {named_values(unknown)}; its JSON file has none of that number")
        return np.array([meaning[number] for number in turned], np.uint8)[where].reshape(size)
