"""The images that demos show: the user's, or those that come with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from kerazoo.data.digits import LEVELS
from kerazoo.data.image_io import read_image
from kerazoo.data.photos import sample_photos

DIGIT = 68  # of scikit-learn's: a 4
PHOTOS = ("china.jpg", "flower.jpg")  # of scikit-learn
MAX_SIDE = 640  # of a photo that is shown, in pixels


def photo(path: Path | None = None, name: str = PHOTOS[0]) -> np.ndarray:
    """Return a photo, at most `MAX_SIDE` high and wide: a larger one is resized.

    Args:
        path: The user's image; None for one that comes with scikit-learn.
        name: Which of those, of `PHOTOS`.

    Returns:
        float64 [height, width, 3] in [0, 255].

    Raises:
        UsageError, CorruptFileError: There is no such image, or it is damaged.
    """
    if path is None:
        return sample_photos()[PHOTOS.index(name)].astype(np.float64)
    pixels = read_image(path, channels=3)
    height, width = pixels.shape[:2]
    if max(height, width) > MAX_SIDE:
        scale = MAX_SIDE / max(height, width)
        size = max(1, round(scale * width)), max(1, round(scale * height))
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return pixels.astype(np.float64)


def digit(path: Path | None = None) -> np.ndarray:
    """Return a handwritten digit as in MNIST: light on dark, in the center, at most 20 pixels high.

    Args:
        path: The user's image; None for one that comes with scikit-learn.

    Returns:
        float64 [28, 28] in [0, 255].

    Raises:
        UsageError, CorruptFileError: There is no such image, it is blank, or damaged.
    """
    if path is not None:
        from kerazoo.inference import handwriting  # it imports TensorFlow

        return handwriting.read(path, "mnist")[..., 0].astype(np.float64)
    digit = Image.fromarray((load_digits().images[DIGIT] * (255 / LEVELS)).astype(np.float32))
    enlarged = digit.resize((20, 20), Image.Resampling.BICUBIC)
    return np.pad(np.clip(np.asarray(enlarged, np.float64), 0, 255), 4)


def gray(image: np.ndarray) -> np.ndarray:
    """Return the luma of an image [height, width, 3], as in JPEG: [height, width]."""
    return image @ np.array([0.299, 0.587, 0.114])
