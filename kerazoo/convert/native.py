"""Run weights by the library that they are for, not by kerazoo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerazoo.data import digits
from kerazoo.data.photos import center_crop, sample_photos
from kerazoo.errors import UsageError
from kerazoo.lazy import keras, tf
from kerazoo.weights import keras_applications, preprocess
from kerazoo.weights.networks import KERAS, Network
from kerazoo.weights.slim import SlimNetwork
from kerazoo.weights.source import LoadedWeights
from kerazoo.weights.transfer import set_weights
from legacy_tf1 import mnist_cnn, slim_nets
from legacy_tf1.program import Nodes, Program, mean_square, tf1

# The features before the top, by the beginning of a network's name in tf-slim.
FEATURES = {
    "vgg": "pool5/MaxPool",
    "alexnet": "pool5/MaxPool",
    "resnet": "block4/unit_3/bottleneck_v1/Relu",
    "inception": "Mixed_5c/concat",
}


def images(model: keras.Model, weights: LoadedWeights) -> np.ndarray:
    """Return images for a model, and for the one that its weights are of, if that is known.

    They are the sample photos if it has three channels, else digits.
    """
    shape = (model if weights.graph is None else weights.graph).input_shape
    height, width, channels = (side or 224 for side in shape[1:])
    if channels != 3:
        data = digits.load((height, width, channels))
        return next(iter(data.test.batches(100)))[0].numpy()
    photos = tf.image.resize(center_crop(sample_photos(), 224), (height, width)).numpy()
    known = getattr(model, "preprocessing", None) is not None
    return preprocess(model, photos) if known else photos / 255


def run(path: Path, weights: LoadedWeights, model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the logits or the features that weights give for a batch of images.

    Args:
        path: The file or checkpoint that they are in.
        weights: Those of `path`, selected for `model`.
        model: That of kerazoo with these weights, for the sizes of its layers.
        images: A batch.

    Returns:
        [batch, classes], or features [batch, height, width, channels].

    Raises:
        UsageError: The weights are of no other library.
    """
    network, source = weights.match.network, weights.source
    if weights.graph is not None:
        return logits(weights.graph)(images, training=False).numpy()
    if network is None:
        raise UsageError(f"{source.name} is for no other library to compare with")
    if network.library == KERAS:
        twin = keras_applications.as_model(model)
        if path.suffix == ".h5" and [network.name_of(key) for key in weights.names] == [
            *source.tensors
        ]:
            twin.load_weights(path)
        else:
            arrays = {network.name_of(key): weights.array(key) for key in weights.names}
            set_weights(twin, arrays, source.name)
        return logits(twin)(images, training=False).numpy()
    if not isinstance(network, SlimNetwork):
        return _forward(mnist_cnn.build, network, weights, images.reshape(len(images), -1))

    def build(dtype: tf.DType) -> Nodes:
        x = tf1.placeholder(dtype, (None, *images.shape[1:]))
        outputs = slim_nets.logits(network.name, x, model.output_shape[-1], scope=network.name)
        if not any(key.startswith(f"{network.top[-1]}/") for key in weights.names):
            features = f"/{FEATURES[network.name.partition('_')[0]]}"
            nodes = tf1.get_default_graph().get_operations()
            (outputs,) = next(each for each in nodes if each.name.endswith(features)).outputs
        return Nodes(x, outputs, mean_square(outputs))

    return _forward(build, network, weights, images, f"{network.name}/")


def logits(model: keras.Model) -> keras.Model:
    """Return a model that ends with logits instead of their softmax."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(model.input, last.input)
    if getattr(last, "activation", None) is keras.activations.softmax:
        last.activation = keras.activations.linear
    return model


def _forward(
    build: Callable[[tf.DType], Nodes],
    network: Network,
    weights: LoadedWeights,
    images: np.ndarray,
    scope: str = "",
) -> np.ndarray:
    """Return the outputs of a TF1 program for images, with weights of a checkpoint."""
    with Program(build) as program:
        with program.session.graph.as_default():
            variables = {each.op.name: each for each in tf1.global_variables()}
        for key in weights.names:
            variable = variables[f"{scope}{network.name_of(key)}"]
            initializer = variable.initializer
            program.session.run(initializer, {initializer.inputs[1]: weights.array(key)})
        return program.forward(images)
