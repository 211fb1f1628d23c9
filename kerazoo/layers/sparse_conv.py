"""Convolution over a table of connections between maps.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), section II.B, layer C3 and table I.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerazoo.layers.data_format import Shape, channel_axis, strided, with_channels


@keras.saving.register_keras_serializable("kerazoo")
class SparseConv2D(keras.layers.Layer):
    """A convolution in which each map that comes out sees only some of the maps that go in.

    There are weights for the connections of the table and for no others, and nothing is multiplied
    by zero: each connection is a convolution of one map, and the sums of them come out.

    Args:
        connections: For each map that comes out, the numbers of those that it sees, from 0.
        kernel_size: Side of the square kernels. There is no padding, and the stride is 1.
        activation: What follows, by name or as a function; None for nothing.
        kernel_initializer: Of the kernels [side, side, seen] of each map that comes out; the
            biases begin as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Call:
        Takes [batch, height, width, channels], or [batch, channels, height, width], and gives
        [batch, height - side + 1, width - side + 1, maps], or likewise.

    Raises:
        ValueError: The table is empty, or names a map twice in a row or one that does not go in.
    """

    strides = (1, 1)
    padding = "valid"
    use_bias = True

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.connections = tuple(tuple(seen) for seen in connections)
        if not self.connections or not all(
            seen and len(set(seen)) == len(seen) and min(seen) >= 0 for seen in self.connections
        ):
            raise ValueError(f"each map must see others, each of them once, unlike {connections!r}")
        self.kernel_size = (kernel_size, kernel_size)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape: Shape) -> None:
        """Make a kernel for each connection, [side, side, connections], and the biases."""
        channels = input_shape[channel_axis(self.data_format)]
        if channels is None or max(map(max, self.connections)) >= channels:
            raise ValueError(f"the table names maps that {channels} channels do not have")
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, sum(map(len, self.connections))),
            initializer=self._initial_kernel,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(len(self.connections),), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any) -> Any:
        """Return the maps in the order of the table."""
        axis = channel_axis(self.data_format)
        maps = keras.ops.moveaxis(inputs, axis, -1)
        seen = keras.ops.take(maps, np.concatenate(self.connections), axis=-1)
        kernel = keras.ops.expand_dims(self.kernel, -1)
        products = keras.ops.depthwise_conv(seen, kernel, data_format="channels_last")
        ends = np.cumsum([len(each) for each in self.connections])[:-1]
        sums = [keras.ops.sum(each, -1) for each in keras.ops.split(products, ends, axis=-1)]
        outputs = self.activation(keras.ops.stack(sums, axis=-1) + self.bias)
        return keras.ops.moveaxis(outputs, -1, axis)

    def _initial_kernel(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        """Draw at once the kernels of all maps that see equally many, then give each map its own.

        An initializer with a seed draws the same whenever it is called.
        """
        widths = np.array([len(seen) for seen in self.connections])
        kernels: dict[int, Any] = {}
        for width in np.unique(widths):
            places = np.flatnonzero(widths == width).tolist()
            drawn = self.kernel_initializer((*self.kernel_size, int(width), len(places)), dtype)
            kernels |= {place: drawn[..., number] for number, place in enumerate(places)}
        return keras.ops.concatenate([kernels[place] for place in range(len(widths))], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the maps."""
        shape = strided(input_shape, self.data_format, self.kernel_size[0])
        return with_channels(shape, self.data_format, len(self.connections))

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        return {
            **super().get_config(),
            "connections": [list(seen) for seen in self.connections],
            "kernel_size": self.kernel_size[0],
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "data_format": self.data_format,
        }

    @property
    def products(self) -> int:
        """Number of products for one position of all maps."""
        return math.prod(self.kernel_size) * sum(map(len, self.connections))
