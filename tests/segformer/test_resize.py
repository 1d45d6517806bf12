"""Stripes put together against torch's own resizing of the whole map."""

import pytest
import torch
from torch.nn import functional

from segformer.resize import resize_rows

SIZES = [(13, 9), (26, 18), (31, 50), (7, 5), (4, 40), (40, 4), (13, 20), (29, 9), (1, 1)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stripes_of_any_height_make_up_the_resized_map(
    size: tuple[int, int], layout: torch.memory_format, dtype: torch.dtype
) -> None:
    x = torch.randn(2, 3, 13, 9, generator=torch.Generator().manual_seed(0), dtype=dtype).to(memory_format=layout)
    expected = functional.interpolate(x, size, mode="bilinear", align_corners=False)
    for stripe in (1, 3, 8, size[0]):
        tops = range(0, size[0], stripe)
        stripes = [resize_rows(x, range(top, min(top + stripe, size[0])), size) for top in tops]
        got = torch.cat(stripes, dim=2)
        assert got.dtype == dtype
        torch.testing.assert_close(got, expected, atol=1e-12 if dtype == torch.float64 else 1e-5, rtol=0)


def test_rows_far_down_are_found_in_half_precision() -> None:
    """bfloat16 counts to 256 by ones; positions must not be kept in it."""
    x = torch.arange(600.0).remainder(7)[None, None, :, None].expand(1, 1, 600, 2)
    got = resize_rows(x.bfloat16(), range(1100, 1150), (1200, 2))
    expected = functional.interpolate(x, (1200, 2), mode="bilinear", align_corners=False)[:, :, 1100:1150]
    torch.testing.assert_close(got.float(), expected, atol=0.05, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_rows_are_to_the_bit_those_of_one_resized_stripe(layout: torch.memory_format, dtype: torch.dtype) -> None:
    """Each row is interpolated horizontally by itself: with the same sums as if all were rows of one image."""
    x = torch.randn(2, 19, 13, 9, generator=torch.Generator().manual_seed(0)).to(dtype).to(memory_format=layout)
    height, rows = 52, range(5, 40)
    y = ((torch.tensor(rows) + 0.5) * (13 / height) - 0.5).clamp(min=0)
    above = y.long()
    upper, lower = (x[:, :, row] for row in (above, (above + 1).clamp(max=12)))
    share = (y - above)[:, None].to(dtype)
    between = torch.lerp(upper, lower, share).to(memory_format=torch.channels_last)
    expected = functional.interpolate(between, (len(rows), 35), mode="bilinear", align_corners=False)
    assert torch.equal(resize_rows(x, rows, (height, 35)), expected)
