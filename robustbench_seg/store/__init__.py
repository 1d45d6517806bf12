"""The store: a folder of results with a file per cell, which is checked whenever it is read."""

from .columns import BOUNDARY_COUNTS, CALIBRATION_COUNTS, COUNTS, LIKELIHOOD, ImageCounts
from .file import Stamp, StoredCell, read_cell, read_columns, read_record
from .folder import Store

__all__ = [
    "BOUNDARY_COUNTS",
    "CALIBRATION_COUNTS",
    "COUNTS",
    "LIKELIHOOD",
    "ImageCounts",
    "Stamp",
    "Store",
    "StoredCell",
    "read_cell",
    "read_columns",
    "read_record",
]
