"""Batch normalisation over the batches of all replicas."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from kerazoo.compat import set_moments
from kerazoo.training.collectives import SUM


def batch_normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers in which the images of a batch depend on one another."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]


def synchronize(layer: keras.layers.BatchNormalization) -> None:
    """Have a layer take its moments over all replicas' images, in one exchange each way."""
    layer.synchronized = True
    own = layer._moments

    def moments(inputs: tf.Tensor, mask: tf.Tensor | None) -> tuple[Any, Any]:
        replica = tf.distribute.get_replica_context()
        if mask is not None or replica is None:
            return own(inputs, mask)
        axes = [axis for axis in range(len(inputs.shape)) if axis != layer.axis % len(inputs.shape)]
        total, squares = (tf.reduce_sum(each, axes) for each in (inputs, tf.square(inputs)))
        count = tf.cast(tf.size(inputs) / tf.size(total), inputs.dtype)
        three = tf.stack([total, squares, tf.fill(tf.shape(total), count)])
        total, squares, count = tf.unstack(replica.all_reduce(SUM, three))
        mean = total / count
        return mean, tf.maximum(squares / count - tf.square(mean), 0)

    set_moments(layer, moments)
