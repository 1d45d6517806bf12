"""Bilinear resizing of some rows: align_corners=False, no antialiasing, as everywhere in the paper's code and ours."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["resize_rows"]


def resize_rows(x: Tensor, rows: range, size: tuple[int, int]) -> Tensor:
    """Resize x (B, C, h, w) to `size` = (height, width), and return some rows: (B, C, len(rows), width).

    Rows are interpolated vertically first, each between two rows of x, then horizontally. A caller that works in
    stripes never holds the whole resized map, and each stripe fits into the CPU's cache.
    """
    if len(rows) == size[0]:
        return x if x.shape[2:] == size else functional.interpolate(x, size, mode="bilinear", align_corners=False)
    if x.shape[2:] == size:
        return x[:, :, rows.start : rows.stop]
    precision = torch.promote_types(x.dtype, torch.float32)  # half precision can't represent large row numbers
    positions = torch.arange(rows.start, rows.stop, device=x.device, dtype=precision)
    y = ((positions + 0.5) * (x.shape[2] / size[0]) - 0.5).clamp(min=0)
    above = y.long()
    below = (above + 1).clamp(max=x.shape[2] - 1)
    lines = x.permute(0, 2, 3, 1)  # (B, h, w, C): the rows of a channels-last map are contiguous
    share = (y - above)[:, None, None].to(x.dtype)
    between = torch.lerp(lines.index_select(1, above), lines.index_select(1, below), share)
    if x.device.type != "cpu":
        between = between.permute(0, 3, 1, 2)
        return functional.interpolate(between, (len(rows), size[1]), mode="bilinear", align_corners=False)
    # Each row is an image of height 1: a CPU shares only the images of a batch between threads, not one image's rows.
    each = between.flatten(0, 1)[:, None].permute(0, 3, 1, 2)  # (B * rows, C, 1, w)
    resized = functional.interpolate(each, (1, size[1]), mode="bilinear", align_corners=False)
    return resized.permute(0, 2, 3, 1).reshape(len(x), len(rows), size[1], -1).permute(0, 3, 1, 2)
