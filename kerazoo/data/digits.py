"""The 1,797 handwritten digits that come with scikit-learn: real data without a network.

Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits" (1998),
https://doi.org/10.24432/C50P49: 8x8 pixels of 17 gray levels.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from kerazoo.data.image_io import ImageShape
from kerazoo.data.images import ArraySplit, ImageData, fingerprint
from kerazoo.lazy import tf

SMALL, LEVELS = 8, 16  # pixels of a side, and the highest level
SIZE = 28
VALIDATION, TEST = 150, 300


def enlarged(images: np.ndarray) -> np.ndarray:
    """Return images of 8x8 levels [n, 8, 8] at 28x28, uint8 [n, 28, 28, 1]."""
    large = tf.image.resize(images[..., None] / LEVELS, (SIZE, SIZE), "bicubic")
    return np.rint(np.clip(large, 0, 1) * 255).astype(np.uint8)


def load(image_shape: ImageShape) -> ImageData:
    """Return the digits at 28x28: 1,347 to train on, 150 to validate, 300 to test.

    The split is stratified and always the same; the pixels are enlarged by cubic interpolation.
    """
    digits = load_digits()
    labels, images = digits.target, enlarged(digits.images)

    def split(rows: np.ndarray, size: int) -> list[np.ndarray]:
        return train_test_split(rows, test_size=size, stratify=labels[rows], random_state=0)

    rest, test = split(np.arange(len(images)), TEST)
    train, validation = split(rest, VALIDATION)
    parts = {"train": train, "validation": validation, "test": test}
    splits = {name: ArraySplit(images[i], labels[i], image_shape) for name, i in parts.items()}
    return ImageData(
        "digits",
        tuple(map(str, digits.target_names)),
        image_shape,
        **splits,
        fingerprint=fingerprint([images, labels, *parts.values()]),
        source_shape=(SIZE, SIZE, 1),
    )
