"""A convolution layer with a bias and a ReLU, as the documents build it by hand.

Source: document 000_edc3730cabfc8e8e, lines 96-111.
"""

from __future__ import annotations

import keras


def conv_layer(
    out_channel: int, k_size: int, stride: int, padding: str, stddev: float = 0.1
) -> keras.Model:
    """Return relu(conv(x) + b) as a model of colour images of any size.

    Args:
        out_channel: Number of kernels.
        k_size: Height and width of a kernel.
        stride: Step in both directions.
        padding: "same" or "valid".
        stddev: Spread of the kernels' initial values, cut at two standard deviations.

    Returns:
        A model from [batch, height, width, 3] to [batch, height', width', out_channel].
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
