"""A convolution layer with a bias and a ReLU."""

from __future__ import annotations

from kerazoo.lazy import keras


def conv_layer(
    out_channel: int, k_size: int, stride: int, padding: str, stddev: float = 0.1
) -> keras.Model:
    """Return relu(conv(x) + b) as a model for color images of any size.

    Source: `cnn-notes`, lines 96-111.

    Args:
        out_channel: Number of filters.
        k_size: Height and width of a filter, in pixels.
        stride: Step in both directions, in pixels.
        padding: "same" or "valid".
        stddev: Standard deviation of the initial kernel's truncated normal distribution.

    Returns:
        A model from [batch, height, width, 3] to [batch, new height, new width, out_channel].

    >>> conv_layer(8, k_size=3, stride=2, padding="same").compute_output_shape((1, 427, 640, 3))
    (1, 214, 320, 8)
    """
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(
        out_channel,
        k_size,
        stride,
        padding,
        activation="relu",
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=stddev),
        name="conv",
    )
    return keras.Model(inputs, layer(inputs), name="conv_layer")
