"""Read an image at displaced positions, compiled, as SciPy's `map_coordinates` does.

The definition interpolates a float32 image in [0, 1] bilinearly in double precision, rounds to float32, multiplies by
255 and truncates. Here the bytes are interpolated in float32. Among equal bytes both results are that byte. Elsewhere
they differ by at most 1, and only where the level is within 1e-4 of an integer.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .pixels import Image

__all__ = ["displace"]


def displace(image: Image, dy: NDArray[np.float32], dx: NDArray[np.float32]) -> Image:
    """Read (H, W, 3) bilinearly at (y + dy, x + dx), mirrored at its edges; dy, dx: (H, W), in px."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).view(np.int32)[..., 0]  # one load per pixel
    out = np.empty_like(image)
    _displace(pixels, dy, dx, out)
    return out


# Each loop along a row does little, so that the compiler can separate reads from writes and process several pixels at
# a time.


@compiled
def _displace(pixels: Any, dy: Any, dx: Any, out: Any) -> None:
    height, width = pixels.shape
    corners = np.empty((4, width), np.int32)  # above left, above right, below left, below right
    down, across = np.empty(width, np.float32), np.empty(width, np.float32)
    levels = np.empty((3, width), np.float32)
    for row in range(height):
        _read_corners(pixels, row, dy[row], dx[row], corners, down, across)
        for channel in range(3):
            _interpolate(corners, down, across, np.int32(8 * channel), levels[channel])
        _write(levels, out[row])


@compiled
def _read_corners(pixels: Any, row: Any, dy: Any, dx: Any, corners: Any, down: Any, across: Any) -> None:
    """Gather the four pixels around each position of a row, and the position's fractions between them."""
    height, width = pixels.shape
    for x in range(width):
        whole_y, whole_x = np.floor(dy[x]), np.floor(dx[x])
        down[x], across[x] = dy[x] - whole_y, dx[x] - whole_x
        y0, x0 = row + np.int64(whole_y), x + np.int64(whole_x)
        y1, x1 = y0 + 1, x0 + 1
        if y0 < 0 or y1 >= height:
            y0, y1 = _mirror(y0, height), _mirror(y1, height)
        if x0 < 0 or x1 >= width:
            x0, x1 = _mirror(x0, width), _mirror(x1, width)
        top, bottom = np.uint64(y0), np.uint64(y1)  # unsigned: Numba omits its check for negative indices
        left, right = np.uint64(x0), np.uint64(x1)
        corners[0, x], corners[1, x] = pixels[top, left], pixels[top, right]
        corners[2, x], corners[3, x] = pixels[bottom, left], pixels[bottom, right]


@compiled
def _mirror(index: Any, length: Any) -> Any:
    index %= 2 * length  # never negative, as in Python
    return min(index, 2 * length - 1 - index)  # d c b a | a b c d | d c b a


@compiled
def _interpolate(corners: Any, down: Any, across: Any, shift: Any, levels: Any) -> None:
    """Set the levels, 0 to 255, of the channel that starts at bit `shift`."""
    above_left, above_right, below_left, below_right = corners[0], corners[1], corners[2], corners[3]
    for x in range(len(levels)):
        a, b = np.float32((above_left[x] >> shift) & 255), np.float32((above_right[x] >> shift) & 255)
        c, d = np.float32((below_left[x] >> shift) & 255), np.float32((below_right[x] >> shift) & 255)
        above, below = a + across[x] * (b - a), c + across[x] * (d - c)
        levels[x] = above + down[x] * (below - above)


@compiled
def _write(levels: Any, out: Any) -> None:
    red, green, blue = levels[0], levels[1], levels[2]
    for x in range(len(out)):
        out[x, 0], out[x, 1], out[x, 2] = np.uint8(red[x]), np.uint8(green[x]), np.uint8(blue[x])
