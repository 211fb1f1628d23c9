"""Local response normalisation.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks" (2012), section 3.3.
"""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.layers.data_format import Shape, channel_axis


@keras.saving.register_keras_serializable("kerazoo")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide each value by a norm of its neighbours in the channels next to its own.

    With `half = size // 2`, channel i of the output is
    `x[i] / (k + alpha * sum(x[j] ** 2 for j from i - half to i + half)) ** beta`, where channels
    that do not exist count nothing.

    Args:
        size: Number of channels in a sum; odd.
        k: What the sum is added to.
        alpha: Weight of the sum.
        beta: Exponent.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Call:
        Takes and gives [batch, height, width, channels], or [batch, channels, height, width].

    Raises:
        ValueError: `size` is not an odd number of 1 or more.
    """

    def __init__(
        self,
        size: int = 5,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be an odd number of 1 or more, not {size!r}")
        self.size = size
        self.k = k
        self.alpha = alpha
        self.beta = beta
        self.data_format = data_format or keras.config.image_data_format()

    def call(self, inputs: Any) -> Any:
        """Return the normalised values, of the shape of the inputs."""
        axis = channel_axis(self.data_format)
        channels, half = inputs.shape[axis], self.size // 2
        squares = keras.ops.moveaxis(keras.ops.square(inputs), axis, -1)
        squares = keras.ops.pad(squares, [(0, 0), (0, 0), (0, 0), (half, half)])
        total = sum(squares[..., shift : shift + channels] for shift in range(self.size))
        total = keras.ops.moveaxis(total, -1, axis)
        return inputs / keras.ops.power(self.k + self.alpha * total, self.beta)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        names = ("size", "k", "alpha", "beta", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
