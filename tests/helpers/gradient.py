"""The part of the input that an output depends on, found by its gradient alone."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def opened(model: keras.Model) -> keras.Model:
    """Return the model with nothing in it that could hide a dependence.

    Mean pooling stands in for max pooling, and a sum for a maximum; weights are positive, and so
    small that no activation saturates.
    """

    def replaced(layer: keras.Layer) -> keras.Layer:
        name = type(layer).__name__
        config = layer.get_config()
        if name.startswith("MaxPooling"):
            return getattr(keras.layers, name.replace("Max", "Average")).from_config(config)
        kind = keras.layers.Add if isinstance(layer, keras.layers.Maximum) else type(layer)
        return kind.from_config(config)

    clone = keras.models.clone_model(model, clone_function=replaced)
    for weight in clone.weights:
        ones = weight.name in ("gamma", "moving_variance", "variance")
        terms = math.prod(weight.shape[:-1])
        scale = 1.0 if ones else 0.5 / terms if len(weight.shape) > 1 else 0.0
        weight.assign(np.full(weight.shape, scale))
    return clone


def seen_by_gradient(
    model: keras.Model, layer: str, position: Sequence[Any], axes: Sequence[int] = (1, 2)
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return first pixel and one past the last, by axis, with a gradient from a position.

    Args:
        model: A model that `opened` has returned.
        layer: Name of the layer.
        position: Index in the layer's output after the batch axis.
        axes: The axes of the input that are of interest.
    """
    part = keras.Model(model.inputs, model.get_layer(layer).output)
    shape = (1, *model.inputs[0].shape[1:])
    images = tf.constant(np.random.default_rng(1).uniform(0.5, 1, shape))
    with tf.GradientTape() as tape:
        tape.watch(images)
        output = tf.reduce_sum(part(images, training=False)[(0, *position)])
    seen = tape.gradient(output, images).numpy() != 0
    spans = []
    for axis in axes:
        others = tuple(other for other in range(seen.ndim) if other != axis)
        inside = np.flatnonzero(seen.any(axis=others))
        spans.append((int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0))
    starts, stops = zip(*spans, strict=True)
    return starts, stops
