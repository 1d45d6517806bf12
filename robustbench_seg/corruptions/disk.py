"""The average over a disk with a soft edge, column by column.

The kernel is flat except at its edge. Its column dx is a sum of centred boxes: for each h, the box of rows
-h .. h, times the fall of the kernel from row h to row h + 1, which is 0 except near the edge. So an output row
needs two steps. First, sum the image's rows over every box; each box is the next smaller one and two more rows.
Then, for every dx, add the few boxes that end at the edge.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .lines import add_lines, add_pairs, by_fours, copy, indices, pad
from .pixels import Image

__all__ = ["disk_average"]

ONE = 2**23  # the unit of the integer weights: a sum of weights of up to 2, times a byte, fits into 32 bits


def disk_average(image: Image, kernel: NDArray[np.float32]) -> Image:
    """Correlate uint8 (H, W, C) with a kernel (2r + 1, 2r + 1) of sum 1 or slightly more; clip and truncate.

    The kernel must be symmetric up-down and left-right. The image is mirrored at its borders without repeating the
    outermost row, as OpenCV's filter2D does. Weights are rounded to 2**-23, sums are exact, and the result is
    scaled to the kernel's true sum.
    """
    height, width, channels = image.shape
    reach = len(kernel) // 2
    weights = np.round(kernel.astype(np.float64) * ONE).astype(np.int64)
    falls = (weights - np.pad(weights[1:], ((0, 1), (0, 0))))[reach:, reach:]  # of box h at column dx
    # Quirk: imagecorruptions' weights, in single precision, sum to slightly less than 1, or to 1.01 at severities 4
    # and 5. Below 1, flat regions darken by 1, because the mean is just below the byte and is truncated. Above 1, the
    # image brightens.
    scale = kernel.sum(dtype=np.float64) / weights.sum()
    out = np.empty((height, width * channels), np.uint8)
    maps = indices(height, reach, reach, "mirror"), indices(width, reach, reach, "mirror")
    _average(image.reshape(height, width * channels), *_taps(falls), *maps, scale, channels, out)
    return out.reshape(image.shape)


def _taps(falls: NDArray[np.int64]) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    """List the nonzero falls as (box, dx, fall): first the middle column, then the pairs at -dx and dx."""
    boxes, across = np.nonzero(falls)
    lists = []
    for selection in (across == 0, across > 0):
        box, dx = boxes[selection], across[selection]
        fall = falls[box, dx].astype(
            np.uint32
        )  # a rise wraps around in 32 bits, and so does the sum: the result is right
        lists.append((by_fours(box, fill="last"), by_fours(dx, fill="last"), by_fours(fall, fill="zero")))
    return lists[0], lists[1]


@compiled
def _average(lines: Any, middle: Any, pairs: Any, rows: Any, columns: Any, scale: Any, channels: Any, out: Any) -> None:
    height, width = lines.shape
    reach = (len(rows) - height) // 2
    stride, centre = len(columns) * channels, reach * channels
    sums = np.empty((reach + 1) * stride, np.uint32)
    total = np.empty(width, np.uint32)
    box, dx, fall = pairs
    left, right = box * stride + centre - dx * channels, box * stride + centre + dx * channels
    for y in range(height):
        _sum_boxes(lines, rows[y : y + 2 * reach + 1], columns, channels, sums)
        total[:] = 0
        add_lines(total, sums, middle[0] * stride + centre, middle[2])
        add_pairs(total, sums, left, right, fall)
        for i in range(width):
            out[y, i] = np.int32(min(np.float64(total[i]) * scale, 255.0))


@compiled
def _sum_boxes(lines: Any, rows: Any, columns: Any, channels: Any, sums: Any) -> None:
    """Fill sums, one padded line per h, with the sums of the rows -h .. h around the middle row."""
    width, stride = lines.shape[1], len(columns) * channels
    reach = len(rows) // 2
    start = reach * channels
    for box in range(reach + 1):
        line = sums[box * stride : (box + 1) * stride]
        own = line[start : start + width]
        above, below = lines[rows[reach - box]], lines[rows[reach + box]]
        if box == 0:
            copy(above, own)
        else:
            smaller = sums[(box - 1) * stride + start :]
            for i in range(width):
                own[i] = smaller[i] + above[i] + below[i]
        pad(line, columns, reach, width // channels, channels)
