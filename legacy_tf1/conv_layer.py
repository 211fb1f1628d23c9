"""A convolution layer from TensorFlow's plain operations.

Source: document 000_edc3730cabfc8e8e, lines 99-107. Its helper cannot run as printed; mended here:

- it returns its input `x`, where its result `y` is meant;
- it reads a name `stddev` that is defined nowhere, an argument here;
- it calls `tf.nn.conv2d` with `filter=`, which TensorFlow has renamed to `filters=` (line 103);
- it reads `x.shape[3].value`; in TensorFlow 2 the entries of a shape are plain numbers (line 100).

Run it: `python -m legacy_tf1.conv_layer` prints the shapes that lines 109-111 name.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from legacy_tf1.photos import sample_photos
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def conv_layer(
    x: tf.Tensor,
    out_channel: int,
    k_size: int,
    stride: int,
    padding: str,
    stddev: float = 0.1,
) -> tf.Tensor:
    """Return relu(conv(x) + b).

    Args:
        x: Images [batch, height, width, in_channel].
        out_channel: Number of kernels.
        k_size: Height and width of a kernel.
        stride: Step in both directions.
        padding: "SAME" or "VALID".
        stddev: Spread of the kernels' initial values, cut at two standard deviations.
    """
    in_channel = x.shape[3]
    shape = [k_size, k_size, in_channel, out_channel]
    kernel = tf1.truncated_normal(shape, mean=0, stddev=stddev, dtype=x.dtype)
    w = tf1.Variable(kernel, name="w")
    b = tf1.Variable(tf.zeros(out_channel, x.dtype), name="b")
    y = tf.nn.conv2d(x, filters=w, strides=[1, stride, stride, 1], padding=padding)
    y = tf.nn.bias_add(y, b)
    return tf.nn.relu(y)


def build(
    dtype: tf.DType, out_channel: int = 8, k_size: int = 3, stride: int = 2, padding: str = "SAME"
) -> Nodes:
    """Put one layer over colour images of any size into the current graph."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    y = conv_layer(x, out_channel, k_size, stride, padding)
    return Nodes(x, y, mean_square(y))


def main() -> None:
    """Print the shapes of input, weights and output on the two photos."""
    photos = sample_photos()
    with Program(build) as program:
        shapes: dict[str, Any] = {
            "input x [batch, height, width, in_channel]": photos.shape,
            "weights w [height, width, in_channel, out_channel]": program.weights["w"].shape,
            "output y [batch, height, width, out_channel]": program.forward(photos).shape,
        }
    for name, shape in shapes.items():
        print(f"{name}: {list(shape)}")


if __name__ == "__main__":
    main()
