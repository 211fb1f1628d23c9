"""Checkpoints that `legacy_tf1/mnist_cnn` saves, and restores.

Source: `cnn-notes`, lines 264-314. `tf.layers` names its variables as Keras does,
`conv1/kernel`; the program also saves Adam's state, and needs it to restore a checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerazoo import registry, text
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import checkpoint_writer
from kerazoo.weights.networks import Network, named_weights, weight_arrays
from kerazoo.weights.preprocessing import UNIT, Preprocessing

LAYERS = ("conv1", "conv2", "fc1", "output")
NETWORK = Network(
    "the TF1 program", ModelConfig("mnist_cnn"), {name: name for name in LAYERS}, LAYERS[2:], UNIT
)
# Adam's state before the first step: beta1, beta2, and no moments
POWERS = {
    "train/beta1_power": np.array(0.9, np.float32),
    "train/beta2_power": np.array(0.999, np.float32),
}
SLOTS = ("Adam", "Adam_1")


def write(model: keras.Model, path: Path) -> Preprocessing:
    """Write the weights of an mnist_cnn as a checkpoint that the TF1 program restores.

    Returns:
        What that program does to an image.

    Raises:
        UsageError: The model has other layers than the program, or of other sizes.
    """
    weights = weight_arrays(model)
    if weights.keys() != set(NETWORK.weights()):
        raise UsageError(f"the TF1 program is mnist_cnn, and '{model.name}' has other layers")
    with shapes_only():
        program = named_weights(registry.constructor(NETWORK.config.name)())
    for key, array in weights.items():
        if array.shape != (shape := tuple(program[key].shape)):
            sizes = f"{text.shape(shape)}, and that of '{model.name}' {text.shape(array.shape)}"
            raise UsageError(f"{key} of the TF1 program is {sizes}")
    moments = {
        f"{key}/{slot}": np.zeros_like(array) for key, array in weights.items() for slot in SLOTS
    }
    checkpoint_writer.write(path, {**weights, **moments, **POWERS})
    return UNIT
