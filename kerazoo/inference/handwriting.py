"""Normalize an image of a handwritten digit like those of MNIST, or like scikit-learn's digits.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), https://doi.org/10.1109/5.726791, section III.A: a digit fits a square of 20 pixels, and its
center of mass is the center of the 28x28 image. Scikit-learn's digits fill their image.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from kerazoo.data import digits
from kerazoo.data.image_io import read_image
from kerazoo.errors import UsageError
from kerazoo.lazy import tf

SIDE, BOX = 28, 20
CENTER = 14.5  # pixels from the edge to the center of mass in MNIST's images, to half a pixel
MAX_SIDE = 1024  # pixels, of which a larger image has rows and columns skipped
MIN_CONTRAST = 16  # of 255, below which an image is blank
NOISE = 3  # single pixels differ by up to so many times the 90th percentile of the border
EDGE = 0.2  # fraction of the strongest ink at which the digit begins


def read(path: Path, data: str) -> np.ndarray:
    """Return the digit in an image file.

    Args:
        path: The file.
        data: The data set whose images it is to be like, one of `NORMALIZERS`.

    Returns:
        uint8 [28, 28, 1].

    Raises:
        UsageError: The image is blank.
        KerazooError: The file cannot be read, see `kerazoo.data.image_io.read_image`.
    """
    if (ink := find_ink(read_image(path, channels=3))) is None:
        raise UsageError(f"'{path}' is blank; give an image of one digit")
    return NORMALIZERS[data](ink)


def find_ink(image: np.ndarray) -> np.ndarray | None:
    """Return the part of an image that has ink; None if it is blank.

    Ink is what differs from the color of the border, darker or lighter.

    Args:
        image: uint8 [height, width, channels], gray or color.

    Returns:
        How strong the ink is, float32 [height, width] in [0, 1].
    """
    step = max(1, max(image.shape[:2]) // MAX_SIDE)
    ink = _ink(image[::step, ::step].astype(np.float32))
    if ink is None:
        return None
    rows, columns = (np.flatnonzero((ink > EDGE).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def like_mnist(ink: np.ndarray) -> np.ndarray:
    """Return a digit like those of MNIST, uint8 [28, 28, 1], light on black."""
    return np.rint(_centered(_resized(ink, BOX)) * 255).astype(np.uint8)[..., None]


def like_digits(ink: np.ndarray) -> np.ndarray:
    """Return a digit like scikit-learn's enlarged ones, uint8 [28, 28, 1], light on black."""
    small = _resized(ink, digits.SMALL)
    missing = digits.SMALL - np.array(small.shape)
    padded = np.pad(small, [(each // 2, each - each // 2) for each in missing])
    return digits.enlarged(np.rint(padded * digits.LEVELS)[None])[0]


# By the name of the data set.
NORMALIZERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "mnist": like_mnist,
    "digits": like_digits,
}


def _resized(ink: np.ndarray, side: int) -> np.ndarray:
    """Return ink whose longer side has so many pixels."""
    size = [max(1, round(each * (side / max(ink.shape)))) for each in ink.shape]
    small = tf.image.resize(ink[..., None], size, antialias=True).numpy()[..., 0]
    return np.clip(small / small.max(), 0, 1)


def _ink(image: np.ndarray) -> np.ndarray | None:
    """Return how far each pixel is from the border's color, in [0, 1]; None if all are near."""
    border = np.ones(image.shape[:2], bool)
    border[1:-1, 1:-1] = False
    distance = np.abs(image - np.median(image[border], axis=0)).max(axis=-1)
    noise = min(NOISE * np.percentile(distance[border], 90), distance.max() / 2)
    contrast = distance.max() - noise
    return None if contrast < MIN_CONTRAST else np.clip((distance - noise) / contrast, 0, 1)


def _centered(digit: np.ndarray) -> np.ndarray:
    """Return a 28x28 image with the digit's center of mass at the nearest pixel to its center."""

    def start(mass: np.ndarray) -> int:
        center = (mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum()
        return int(np.clip(round(CENTER - center), 0, SIDE - len(mass)))

    canvas = np.zeros((SIDE, SIDE), np.float32)
    top, left = start(digit.sum(axis=1)), start(digit.sum(axis=0))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas
