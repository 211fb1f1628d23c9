"""Images of 16 pixels, and models of a few weights to train on them."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.data.images import ArraySplit, ImageData
from kerazoo.training.cluster import Cluster
from kerazoo.training.replicas import Replicas

CLASSES = 3
SHAPE = (4, 4, 1)


def random_split(size: int, seed: int = 0) -> ArraySplit:
    """Return so many random images with random labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (size, *SHAPE)).astype(np.uint8)
    return ArraySplit(images, rng.integers(0, CLASSES, size), SHAPE)


def random_data(train: int, validation: int = 8, test: int = 11) -> ImageData:
    """Return data of three such splits."""
    first, second, third = map(random_split, (train, validation, test), range(3))
    return ImageData("random", ("a", "b", "c"), SHAPE, first, second, third, "")


def softmax_regression(decay: keras.Regularizer | None = None) -> keras.Model:
    """Return the smallest model: its gradient is known by hand."""
    inputs = keras.Input(SHAPE)
    pixels = keras.layers.Flatten()(inputs)
    outputs = keras.layers.Dense(CLASSES, kernel_regularizer=decay)(pixels)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.001, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def convolution() -> keras.Model:
    """Return a model that oneDNN computes."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Flatten()(x)))
    model.compile(keras.optimizers.SGD(0.05))
    return model


def normalized(dropout: float = 0) -> keras.Model:
    """Return a model whose images depend on one another while it is trained."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Conv2D(4, 3)(inputs))
    x = keras.layers.Dropout(dropout)(keras.layers.Flatten()(x))
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(x))
    model.compile(keras.optimizers.SGD(0.05))
    return model


def two_replicas() -> Replicas:
    """Return two replicas of one process, which must not have computed anything."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return Replicas("mirrored", Cluster())
