"""Two photos at half their size by 2x2 max-pooling.

Source: document 000_edc3730cabfc8e8e, lines 180-212. The snippet calls a `plot_color_image` that it
does not define, and leaves the conversion of the result to bytes commented out.

Run it: `python -m legacy_tf1.max_pool` shows the first photo before and after.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from legacy_tf1.photos import picture_path, sample_photos, show
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def build(dtype: tf.DType) -> Nodes:
    """Put the pool, 2x2, stride 2, VALID, into the current graph; [b, h, w, 3] to [b, h/2, ..]."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    pooled = tf.nn.max_pool2d(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    return Nodes(x, pooled, mean_square(pooled))


def main() -> None:
    """Show the first photo and the same after the pool."""
    path = picture_path(__doc__, "max_pool_tf1.png")
    photos = sample_photos()
    with Program(build) as program:
        pooled = program.forward(photos)
    print(f"photos {list(photos.shape)} became {list(pooled.shape)}")
    figure, axes = plt.subplots(1, 2, figsize=(12, 4))
    for axis, (title, image) in zip(
        axes, {"photo": photos[0], "after the pool": pooled[0]}.items(), strict=True
    ):
        axis.imshow(image.astype(np.uint8))
        axis.set_title(f"{title}, {image.shape[0]}x{image.shape[1]}")
        axis.axis("off")
    show(figure, path)


if __name__ == "__main__":
    main()
