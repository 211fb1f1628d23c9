"""Two photos seen through a filter for vertical lines and one for horizontal lines.

Source: document 000_edc3730cabfc8e8e, lines 129-164.
"""

from __future__ import annotations

import keras
import numpy as np
from matplotlib.figure import Figure

from kerazoo.data.photos import sample_photos
from kerazoo.demos.picture import panels


def line_filters() -> np.ndarray:
    """Return float32 [7, 7, 3, 2]: the middle column of the first is one, of the second the row."""
    filters = np.zeros((7, 7, 3, 2), np.float32)
    filters[:, 3, :, 0] = 1
    filters[3, :, :, 1] = 1
    return filters


def line_filter() -> keras.Model:
    """Return the convolution with the two fixed filters, stride 2, same padding.

    It goes from [batch, height, width, 3] to [batch, height/2, width/2, 2], rounded up.
    """
    model = _convolution(use_bias=False)
    model.set_weights([line_filters()])
    model.trainable = False
    return model


def learned_filter() -> keras.Model:
    """Return the same convolution with two filters to be learned, and a bias."""
    return _convolution(use_bias=True)


def _convolution(use_bias: bool) -> keras.Model:
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(2, 7, 2, "same", use_bias=use_bias, name="conv")
    return keras.Model(inputs, layer(inputs), name="filter_demo")


def draw() -> Figure:
    """Draw the filters and the maps of the first photo, learned ones before any learning."""
    photos, filters, learned = sample_photos(), line_filters(), learned_filter()
    maps = line_filter()(photos).numpy()
    initial = learned.get_weights()[0]
    return panels(
        {
            "vertical filter": filters[:, :, 0, 0],
            "horizontal filter": filters[:, :, 0, 1],
            "initial filter": initial[:, :, 0, 0],
            "vertical lines": maps[0, :, :, 0],
            "horizontal lines": maps[0, :, :, 1],
            "before learning": learned(photos).numpy()[0, :, :, 0],
        },
        rows=2,
    )
