"""Spatially separable convolution: a kernel of a column times a row."""

from typing import Any

import numpy as np

from kerazoo.layers.base import FeatureMapLayer, Shape
from kerazoo.lazy import keras


@keras.saving.register_keras_serializable("kerazoo")
class SpatiallySeparableConv2D(FeatureMapLayer):
    """A convolution with kernels of rank one, computed as two: by a column, then by a row.

    It equals a Conv2D with the kernel `column[i, c, f] * row[j, f]` at row i, column j, channel c
    and filter f. One 3x3 filter of one channel has six weights and multiplications, not nine.

    Source: `cnn-study`, lines 247-260.

    Args:
        filters: Number of output feature maps.
        kernel_size: Side of the square kernels.
        strides: Step of the window, in pixels.
        padding: "valid" or "same".
        activation: Of the outputs, by name or as a function; None for none.
        use_bias: Whether to add a bias per filter.
        kernel_initializer: Of the columns and the rows; the biases start as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.
    """

    arguments = ("filters", "kernel_size", "strides", "padding", "use_bias")

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
        super().__init__(data_format, **options)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        """Add the columns [side, 1, channels, filters], the rows [1, side, 1, filters], biases."""
        side, initializer = self.kernel_size, self.kernel_initializer
        column = (side, 1, input_shape[self.channel_axis], self.filters)
        row = (1, side, 1, self.filters)
        self.column = self.add_weight(shape=column, initializer=initializer, name="column")
        self.row = self.add_weight(shape=row, initializer=initializer, name="row")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return feature maps of the shape that Conv2D returns."""
        x = inputs
        for kernel, strides in ((self.column, (self.strides, 1)), (self.row, (1, self.strides))):
            x = keras.ops.conv(x, kernel, strides, self.padding, self.data_format)
        if self.use_bias:
            x = x + self.per_channel(self.bias)
        return self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the feature maps."""
        window = (self.kernel_size, self.strides, self.padding)
        return self.window_shape(input_shape, *window, channels=self.filters)


def separate(kernel: Any, tolerance: float = 1e-6) -> tuple[np.ndarray, np.ndarray]:
    """Return the column and the row whose product is a kernel.

    A kernel can be separated if it is a matrix of rank one, so that its rows are multiples of one
    another; with several channels, if all rows of a filter are multiples of one row.

    Args:
        kernel: [height, width], or [height, width, channels, filters].
        tolerance: Largest part of the kernel's norm that may be lost.

    Returns:
        [height] and [width]; or [height, 1, channels, filters] and [1, width, 1, filters], the
        weights of `SpatiallySeparableConv2D`.

    Raises:
        ValueError: The kernel cannot be separated.

    >>> column, row = separate([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    >>> np.outer(column, row).round(6).tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    kernel = np.asarray(kernel)
    kernels = kernel[..., None, None] if kernel.ndim == 2 else kernel
    height, width, channels, filters = kernels.shape
    matrices = np.transpose(kernels, (3, 0, 2, 1)).reshape(filters, height * channels, width)
    left, values, right = np.linalg.svd(matrices, full_matrices=False)
    lost = np.sqrt((values[:, 1:] ** 2).sum(axis=1))
    if (lost > tolerance * np.sqrt((values**2).sum(axis=1))).any():
        rank = int((values > tolerance * values[:, :1]).sum(axis=1).max())
        raise ValueError(f"a kernel of rank {rank} cannot be separated: it must have rank 1")
    scale = np.sqrt(values[:, :1])
    column = (left[:, :, 0] * scale).reshape(filters, height, 1, channels)
    row = right[:, 0] * scale
    if kernel.ndim == 2:
        return column.ravel(), row.ravel()
    return np.transpose(column, (1, 2, 3, 0)), row.T[None, :, None, :]
