"""The two photos that come with scikit-learn, on which layers are compared and shown."""

import numpy as np
from sklearn.datasets import load_sample_images


def sample_photos() -> np.ndarray:
    """Return china.jpg and flower.jpg, float32 [2, 427, 640, 3] in [0, 255]."""
    return np.stack(load_sample_images().images).astype(np.float32)


def center_crop(images: np.ndarray, size: int) -> np.ndarray:
    """Return the central squares of side `size` of images [batch, height, width, channels]."""
    height, width = images.shape[1:3]
    rows, columns = (height - size) // 2, (width - size) // 2
    return images[:, rows : rows + size, columns : columns + size]
