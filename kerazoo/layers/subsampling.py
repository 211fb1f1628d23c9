"""Subsampling with trainable coefficients.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), section II.B, layers S2 and S4.
"""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.layers.data_format import Shape, channel_axis, per_channel, strided


@keras.saving.register_keras_serializable("kerazoo")
class TrainableSubsampling(keras.layers.Layer):
    """Sum squares of pixels that do not overlap, times a coefficient and plus a bias of each map.

    Args:
        pool_size: Side of a square, and distance to the next.
        activation: What follows, by name or as a function; None for nothing.
        coefficient_initializer: Of the coefficients; the biases begin as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Call:
        Takes [batch, height, width, channels], or [batch, channels, height, width], and gives the
        same with height // pool_size and width // pool_size.

    Raises:
        ValueError: `pool_size` is not a whole number of 1 or more.
    """

    def __init__(
        self,
        pool_size: int = 2,
        activation: Any = None,
        coefficient_initializer: Any = "ones",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not isinstance(pool_size, int) or pool_size < 1:
            raise ValueError(f"pool_size must be a whole number of 1 or more, not {pool_size!r}")
        self.pool_size = pool_size
        self.activation = keras.activations.get(activation)
        self.coefficient_initializer = keras.initializers.get(coefficient_initializer)
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape: Shape) -> None:
        """Make a coefficient and a bias for each map."""
        shape = (input_shape[channel_axis(self.data_format)],)
        self.coefficient = self.add_weight(
            shape=shape, initializer=self.coefficient_initializer, name="coefficient"
        )
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the smaller maps."""
        window = (self.pool_size, self.pool_size)
        means = keras.ops.average_pool(inputs, window, window, data_format=self.data_format)
        coefficient, bias = (
            per_channel(weight, self.data_format) for weight in (self.coefficient, self.bias)
        )
        return self.activation(means * self.pool_size**2 * coefficient + bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the smaller maps."""
        return strided(input_shape, self.data_format, self.pool_size, self.pool_size)

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "activation": keras.activations.serialize(self.activation),
            "coefficient_initializer": keras.initializers.serialize(self.coefficient_initializer),
            "data_format": self.data_format,
        }
