"""The compiled filters against SciPy's; 1e-14 allows a compiler's fused multiply-add on other machines."""

import math

import numpy as np
import pytest
import scipy.ndimage

from robustbench_seg.corruptions.filters import Border, centre_zoom, gaussian, motion


@pytest.mark.parametrize("border", ["nearest", "reflect"])
@pytest.mark.parametrize(("sigma_px", "truncate"), [((0.3, 0.7), 3.0), ((1.0, 2.5), 4.0), ((20.0, 15.0), 3.0)])
def test_gaussian_equals_scipys(sigma_px: tuple[float, float], truncate: float, border: Border) -> None:
    values = np.random.RandomState(0).random_sample((35, 48, 3))  # the widest kernels reach across the image
    ours = gaussian(values, sigma_px, truncate=truncate, border=border)
    theirs = scipy.ndimage.gaussian_filter(values, (*sigma_px, 0), mode=border, truncate=truncate)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_gaussian_keeps_single_precision() -> None:
    values = np.random.RandomState(0).random_sample((35, 48, 1)).astype(np.float32)
    ours = gaussian(values, (1.5, 1.5), border="nearest")
    theirs = scipy.ndimage.gaussian_filter(values, (1.5, 1.5, 0), mode="nearest")
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.12, 1.28, 2.0, 2.5, 4.5])
def test_centre_zoom_equals_scipys_zoom_of_the_crop_black_edges_included(factor: float) -> None:
    for height in (32, 57, 97, 360):
        values = np.random.RandomState(height).random_sample((height, 45, 2)) + 0.5
        crop_height, crop_width = math.ceil(height / factor), math.ceil(45 / factor)
        top, left = (height - crop_height) // 2, (45 - crop_width) // 2
        crop = values[top : top + crop_height, left : left + crop_width]
        theirs = scipy.ndimage.zoom(crop, (factor, factor, 1), order=1)
        ours = centre_zoom(values, factor)
        assert ours.shape == theirs.shape
        assert ours.shape[0] >= height
        assert ours.shape[1] >= 45
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_motion_smears_a_point_along_its_angle() -> None:
    values = np.zeros((41, 41, 1))
    values[20, 20] = 1
    blurred = motion(values, radius=5, sigma_px=3, angle_deg=0)[..., 0]
    assert blurred.sum() == pytest.approx(1)
    rows, columns = np.nonzero(blurred)
    assert set(rows) == {20}
    assert columns.min() == 10  # one-sided: 2 * 5 px to the left, none to the right
    assert columns.max() == 20
    assert np.all(np.diff(blurred[20, 10:21]) > 0)
