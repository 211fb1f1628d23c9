"""Local response normalization."""

from typing import Any

from kerazoo.layers.base import FeatureMapLayer, Shape
from kerazoo.lazy import keras


@keras.saving.register_keras_serializable("kerazoo")
class LocalResponseNormalization(FeatureMapLayer):
    """Divide each element by a norm of its neighbors along the channels.

    With `half = size // 2`, channel i of the output is
    `x[i] / (k + alpha * sum(x[j] ** 2 for j from i - half to i + half)) ** beta`, where channels
    that do not exist add nothing.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional
    Neural Networks" (2012), https://doi.org/10.1145/3065386, section 3.3.

    Args:
        size: Number of channels in a sum; odd.
        k: What the sum is added to.
        alpha: Weight of the sum.
        beta: Exponent.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Raises:
        ValueError: `size` is not an odd number of 1 or more.

    >>> pixel = keras.ops.reshape([1.0, 2.0, 4.0], (1, 1, 1, 3))
    >>> [f"{x:.3f}" for x in LocalResponseNormalization(3, k=2, alpha=0.5, beta=1)(pixel)[0, 0, 0]]
    ['0.222', '0.160', '0.333']
    """

    arguments = ("size", "k", "alpha", "beta")

    def __init__(
        self,
        size: int = 5,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data_format, **options)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be an odd number of 1 or more; received {size!r}")
        self.size = size
        self.k = k
        self.alpha = alpha
        self.beta = beta

    def call(self, inputs: Any) -> Any:
        """Return the normalized inputs, of the same shape."""
        axis = self.channel_axis
        channels, half = inputs.shape[axis], self.size // 2
        squares = keras.ops.moveaxis(keras.ops.square(inputs), axis, -1)
        squares = keras.ops.pad(squares, [(0, 0), (0, 0), (0, 0), (half, half)])
        total = sum(squares[..., shift : shift + channels] for shift in range(self.size))
        total = keras.ops.moveaxis(total, -1, axis)
        return inputs / keras.ops.power(self.k + self.alpha * total, self.beta)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the inputs."""
        return input_shape
