"""Two photos at half their size by 2x2 max-pooling.

Source: document 000_edc3730cabfc8e8e, lines 180-212.
"""

from __future__ import annotations

import keras
import numpy as np
from matplotlib.figure import Figure

from kerazoo.data.photos import sample_photos
from kerazoo.demos.picture import panels


def max_pool() -> keras.Model:
    """Return the pool, 2x2, stride 2, valid padding: [batch, h, w, 3] to [batch, h/2, w/2, 3]."""
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.MaxPooling2D(2, strides=2, padding="valid", name="pool")
    return keras.Model(inputs, layer(inputs), name="max_pool")


def draw() -> Figure:
    """Draw the first photo before and after the pool."""
    photos = sample_photos()
    pooled = max_pool()(photos).numpy()
    before, after = photos[0].astype(np.uint8), pooled[0].astype(np.uint8)
    height, width = after.shape[:2]
    return panels({"photo, 427x640": before, f"after the pool, {height}x{width}": after}, rows=1)
