"""Max pooling, 2x2; source: `cnn-notes`, lines 180-212."""

from __future__ import annotations

from kerazoo.lazy import keras


def max_pool() -> keras.Model:
    """Return 2x2 max pooling with stride 2 and valid padding.

    It maps [batch, height, width, 3] to [batch, height / 2, width / 2, 3], rounded down.
    """
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.MaxPooling2D(2, strides=2, padding="valid", name="pool")
    return keras.Model(inputs, layer(inputs), name="max_pool")
