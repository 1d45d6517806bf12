"""The family of metrics: integers per image, and arithmetic on their sums."""

from .boundary import count_boundary, rim_width
from .calibration import CalibrationCounts, count_calibration, count_likelihood, ece, nll
from .counts import ClassCounts, count_classes
from .iou import best_constant_miou, iou_per_class, largest_predicted_share, miou

__all__ = [
    "CalibrationCounts",
    "ClassCounts",
    "best_constant_miou",
    "count_boundary",
    "count_calibration",
    "count_classes",
    "count_likelihood",
    "ece",
    "iou_per_class",
    "largest_predicted_share",
    "miou",
    "nll",
    "rim_width",
]
