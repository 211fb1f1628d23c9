"""Two photos convolved with a filter for vertical lines and one for horizontal lines.

Source: `cnn-notes`, lines 129-164, with the learned convolution of lines 148 and 151. The snippet
lacks `import matplotlib.pyplot as plt`.

`python -m legacy_tf1.filter_demo` draws the filters and their feature maps.
"""

import numpy as np
import tensorflow as tf
from tf_keras.api._v1.keras.__internal__.legacy import layers  # `tf.layers`, as tf-keras has it

from legacy_tf1.photos import figure_path, sample_photos, show
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def line_filters() -> np.ndarray:
    """Return float32 [7, 7, 3, 2]: ones along the middle column, ones along the middle row."""
    filters = np.zeros(shape=(7, 7, 3, 2), dtype=np.float32)
    filters[:, 3, :, 0] = 1  # vertical line
    filters[3, :, :, 1] = 1  # horizontal line
    return filters


def build(dtype: tf.DType) -> Nodes:
    """Build the fixed filters, stride 2, SAME: [batch, h, w, 3] to [batch, h / 2, w / 2, 2]."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    filters = tf.constant(line_filters(), dtype)
    convolution = tf.nn.conv2d(x, filters, strides=[1, 2, 2, 1], padding="SAME")
    return Nodes(x, convolution, mean_square(convolution))


def build_learned(dtype: tf.DType) -> Nodes:
    """Build the same convolution with trainable filters and a bias."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    glorot = tf1.glorot_uniform_initializer()
    conv = layers.conv2d(x, 2, 7, [2, 2], "SAME", kernel_initializer=glorot, name="conv")
    return Nodes(x, conv, mean_square(conv))


def main() -> None:
    """Draw the line filters, an untrained filter, and their feature maps of the first photo."""
    path = figure_path(__doc__, "filter_demo_tf1.png")
    photos, filters = sample_photos(), line_filters()
    with Program(build) as program:
        lines = program.forward(photos)
    with Program(build_learned) as program:
        initial = program.weights["conv/kernel"]
        untrained = program.forward(photos)
    print(f"photos {list(photos.shape)} -> feature maps {list(lines.shape)}")
    images = {
        "vertical filter": filters[:, :, 0, 0],
        "horizontal filter": filters[:, :, 0, 1],
        "initial filter": initial[:, :, 0, 0],
        "vertical lines": lines[0, :, :, 0],
        "horizontal lines": lines[0, :, :, 1],
        "before learning": untrained[0, :, :, 0],
    }
    show(images, rows=2, path=path)


if __name__ == "__main__":
    main()
