"""Filters for vertical and horizontal lines.

Source: `cnn-notes`, lines 129-164.
"""

from __future__ import annotations

import numpy as np

from kerazoo.lazy import keras


def line_filters() -> np.ndarray:
    """Return a vertical and a horizontal line of ones in zeros, float32 [7, 7, 3, 2]."""
    filters = np.zeros((7, 7, 3, 2), np.float32)
    filters[:, 3, :, 0] = 1
    filters[3, :, :, 1] = 1
    return filters


def line_filter() -> keras.Model:
    """Return a convolution with the two fixed filters, stride 2, same padding.

    It maps [batch, height, width, 3] to [batch, height / 2, width / 2, 2], rounded up.
    """
    model = _convolution(use_bias=False)
    model.set_weights([line_filters()])
    model.trainable = False
    return model


def learned_filter() -> keras.Model:
    """Return the convolution of `line_filter` with two trainable filters and a bias."""
    return _convolution(use_bias=True)


def _convolution(use_bias: bool) -> keras.Model:
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(2, 7, 2, "same", use_bias=use_bias, name="conv")
    return keras.Model(inputs, layer(inputs), name="filter_demo")
