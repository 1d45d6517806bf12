"""The average over a disk with a soft edge, as a stack of columns.

Seen from above, the kernel is flat but for its edge. Seen along a column dx of it, it is a stack of centred
boxes: the box of rows -h .. h, times how much the kernel falls from row h to row h + 1, which is nothing but
near the edge. So an output row needs the sums of the image's rows over every box, each box's sum being the
smaller one's and two rows more, and then at every dx only the few that end at the edge.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .lines import add_lines, add_pairs, by_fours, indices, pad
from .pixels import Image

__all__ = ["disk_average"]

ONE = 2**23  # the unit of the integer weights: their sum times a byte fits 32 bits, were it nearly 2


def disk_average(image: Image, kernel: NDArray[np.float32]) -> Image:
    """Correlate uint8 (H, W, C) with a kernel (2r + 1, 2r + 1) of sum 1 or little more; clip and truncate.

    The kernel must be the same mirrored up-down and left-right. The image is mirrored at its borders without
    repeating the outermost row, as OpenCV's filter2D does. The sums are exact, of weights rounded to 2**-23 and
    scaled to the kernel's true sum.
    """
    height, width, channels = image.shape
    reach = len(kernel) // 2
    weights = np.round(kernel.astype(np.float64) * ONE).astype(np.int64)
    falls = (weights - np.pad(weights[1:], ((0, 1), (0, 0))))[reach:, reach:]  # of box h at column dx
    # Quirk: imagecorruptions' weights, in single precision, sum to a little less than 1 or, at severities 4 and 5,
    # to 1.01. In the first case flat regions darken by 1, since the mean falls just below the byte and is truncated;
    # in the second the image brightens.
    scale = kernel.sum(dtype=np.float64) / weights.sum()
    out = np.empty((height, width * channels), np.uint8)
    maps = indices(height, reach, reach, "mirror"), indices(width, reach, reach, "mirror")
    _average(image.reshape(height, width * channels), *_taps(falls), *maps, scale, channels, out)
    return out.reshape(image.shape)


def _taps(falls: NDArray[np.int64]) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    """Return what isn't zero as (box, dx, fall): first the column in the middle, then the pairs at -dx and dx."""
    boxes, across = np.nonzero(falls)
    lists = []
    for chosen in (across == 0, across > 0):
        box, dx = boxes[chosen], across[chosen]
        fall = falls[box, dx].astype(np.uint32)  # a rise wraps around, as does its sum, and comes out right
        lists.append((by_fours(box, fill="last"), by_fours(dx, fill="last"), by_fours(fall, fill="zero")))
    return lists[0], lists[1]


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def _sum_boxes(lines: Any, rows: Any, columns: Any, channels: Any, sums: Any) -> None:
    """Fill sums, a padded line for each h, with the sums of the rows -h .. h around the middle one."""
    width, stride = lines.shape[1], len(columns) * channels
    reach = len(rows) // 2
    start = reach * channels
    for box in range(reach + 1):
        line = sums[box * stride : (box + 1) * stride]
        own = line[start : start + width]
        above, below = lines[rows[reach - box]], lines[rows[reach + box]]
        if box == 0:
            own[:] = above
        else:
            smaller = sums[(box - 1) * stride + start :]
            for i in range(width):
                own[i] = smaller[i] + above[i] + below[i]
        pad(line, columns, reach, width // channels, channels)
