"""The 1,797 handwritten digits that come with scikit-learn: real data without a network.

Source: the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998), 8x8
pixels of 17 grey levels.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from kerazoo.data.images import ArraySplit, ImageData, ImageShape, fingerprint

SIZE = 28
VALIDATION, TEST = 150, 300


def load(image_shape: ImageShape) -> ImageData:
    """Return the digits at 28x28, 1,347 to train on, 150 to validate, 300 to test.

    The split is stratified and always the same; the pixels are enlarged by cubic interpolation.
    """
    digits = load_digits()
    enlarged = tf.image.resize(digits.images[..., None] / 16, (SIZE, SIZE), "bicubic")
    images = np.rint(np.clip(enlarged, 0, 1) * 255).astype(np.uint8)

    rest, test = _hold_out(np.arange(len(images)), digits.target, TEST)
    train, validation = _hold_out(rest, digits.target, VALIDATION)

    def split(part: np.ndarray) -> ArraySplit:
        return ArraySplit(images[part], digits.target[part], image_shape)

    return ImageData(
        "digits",
        tuple(str(name) for name in digits.target_names),
        image_shape,
        train=split(train),
        validation=split(validation),
        test=split(test),
        fingerprint=fingerprint([images, digits.target, train, validation, test]),
        source_shape=(SIZE, SIZE, 1),
    )


def _hold_out(positions: np.ndarray, labels: np.ndarray, size: int) -> list[np.ndarray]:
    return train_test_split(positions, test_size=size, stratify=labels[positions], random_state=0)
