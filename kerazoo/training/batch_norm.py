"""Batch normalisation over the batches of all replicas."""

from __future__ import annotations

from functools import partial

import keras
import tensorflow as tf

from kerazoo.compat import Moments, replace_moments
from kerazoo.training.collectives import SUM


def batch_normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers in which the images of a batch depend on one another."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]


def synchronize(layer: keras.layers.BatchNormalization) -> None:
    """Have a layer take its moments over all replicas' images, in one all-reduce each way."""
    layer.synchronized = True
    replace_moments(layer, partial(_moments, layer.axis))


def _moments(
    axis: int, keras_moments: Moments, inputs: tf.Tensor, mask: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    replica, rank = tf.distribute.get_replica_context(), len(inputs.shape)
    if mask is not None or replica is None:
        return keras_moments(inputs, mask)
    axes = [each for each in range(rank) if each != axis % rank]
    total, squares = (tf.reduce_sum(each, axes) for each in (inputs, tf.square(inputs)))
    size = tf.size(inputs, tf.int64) / tf.size(total, tf.int64)
    packed = tf.concat([total, squares, [tf.cast(size, inputs.dtype)]], axis=0)
    packed = replica.all_reduce(SUM, packed)
    mean, mean_of_squares = tf.split(packed[:-1] / packed[-1], 2)
    return mean, tf.maximum(mean_of_squares - tf.square(mean), 0)
