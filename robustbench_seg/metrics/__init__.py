"""The family of metrics: integers per image, and arithmetic on their sums."""

from .counts import ClassCounts, count_classes
from .iou import best_constant_miou, iou_per_class, largest_predicted_share, miou

__all__ = [
    "ClassCounts",
    "best_constant_miou",
    "count_classes",
    "iou_per_class",
    "largest_predicted_share",
    "miou",
]
