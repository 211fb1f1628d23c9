"""The training loop of the study notes, for benchmarks."""

from collections.abc import Callable

import numpy as np

from legacy_tf1.mnist_cnn import build, train_epoch
from legacy_tf1.mnist_data import DataSet
from legacy_tf1.program import Program


def epoch(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Callable[[], None]:
    """Return a function that trains `legacy_tf1.mnist_cnn` for an epoch.

    Args:
        images: uint8 [size, 28, 28, 1].
        labels: Integers [size].
        batch_size: Images per step.
    """
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    program, data = Program(build), DataSet(rows, labels)

    def run() -> None:
        train_epoch(program, data, batch_size)

    return run
