"""Random images to time programs on; no framework is imported here."""

from __future__ import annotations

import numpy as np

CLASSES = 10


def random_images(image_shape: tuple[int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 [size, height, width, channels], and labels [size] of `CLASSES`.

    Args:
        image_shape: (height, width, channels).
        size: Number of images.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (size, *image_shape), np.uint8)
    return images, rng.integers(0, CLASSES, size)
