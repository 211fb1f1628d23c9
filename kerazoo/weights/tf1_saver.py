"""Checkpoints that `legacy_tf1/mnist_cnn` saves, and restores.

Source: `cnn-notes`, lines 264-314. `tf.layers` names its variables as Keras does,
`conv1/kernel`; the program also saves Adam's state, and needs it to restore a checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import checkpoint
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.preprocessing import UNIT, Preprocessing
from kerazoo.weights.transfer import LoadedWeights, weight_arrays

LAYERS = ("conv1", "conv2", "fc1", "output")
WEIGHTS = {f"{layer}/{kind}" for layer in LAYERS for kind in ("kernel", "bias")}
# Adam's state before the first step: beta1, beta2, and no moments
POWERS = {
    "train/beta1_power": np.array(0.9, np.float32),
    "train/beta2_power": np.array(0.999, np.float32),
}
SLOTS = ("Adam", "Adam_1")


def read(file: Checkpoint) -> LoadedWeights:
    """Return the weights in a checkpoint.

    Raises:
        CorruptFileError: The checkpoint cannot be read.
    """
    weights, skipped = file.weights()
    tensors = {name: (name, file.tensor(name)) for name in weights}
    config = ModelConfig("mnist_cnn") if {*weights} == WEIGHTS else None
    return LoadedWeights(file.name, tensors, skipped, LAYERS[2:], UNIT, config)


def write(model: keras.Model, path: Path) -> Preprocessing:
    """Write the weights of an mnist_cnn as a checkpoint that the TF1 program restores.

    Returns:
        What that program does to an image.

    Raises:
        UsageError: The model has other layers than the program.
    """
    weights = weight_arrays(model)
    if weights.keys() != WEIGHTS:
        raise UsageError(f"the TF1 program is mnist_cnn, and '{model.name}' has other layers")
    moments = {
        f"{key}/{slot}": np.zeros_like(array) for key, array in weights.items() for slot in SLOTS
    }
    checkpoint.write(path, {**weights, **moments, **POWERS})
    return UNIT
