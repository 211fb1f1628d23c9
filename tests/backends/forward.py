"""What models and layers give on whatever backend Keras runs on: `forward FOLDER NAME ...`."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerazoo
from kerazoo import layers, registry
from kerazoo.models.googlenet import inception_module
from kerazoo.models.resnet import basic, bottleneck

LAYERS: dict[str, Callable[[], keras.Layer]] = {
    "LocalResponseNormalization": layers.LocalResponseNormalization,
    "MatmulConv2D": lambda: layers.MatmulConv2D(4, (5, 4), padding="same"),
    "SparseConv2D": lambda: layers.SparseConv2D([[0, 2], [1, 3, 4], [4]], 3),
    "SpatialPyramidPooling": lambda: layers.SpatialPyramidPooling((1, 2, 4)),
    "SpatiallySeparableConv2D": lambda: layers.SpatiallySeparableConv2D(4, 3, 2, "same"),
    "TrainableSubsampling": lambda: layers.TrainableSubsampling(2, layers.scaled_tanh),
}
BLOCKS: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "basic": lambda x: basic(x, 4, "basic", stride=2),
    "bottleneck": lambda x: bottleneck(x, 2, "bottleneck", stride=2),
    "inception_module": lambda x: inception_module(x, (2,) * 6, "inception"),
    "radial_basis": lambda x: layers.RadialBasis([[1, -1], [0.5, 2]])(
        keras.layers.Dense(2)(keras.layers.Flatten()(x))
    ),
}
SMALL = [*LAYERS, *BLOCKS]


def forward(name: str) -> np.ndarray:
    """Return the outputs of a layer, a block or a model, of the same weights on every backend."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 9, 8, 5))
    if name in LAYERS:
        computed = LAYERS[name]()
        computed.build(images.shape)
    elif name in BLOCKS:
        inputs = keras.Input(images.shape[1:])
        computed = keras.Model(inputs, BLOCKS[name](inputs))
    else:
        computed = kerazoo.create_model(name, classifier_activation=None)
        images = rng.random((1, *registry.find(name).input_shape))
    for weight in computed.weights:
        weight.assign(_values(weight, rng))
    return keras.ops.convert_to_numpy(computed(images.astype(np.float32)))


def _values(weight: Any, rng: np.random.Generator) -> np.ndarray:
    """Return a kernel that keeps the size of what it is given, a small scale, a vector near 1."""
    shape = tuple(weight.shape)
    if len(shape) > 1:
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        return rng.standard_normal(shape, np.float32) * np.float32(deviation)
    low, high = (0.1, 0.3) if weight.name == "gamma" else (0.5, 1.5)
    return rng.uniform(low, high, shape).astype(np.float32)


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for initializer in (keras.initializers.GlorotUniform, keras.initializers.HeNormal):
        # most of the time would go into drawing values that are replaced at once
        initializer.__call__ = keras.initializers.Zeros.__call__
    for name in names:
        np.save(Path(folder) / name, forward(name))
        gc.collect()  # models are made of cycles
