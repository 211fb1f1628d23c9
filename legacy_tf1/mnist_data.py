"""Handwritten digits for `mnist_cnn`, as the reader of the TF1 tutorials returned them.

Source: `cnn-notes`, lines 298-299. TensorFlow 2 has dropped the reader, which returned images as
rows of 784 numbers in [0, 1] and used the first 5,000 training images for validation.
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from legacy_tf1.program import tf1

VALIDATION = 5_000
PIXELS = 28 * 28
KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


class DataSet:
    """Labeled images in batches, in a new order in each epoch.

    Args:
        images: float32 [num_examples, 784] in [0, 1].
        labels: Class indices [num_examples].
        seed: Of the orders.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int = 1) -> None:
        self.images = images
        self.labels = labels
        self.num_examples = len(labels)
        self._random = np.random.default_rng(seed)
        self._waiting = np.arange(0)

    def next_batch(self, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the next images and labels; a batch may end in the next epoch."""
        while len(self._waiting) < batch_size:
            epoch = self._random.permutation(self.num_examples)
            self._waiting = np.concatenate([self._waiting, epoch])
        chosen, self._waiting = self._waiting[:batch_size], self._waiting[batch_size:]
        return self.images[chosen], self.labels[chosen]


@dataclass(frozen=True)
class DataSets:
    """The splits of a data set."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_mnist(directory: Path, seed: int = 1) -> DataSets:
    """Return MNIST from its four original files: 55,000, 5,000 and 10,000 images.

    Raises:
        FileNotFoundError: One of the files is not in the directory.
        ValueError: One of them is corrupt.
    """
    images, labels = (_read_idx(directory / f"train-{kind}.gz") for kind in KINDS)
    test_images, test_labels = (_read_idx(directory / f"t10k-{kind}.gz") for kind in KINDS)
    return DataSets(
        _data_set(images[VALIDATION:], labels[VALIDATION:], seed),
        _data_set(images[:VALIDATION], labels[:VALIDATION], seed),
        _data_set(test_images, test_labels, seed),
    )


def _read_idx(path: Path) -> np.ndarray:
    """Return a uint8 array from a file of: 0, 0, 8, the number of axes, their sizes, the data."""
    try:
        content = gzip.decompress(path.read_bytes())
        *magic, axes = struct.unpack(">3BB", content[:4])
        shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
        if magic != [0, 0, 8]:
            raise ValueError("its header is wrong")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise ValueError(f"'{path}' is not a complete MNIST file: {error}") from error


def _data_set(images: np.ndarray, labels: np.ndarray, seed: int) -> DataSet:
    rows = images.reshape(-1, PIXELS).astype(np.float32) * np.float32(1 / 255)
    return DataSet(rows, labels.astype(np.int32), seed)


def read_digits(seed: int = 1) -> DataSets:
    """Return scikit-learn's 1,797 digits, resized to 28x28: 1,347, 150 and 300 images."""
    digits = load_digits()
    with tf.Graph().as_default(), tf1.Session() as session:
        enlarged = session.run(tf.image.resize(digits.images[..., None] / 16, (28, 28), "bicubic"))
    images = np.rint(np.clip(enlarged, 0, 1) * 255).astype(np.uint8)

    def hold_out(positions: np.ndarray, size: int) -> list[np.ndarray]:
        labels = digits.target[positions]
        return train_test_split(positions, test_size=size, stratify=labels, random_state=0)

    rest, test = hold_out(np.arange(len(images)), 300)
    train, validation = hold_out(rest, 150)
    splits = (train, validation, test)
    return DataSets(*(_data_set(images[split], digits.target[split], seed) for split in splits))
