"""Two photos seen through a filter for vertical lines and one for horizontal lines.

Source: document 000_edc3730cabfc8e8e, lines 129-164, with the learned convolution of lines 148
and 151. The snippet forgets to import matplotlib.pyplot as plt.

Run it: `python -m legacy_tf1.filter_demo` shows the filters and what they see.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from tf_keras.api._v1.keras.__internal__.legacy import layers

from legacy_tf1.photos import picture_path, sample_photos, show
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def line_filters() -> np.ndarray:
    """Return float32 [7, 7, 3, 2]: ones along the middle column, ones along the middle row."""
    filters = np.zeros(shape=(7, 7, 3, 2), dtype=np.float32)
    filters[:, 3, :, 0] = 1  # vertical line
    filters[3, :, :, 1] = 1  # horizontal line
    return filters


def build(dtype: tf.DType) -> Nodes:
    """Put the fixed filters, stride 2, SAME, into the current graph; [b, h, w, 3] to [.., 2]."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    filters = tf.constant(line_filters(), dtype)
    convolution = tf.nn.conv2d(x, filters, strides=[1, 2, 2, 1], padding="SAME")
    return Nodes(x, convolution, mean_square(convolution))


def build_learned(dtype: tf.DType) -> Nodes:
    """Put the same convolution with filters to be learned, and a bias, into the current graph."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    begin = tf1.glorot_uniform_initializer()
    conv = layers.conv2d(x, 2, 7, [2, 2], "SAME", kernel_initializer=begin, name="conv")
    return Nodes(x, conv, mean_square(conv))


def main() -> None:
    """Show the filters, the first photo's maps, and one of filters that nothing was taught."""
    path = picture_path(__doc__, "filter_demo_tf1.png")
    photos = sample_photos()
    with Program(build) as program:
        maps = program.forward(photos)
    with Program(build_learned) as program:
        initial = program.weights["conv/kernel"]
        untaught = program.forward(photos)
    print(f"photos {list(photos.shape)} became maps {list(maps.shape)}")
    show(_draw(maps, initial, untaught), path)


def _draw(maps: np.ndarray, initial: np.ndarray, untaught: np.ndarray) -> Figure:
    filters = line_filters()
    panels = {
        "vertical filter": filters[:, :, 0, 0],
        "horizontal filter": filters[:, :, 0, 1],
        "initial filter": initial[:, :, 0, 0],
        "vertical lines": maps[0, :, :, 0],
        "horizontal lines": maps[0, :, :, 1],
        "before learning": untaught[0, :, :, 0],
    }
    figure, axes = plt.subplots(2, 3, figsize=(12, 6), facecolor="lightgrey")
    for axis, (title, image) in zip(axes.flat, panels.items(), strict=True):
        axis.imshow(image, cmap="gray", interpolation="nearest")
        axis.set_title(title)
        axis.axis("off")
    return figure


if __name__ == "__main__":
    main()
