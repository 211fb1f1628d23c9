"""Spatially separable convolution: a kernel of a column times a row.

Source: study document 003_f507a061fff3ec1f, lines 247-260.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerazoo.layers.data_format import Shape, channel_axis, per_channel, strided, with_channels


@keras.saving.register_keras_serializable("kerazoo")
class SpatiallySeparableConv2D(keras.layers.Layer):
    """A convolution whose kernels are of rank one, computed as two: a column's, then a row's.

    It is the Conv2D with the kernel `column[i, c, f] * row[j, f]` at row i, column j, channel c and
    filter f: for one channel and one filter of 3x3, six weights and products instead of nine.

    Args:
        filters: Number of maps that come out.
        kernel_size: Side of the square kernels.
        strides: Distance from window to window.
        padding: "valid" or "same".
        activation: What follows, by name or as a function; None for nothing.
        use_bias: Whether a bias is added to each map.
        kernel_initializer: Of the columns and the rows; the biases begin as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Call:
        Takes and gives what Conv2D does.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape: Shape) -> None:
        """Make the columns [side, 1, channels, filters], the rows [1, side, 1, filters], biases."""
        channels, side = input_shape[channel_axis(self.data_format)], self.kernel_size
        self.column, self.row = (
            self.add_weight(shape=shape, initializer=self.kernel_initializer, name=name)
            for name, shape in (
                ("column", (side, 1, channels, self.filters)),
                ("row", (1, side, 1, self.filters)),
            )
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the maps."""
        x = inputs
        for kernel, strides in ((self.column, (self.strides, 1)), (self.row, (1, self.strides))):
            x = keras.ops.conv(x, kernel, strides, self.padding, self.data_format)
        if self.use_bias:
            x = x + per_channel(self.bias, self.data_format)
        return self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the maps."""
        window = 1 if self.padding == "same" else self.kernel_size
        shape = strided(input_shape, self.data_format, window, self.strides)
        return with_channels(shape, self.data_format, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        names = ("filters", "kernel_size", "strides", "padding", "use_bias", "data_format")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def separate(kernel: Any, tolerance: float = 1e-6) -> tuple[np.ndarray, np.ndarray]:
    """Return the column and the row whose product is a kernel.

    A kernel can be separated if its rows are multiples of one another, in other words if it is a
    matrix of rank one; with several channels, if all of a filter's are multiples of one row.

    Args:
        kernel: [height, width], or [height, width, channels, filters].
        tolerance: Largest part of the kernel's length that may be lost.

    Returns:
        [height] and [width]; or [height, 1, channels, filters] and [1, width, 1, filters], as
        `SpatiallySeparableConv2D` has them.

    Raises:
        ValueError: The kernel cannot be separated.
    """
    values = np.asarray(kernel)
    whole = values[..., None, None] if values.ndim == 2 else values
    height, width, channels, filters = whole.shape
    matrices = np.transpose(whole, (3, 0, 2, 1)).reshape(filters, height * channels, width)
    left, lengths, right = np.linalg.svd(matrices, full_matrices=False)
    lost = np.sqrt((lengths[:, 1:] ** 2).sum(axis=1))
    if (lost > tolerance * np.sqrt((lengths**2).sum(axis=1))).any():
        rank = int((lengths > tolerance * lengths[:, :1]).sum(axis=1).max())
        raise ValueError(f"a kernel of rank {rank} is no column times a row: that has rank 1")
    scale = np.sqrt(lengths[:, 0])
    column = (left[:, :, 0] * scale[:, None]).reshape(filters, height, 1, channels)
    row = right[:, 0] * scale[:, None]
    if values.ndim == 2:
        return column.ravel(), row.ravel()
    return np.transpose(column, (1, 2, 3, 0)), row.T[None, :, None, :]
