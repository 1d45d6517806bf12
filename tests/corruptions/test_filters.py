"""The compiled filters against SciPy's, NumPy's and imagecorruptions'.

In double precision 1e-14 allows a compiler's fused multiply-add on other machines.
"""

import math

import numpy as np
import oracle
import pytest
import scipy.ndimage

from robustbench_seg.corruptions.disk import disk_average
from robustbench_seg.corruptions.gaussian import gaussian
from robustbench_seg.corruptions.lines import Border, indices
from robustbench_seg.corruptions.motion import motion
from robustbench_seg.corruptions.zoom import centre_zoom


@pytest.mark.parametrize(("border", "name"), [("nearest", "edge"), ("mirror", "reflect"), ("reflect", "symmetric")])
def test_indices_continue_a_line_as_numpys_pad_does(border: Border, name: str) -> None:
    line = np.arange(5)
    for before, after in ((0, 0), (2, 3), (13, 9)):
        theirs = np.pad(line, (before, after), mode=name)  # type: ignore[call-overload]
        np.testing.assert_array_equal(line[indices(5, before, after, border)], theirs)


@pytest.mark.parametrize("border", ["nearest", "reflect", "mirror"])
@pytest.mark.parametrize(("sigma_px", "truncate"), [((0.3, 0.7), 3.0), ((1.0, 2.5), 4.0), ((20.0, 15.0), 3.0)])
def test_gaussian_equals_scipys(sigma_px: tuple[float, float], truncate: float, border: Border) -> None:
    values = np.random.RandomState(0).random_sample((35, 48, 3))  # the widest kernels reach across the image
    ours = gaussian(values, sigma_px, truncate=truncate, border=border)
    theirs = scipy.ndimage.gaussian_filter(values, (*sigma_px, 0), mode=border, truncate=truncate)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_gaussian_works_in_single_precision_on_single_precision() -> None:
    values = np.random.RandomState(0).random_sample((35, 48, 1)).astype(np.float32)
    for sigma_px in (1.5, 20):
        ours = gaussian(values, (sigma_px, sigma_px), border="nearest")
        theirs = scipy.ndimage.gaussian_filter(values, (sigma_px, sigma_px, 0), mode="nearest")
        assert ours.dtype == theirs.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


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


@pytest.mark.parametrize(("height", "width"), [(45, 60), (7, 60), (45, 5)])
def test_motion_equals_imagecorruptions_also_where_the_image_is_shorter_than_the_trail(height: int, width: int) -> None:
    values = np.random.RandomState(0).random_sample((height, width, 3))
    for angle_deg in (-135.0, -90.0, -50.0, -17.0, 0.0, 30.0, 45.0, 117.0, 180.0):
        theirs = oracle.imagecorruptions.corruptions._motion_blur(values, 10, 8, angle_deg)
        ours = motion(values, 10, 8, angle_deg)
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)
        single = motion(values.astype(np.float32), 10, 8, angle_deg)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, theirs, rtol=0, atol=1e-6)


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


def test_disk_average_is_the_truncated_correlation_with_any_symmetric_kernel() -> None:
    random = np.random.RandomState(0)
    image = random.randint(0, 256, size=(12, 35, 3)).astype(np.uint8)  # lower than the kernel is wide
    for reach in (1, 4, 9):
        quarter = random.random_sample((reach + 1, reach + 1))
        half = np.vstack((quarter[:0:-1], quarter))
        kernel = np.hstack((half[:, :0:-1], half))
        kernel = (kernel / kernel.sum()).astype(np.float32)
        exact = scipy.ndimage.correlate(image.astype(float), kernel[..., np.newaxis], mode="mirror")
        assert np.abs(disk_average(image, kernel) + 0.5 - np.clip(exact, 0, 255)).max() < 0.501
