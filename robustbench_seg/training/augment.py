"""The paper's augmentation (Section 4.1): random resize 0.5-2.0, crop, horizontal flip, photometric distortion.

Images are uint8 RGB (H, W, 3), label maps uint8 (H, W). Every function takes a generator and uses no other.
"""

import cv2
import numpy as np
from numpy.random import Generator

from ..datasets.base import IGNORE, Image, LabelMap

__all__ = ["augment", "distort", "random_crop", "random_resize"]

MAX_SHARE_OF_ONE_CLASS = 0.75  # the usual `cat_max_ratio`; a crop with only road teaches little
CROP_ATTEMPTS = 10
PADDING_COLOUR = (124, 116, 104)  # ImageNet's mean, rounded; distorted like the image; its label is ignored


def augment(image: Image, label: LabelMap, crop: int, rng: Generator) -> tuple[Image, LabelMap]:
    """Make a training sample of crop x crop pixels from a sample of any size."""
    image, label = random_resize(image, label, rng)
    image, label = random_crop(image, label, crop, rng)
    if rng.random() < 0.5:
        image, label = image[:, ::-1], label[:, ::-1]
    return distort(image, rng), np.ascontiguousarray(label)


def random_resize(image: Image, label: LabelMap, rng: Generator) -> tuple[Image, LabelMap]:
    """Resize the image (bilinear) and the label (nearest) by one factor, uniform in 0.5 .. 2.0."""
    scale = rng.uniform(0.5, 2.0)
    size = (max(1, round(scale * image.shape[1])), max(1, round(scale * image.shape[0])))
    return (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)),
        np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)),
    )


def random_crop(image: Image, label: LabelMap, crop: int, rng: Generator) -> tuple[Image, LabelMap]:
    """Cut crop x crop pixels, padded if the image is smaller; draw again while one class fills three quarters."""
    below, right = max(0, crop - image.shape[0]), max(0, crop - image.shape[1])
    if below or right:
        image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=PADDING_COLOUR))
        label = np.asarray(cv2.copyMakeBorder(label, 0, below, 0, right, cv2.BORDER_CONSTANT, value=IGNORE))
    for _ in range(CROP_ATTEMPTS):
        top = int(rng.integers(image.shape[0] - crop + 1))
        left = int(rng.integers(image.shape[1] - crop + 1))
        window = np.s_[top : top + crop, left : left + crop]
        counts = np.bincount(label[window].ravel(), minlength=IGNORE + 1)[:IGNORE]
        if np.count_nonzero(counts) > 1 and counts.max() < MAX_SHARE_OF_ONE_CLASS * counts.sum():
            break
    return image[window], label[window]


def distort(image: Image, rng: Generator) -> Image:
    """Change brightness, contrast, saturation and hue, each with probability 1/2; contrast is first or last."""
    pixels = image.astype(np.float32)
    if rng.random() < 0.5:
        pixels += rng.uniform(-32, 32)
    contrast_first = rng.random() < 0.5
    contrast = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    if contrast_first:
        pixels *= contrast
    saturation = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    hue = rng.uniform(-36, 36) if rng.random() < 0.5 else 0.0  # degrees
    if saturation != 1 or hue != 0:
        hsv = cv2.cvtColor(np.clip(pixels, 0, 255) / np.float32(255), cv2.COLOR_RGB2HSV)
        hsv[:, :, 0] = (hsv[:, :, 0] + hue) % 360
        hsv[:, :, 1] = np.clip(hsv[:, :, 1] * saturation, 0, 1)
        pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * np.float32(255)
    if not contrast_first:
        pixels *= contrast
    return np.asarray(np.clip(pixels, 0, 255).astype(np.uint8))
