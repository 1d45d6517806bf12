"""The filters under several corruptions: Gaussian blur, motion blur and zoom.

Each works in its input's precision. In double precision it adds its terms in the order of the code that it stands
for (SciPy's `gaussian_filter` and `zoom`, imagecorruptions' motion blur) and is equal to it to the last bit.
"""

from .gaussian import gaussian, gaussian_of_bytes
from .motion import motion, motion_of_bytes
from .zoom import centre_zoom, zoom_average

__all__ = ["centre_zoom", "gaussian", "gaussian_of_bytes", "motion", "motion_of_bytes", "zoom_average"]
