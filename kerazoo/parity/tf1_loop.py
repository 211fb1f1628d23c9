"""The document's own training loop, each batch fed from NumPy, for those who time it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from legacy_tf1.mnist_cnn import build
from legacy_tf1.mnist_data import DataSet
from legacy_tf1.program import Program


def epoch(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Callable[[], None]:
    """Return what takes an epoch's steps of `legacy_tf1.mnist_cnn`.

    Source: document 000_edc3730cabfc8e8e, lines 301-309.

    Args:
        images: uint8 [size, 28, 28, 1].
        labels: Integers [size].
        batch_size: Images of a step.
    """
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    data, program = DataSet(rows, labels), Program(build)

    def run() -> None:
        nodes = program.nodes
        for _ in range(len(rows) // batch_size):
            batch = data.next_batch(batch_size)
            feed = dict(zip((nodes.inputs, nodes.labels), batch, strict=True))
            program.session.run(nodes.training_op, feed)

    return run
