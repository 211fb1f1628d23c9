"""Run weights by the library that they are for, not by kerazoo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerazoo.data import digits
from kerazoo.data.photos import center_crop, sample_photos
from kerazoo.lazy import keras, tf
from kerazoo.weights import keras_applications, keras_file, preprocess, slim
from kerazoo.weights.checkpoint import Checkpoint
from legacy_tf1 import mnist_cnn, slim_nets
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def images(model: keras.Model) -> np.ndarray:
    """Return images for a model: the sample photos if it has three channels, else digits."""
    height, width, channels = (side or 224 for side in model.input_shape[1:])
    if channels != 3:
        data = digits.load((height, width, channels))
        return next(iter(data.test.batches(100)))[0].numpy()
    photos = tf.image.resize(center_crop(sample_photos(), 224), (height, width)).numpy()
    known = getattr(model, "preprocessing", None) is not None
    return preprocess(model, photos) if known else photos / 255


def run(path: Path, model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the logits or the features that the weights at `path` give for a batch of images.

    `model` is kerazoo's with these weights, for the sizes of its layers.

    Returns:
        [batch, classes], or features [batch, height, width, channels].
    """
    if path.suffix == ".keras":
        return logits(keras_file.load_model(path))(images, training=False).numpy()
    if path.suffix == ".h5":
        twin = keras_applications.as_model(model)
        twin.load_weights(path)
        return logits(twin)(images, training=False).numpy()
    checkpoint = Checkpoint(path)
    if not slim.is_slim(checkpoint.names):
        return _forward(mnist_cnn.build, checkpoint, images.reshape(len(images), -1))
    scope, network = slim.scope_and_network(checkpoint.names)

    def build(dtype: tf.DType) -> Nodes:
        x = tf1.placeholder(dtype, (None, *images.shape[1:]))
        classes = model.output_shape[-1]
        outputs = slim_nets.logits(network.name, x, classes, scope=scope.rstrip("/"))
        return Nodes(x, outputs, mean_square(outputs), saver=tf1.train.Saver())

    return _forward(build, checkpoint, images)


def logits(model: keras.Model) -> keras.Model:
    """Return a model that ends with logits instead of their softmax."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(model.input, last.input)
    if getattr(last, "activation", None) is keras.activations.softmax:
        last.activation = keras.activations.linear
    return model


def _forward(
    build: Callable[[tf.DType], Nodes], checkpoint: Checkpoint, images: np.ndarray
) -> np.ndarray:
    """Return the outputs of a TF1 program for images, with the weights of a checkpoint."""
    with Program(build) as program:
        with program.session.graph.as_default():
            program.nodes.saver.restore(program.session, checkpoint.prefix)
        return program.forward(images)
