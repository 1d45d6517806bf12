"""Bilinear resizing by rows: align_corners=False, without antialiasing, as the paper's code and ours always resize."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["resize_rows"]


def resize_rows(x: Tensor, rows: range, size: tuple[int, int]) -> Tensor:
    """Make some rows of x (B, C, h, w) resized to `size` = (height, width): (B, C, len(rows), width).

    They are interpolated down first, between two rows of x each, then across. Whoever goes through all rows by stripes
    never holds the resized map, and finds each stripe in the processor's cache.
    """
    if len(rows) == size[0]:
        return x if x.shape[2:] == size else functional.interpolate(x, size, mode="bilinear", align_corners=False)
    if x.shape[2:] == size:
        return x[:, :, rows.start : rows.stop]
    precision = torch.promote_types(x.dtype, torch.float32)  # a row's number does not fit into half precision
    wanted = torch.arange(rows.start, rows.stop, device=x.device, dtype=precision)
    y = ((wanted + 0.5) * (x.shape[2] / size[0]) - 0.5).clamp(min=0)
    above = y.long()
    below = (above + 1).clamp(max=x.shape[2] - 1)
    lines = x.permute(0, 2, 3, 1)  # (B, h, w, C): of a channels-last map, rows are copied as they lie
    share = (y - above)[:, None, None].to(x.dtype)
    between = torch.lerp(lines.index_select(1, above), lines.index_select(1, below), share).permute(0, 3, 1, 2)
    return functional.interpolate(between, (len(rows), size[1]), mode="bilinear", align_corners=False)
