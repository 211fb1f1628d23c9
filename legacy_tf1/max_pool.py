"""Two photos at half their size after 2x2 max pooling.

Source: `cnn-notes`, lines 180-212. The snippet calls a function `plot_color_image` that it does not
define, and has the conversion of the result to bytes in a comment.

`python -m legacy_tf1.max_pool` draws the first photo before and after pooling.
"""

import numpy as np
import tensorflow as tf

from legacy_tf1.photos import figure_path, sample_photos, show
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def build(dtype: tf.DType) -> Nodes:
    """Build 2x2 max pooling, stride 2, VALID: [batch, h, w, 3] to [batch, h / 2, w / 2, 3]."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    pooled = tf.nn.max_pool2d(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    return Nodes(x, pooled, mean_square(pooled))


def main() -> None:
    """Draw the first photo before and after pooling."""
    path = figure_path(__doc__, "max_pool_tf1.png")
    photos = sample_photos()
    with Program(build) as program:
        pooled = program.forward(photos)
    print(f"photos {list(photos.shape)} -> {list(pooled.shape)}")
    before, after = photos[0].astype(np.uint8), pooled[0].astype(np.uint8)
    height, width = after.shape[:2]
    images = {"photo, 427x640": before, f"after the pool, {height}x{width}": after}
    show(images, rows=1, path=path)


if __name__ == "__main__":
    main()
