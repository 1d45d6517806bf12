"""The images that the corruptions are tested on."""

import numpy as np
import pytest
import skimage.data

from robustbench_seg.corruptions.pixels import Image


@pytest.fixture(scope="session")
def natural() -> Image:
    """Return a photograph, 512 x 512, that ships inside scikit-image."""
    return np.array(skimage.data.astronaut())


@pytest.fixture(scope="session")
def noise() -> Image:
    """Return uniform noise, 97 x 131: landscape, and odd in both sides."""
    return np.random.RandomState(0).randint(0, 256, size=(97, 131, 3)).astype(np.uint8)
