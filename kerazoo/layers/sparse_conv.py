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

from kerazoo.layers.data_format import Shape, channel_axis, per_channel, strided, with_channels


@keras.saving.register_keras_serializable("kerazoo")
class SparseConv2D(keras.layers.Layer):
    """A convolution in which each map that comes out sees only some of the maps that go in.

    There are weights for the connections of the table and for no others, and nothing is multiplied
    by zero. Maps that see equally many share a kernel, `kernel_3` for those that see three.

    Args:
        connections: For each map that comes out, the numbers of those that it sees, from 0.
        kernel_size: Side of the square kernels. There is no padding, and the stride is 1.
        activation: What follows, by name or as a function; None for nothing.
        kernel_initializer: Of the kernels [side, side, seen, maps]; the biases begin as zeros.
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
        self._axis = channel_axis(self.data_format)
        self._widths = sorted({len(seen) for seen in self.connections})

    def build(self, input_shape: Shape) -> None:
        """Make a kernel for each number of maps that are seen, and the biases."""
        channels = input_shape[self._axis]
        if channels is None or max(map(max, self.connections)) >= channels:
            raise ValueError(f"the table names maps that {channels} channels do not have")
        self.kernels = [
            self.add_weight(
                shape=(*self.kernel_size, width, len(self._maps(width))),
                initializer=self.kernel_initializer,
                name=f"kernel_{width}",
            )
            for width in self._widths
        ]
        self.bias = self.add_weight(
            shape=(len(self.connections),), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any) -> Any:
        """Return the maps in the order of the table."""
        maps = []
        for width, kernel in zip(self._widths, self.kernels, strict=True):
            seen = [self.connections[place] for place in self._maps(width)]
            gathered = keras.ops.take(inputs, np.concatenate(seen), axis=self._axis)
            # a kernel of fewer channels than the maps makes groups of them
            maps.append(keras.ops.conv(gathered, kernel, data_format=self.data_format))
        made = np.concatenate([self._maps(width) for width in self._widths])
        outputs = keras.ops.concatenate(maps, axis=self._axis)
        outputs = keras.ops.take(outputs, np.argsort(made), axis=self._axis)
        return self.activation(outputs + per_channel(self.bias, self.data_format))

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

    def _maps(self, width: int) -> list[int]:
        """Return the places in the table of the maps that see so many."""
        return [place for place, seen in enumerate(self.connections) if len(seen) == width]
