"""Checkpoints and models to convert, made by the programs that they are of."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.errors import KerazooError
from legacy_tf1 import slim_nets
from legacy_tf1.program import tf1


def slim_graph(network: str, classes: int, size: int | None = None) -> tuple[Any, Any]:
    """Put a network of tf-slim into the current graph; return its input and its logits."""
    tf1.set_random_seed(1)
    images = tf1.placeholder(tf.float32, (None, size, size, 3))
    squeeze = {} if network.startswith("resnet") else {"spatial_squeeze": size is not None}
    return images, slim_nets.logits(network, images, classes, **squeeze)


def assert_refused(
    model: keras.Model, change: Callable[[], object], error: type[KerazooError], match: str
) -> None:
    """Assert that `change` raises, in one sentence, and leaves the model as it was."""
    before = digest(model)
    with pytest.raises(error, match=match) as caught:
        change()
    assert "\n" not in str(caught.value)
    assert digest(model) == before
    assert getattr(model, "preprocessing", None) is None


def assert_same_weights(model: keras.Model, other: keras.Model) -> None:
    """Assert that two models have the same weights in the same order, to the bit."""
    for weight, others in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), others.numpy())


def digest(model: keras.Model) -> str:
    """Return a sha256 of all the weights of a model."""
    found = hashlib.sha256()
    for weight in model.weights:
        found.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return found.hexdigest()


def relative_error(wanted: np.ndarray, got: np.ndarray) -> float:
    """Return the largest difference as a share of the largest number wanted."""
    assert wanted.shape == got.shape
    return float(np.abs(wanted - got).max() / np.abs(wanted).max())


def cut_short(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
