"""A convolution layer from TensorFlow's basic operations.

Source: `cnn-notes`, lines 99-107. The snippet cannot run as printed; corrected here:

- it returns its input `x` instead of its result `y`, and uses an undefined name `stddev`;
- it calls `tf.nn.conv2d` with `filter=`, which TensorFlow has renamed to `filters=` (line 103);
- it reads `x.shape[3].value`; in TensorFlow 2 the sizes of a shape are integers (line 100).

`python -m legacy_tf1.conv_layer` prints the shapes of lines 109-111.
"""

import tensorflow as tf

from legacy_tf1.photos import sample_photos
from legacy_tf1.program import Nodes, Program, mean_square, tf1


def conv_layer(
    x: tf.Tensor, out_channel: int, k_size: int, stride: int, padding: str, stddev: float = 0.1
) -> tf.Tensor:
    """Return relu(conv(x) + b).

    Args:
        x: Images [batch, height, width, in_channel].
        out_channel: Number of filters.
        k_size: Height and width of a filter, in pixels.
        stride: Step in both directions, in pixels.
        padding: "SAME" or "VALID".
        stddev: Standard deviation of the initial kernel's truncated normal distribution.
    """
    in_channel = x.shape[3]
    shape = [k_size, k_size, in_channel, out_channel]
    kernel = tf1.truncated_normal(shape, mean=0, stddev=stddev, dtype=x.dtype)
    w = tf1.Variable(kernel, name="w")
    b = tf1.Variable(tf.zeros(out_channel, x.dtype), name="b")
    y = tf.nn.conv2d(x, filters=w, strides=[1, stride, stride, 1], padding=padding)
    y = tf.nn.bias_add(y, b)
    return tf.nn.relu(y)


def build(dtype: tf.DType) -> Nodes:
    """Build one layer with eight 3x3 filters, stride 2, for color images of any size."""
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    y = conv_layer(x, out_channel=8, k_size=3, stride=2, padding="SAME")
    return Nodes(x, y, mean_square(y))


def main() -> None:
    """Print the shapes of input, weights and output on the two photos."""
    photos = sample_photos()
    with Program(build) as program:
        w, y = program.weights["w"], program.forward(photos)
    print(f"input x [batch, height, width, in_channel]: {list(photos.shape)}")
    print(f"weights w [height, width, in_channel, out_channel]: {list(w.shape)}")
    print(f"output y [batch, height, width, out_channel]: {list(y.shape)}")


if __name__ == "__main__":
    main()
