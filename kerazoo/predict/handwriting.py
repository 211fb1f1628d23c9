"""Any picture of a handwritten digit as MNIST would have it.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), section III.A: a digit fits a square of 20 pixels, and its centre of mass is the centre of
the 28x28 image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from kerazoo.data.folder import decode_if_sound
from kerazoo.errors import CorruptFileError, UsageError

SIDE, BOX = 28, 20
CENTRE = 14.5  # from the edge: where the centre of mass of MNIST's images is, within half a pixel
LARGEST = 1024  # pixels of a side, beyond which some are passed over
LEAST_CONTRAST = 16  # of 255, below which a picture is taken for blank
NOISE = 3  # so far do single pixels go beyond nine tenths of the border's
EDGE = 0.2  # share of the strongest ink at which the digit begins


def read(path: Path) -> np.ndarray:
    """Return a BMP, GIF, JPEG or PNG file as `normalise` does.

    Raises:
        UsageError: There is no such file, or nothing is to be seen in it.
        CorruptFileError: It is no picture.
    """
    if not path.is_file():
        raise UsageError(f"there is no file '{path}'")
    if (pixels := decode_if_sound(path.read_bytes())) is None:
        raise CorruptFileError(
            f"'{path}' cannot be read as a picture: a GIF, JPEG or PNG file is wanted, or a BMP "
            "without a palette"
        )
    found = normalise(pixels.numpy())
    if found is None:
        raise UsageError(f"'{path}' is blank: a picture of one digit is wanted")
    return found


def normalise(picture: np.ndarray) -> np.ndarray | None:
    """Return the digit of a picture, light on black, in its place; None where there is none.

    What differs from the colour of the border is ink, be it darker or lighter.

    Args:
        picture: uint8 [height, width, channels] of grey or colours, with or without transparency.

    Returns:
        float32 [28, 28, 1] in [0, 1].
    """
    step = max(1, max(picture.shape[:2]) // LARGEST)
    ink = _ink(_opaque(picture[::step, ::step].astype(np.float32)))
    if ink is None:
        return None
    rows, columns = (np.flatnonzero((ink > EDGE).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    size = [max(1, round(side * scale)) for side in ink.shape]
    small = tf.image.resize(ink[..., None], size, antialias=True).numpy()[..., 0]
    return _centred(np.clip(small / small.max(), 0, 1))[..., None]


def _opaque(picture: np.ndarray) -> np.ndarray:
    """Lay what is transparent on black where the rest is light, else on white."""
    if picture.shape[-1] in (1, 3):
        return picture
    colours, alpha = picture[..., :-1], picture[..., -1:] / 255
    light = (colours * alpha).sum() > 127 * alpha.sum() * colours.shape[-1]
    return colours * alpha + (0 if light else 255) * (1 - alpha)


def _ink(picture: np.ndarray) -> np.ndarray | None:
    """Return how far each pixel is from the border's colour, in [0, 1]."""
    frame = np.ones(picture.shape[:2], bool)
    frame[1:-1, 1:-1] = False
    distance = np.abs(picture - np.median(picture[frame], axis=0)).max(axis=-1)
    noise = min(NOISE * np.percentile(distance[frame], 90), distance.max() / 2)
    if distance.max() - noise < LEAST_CONTRAST:
        return None
    return np.clip((distance - noise) / (distance.max() - noise), 0, 1)


def _centred(digit: np.ndarray) -> np.ndarray:
    """Put the digit's centre of mass, as near as whole pixels come, into the centre."""
    canvas = np.zeros((SIDE, SIDE), np.float32)
    starts = []
    for axis in (0, 1):
        mass = digit.sum(axis=1 - axis)
        centre = (mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum()
        starts.append(int(np.clip(round(CENTRE - centre), 0, SIDE - len(mass))))
    top, left = starts
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas
