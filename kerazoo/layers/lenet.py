"""The layers of LeNet-5.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), https://doi.org/10.1109/5.726791, section II.B and appendix A.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerazoo.layers.base import FeatureMapLayer, Shape
from kerazoo.lazy import keras


@keras.saving.register_keras_serializable("kerazoo")
def scaled_tanh(x: Any) -> Any:
    """Return 1.7159 tanh(2 x / 3), which is 1 at 1 and -1 at -1 (equation 6, appendix A)."""
    return 1.7159 * keras.ops.tanh(2 / 3 * x)


@keras.saving.register_keras_serializable("kerazoo")
class FanInUniform(keras.initializers.Initializer):
    """Draw uniformly between -2.4 / n and 2.4 / n for a unit with n inputs (appendix A).

    Args:
        inputs: The number n; None for the product of all axes of a kernel but the last.
    """

    def __init__(self, inputs: int | None = None) -> None:
        self.inputs = inputs

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        """Return random numbers of a shape."""
        limit = 2.4 / (self.inputs or math.prod(shape[:-1]))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the argument of the initializer."""
        return {"inputs": self.inputs}


@keras.saving.register_keras_serializable("kerazoo")
class RadialBasis(keras.layers.Layer):
    """Score each class by the negative squared distance of the input to the class's fixed code.

    The paper's output is the distance, a penalty (equation 7). With the sign reversed the largest
    score is the best, and the cross-entropy of a softmax is equation 9 without its constant.

    Args:
        codes: The code of each class, [classes, elements].
    """

    def __init__(self, codes: Sequence[Sequence[float]], **options: Any) -> None:
        super().__init__(**options)
        self.codes = np.array(codes)

    def call(self, inputs: Any) -> Any:
        """Return scores [batch, classes] of inputs [batch, elements]."""
        codes = keras.ops.convert_to_tensor(self.codes, inputs.dtype)
        distances = keras.ops.square(keras.ops.expand_dims(inputs, 1) - codes)
        return -keras.ops.sum(distances, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, classes)."""
        return input_shape[0], len(self.codes)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer."""
        return {**super().get_config(), "codes": self.codes.tolist()}


@keras.saving.register_keras_serializable("kerazoo")
class TrainableSubsampling(FeatureMapLayer):
    """Sum squares of pixels, times a coefficient and plus a bias per channel (S2 and S4).

    Args:
        pool_size: Side and stride of the squares, in pixels.
        activation: Of the outputs, by name or as a function; None for none.
        coefficient_initializer: Of the coefficients; the biases start as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Raises:
        ValueError: `pool_size` is not an integer of 1 or more.
    """

    arguments = ("pool_size",)

    def __init__(
        self,
        pool_size: int = 2,
        activation: Any = None,
        coefficient_initializer: Any = "ones",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data_format, **options)
        if not isinstance(pool_size, int) or pool_size < 1:
            raise ValueError(f"pool_size must be an integer of 1 or more; received {pool_size!r}")
        self.pool_size = pool_size
        self.activation = keras.activations.get(activation)
        self.coefficient_initializer = keras.initializers.get(coefficient_initializer)

    def build(self, input_shape: Shape) -> None:
        """Add a coefficient and a bias per channel."""
        shape = (input_shape[self.channel_axis],)
        self.coefficient = self.add_weight(
            shape=shape, initializer=self.coefficient_initializer, name="coefficient"
        )
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return feature maps of height // pool_size and width // pool_size pixels."""
        size = self.pool_size
        means = keras.ops.average_pool(inputs, size, size, data_format=self.data_format)
        sums = means * size**2 * self.per_channel(self.coefficient)
        return self.activation(sums + self.per_channel(self.bias))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the smaller feature maps."""
        return self.window_shape(input_shape, self.pool_size, self.pool_size)


@keras.saving.register_keras_serializable("kerazoo")
class SparseConv2D(FeatureMapLayer):
    """A convolution in which each output feature map sees only some of the input feature maps.

    Each connection is a convolution of one feature map. There are weights for the connections of
    the table (C3 in table I) and for no others, and nothing is multiplied by zero.

    Args:
        connections: For each output feature map, the numbers of the inputs that it sees, from 0.
        kernel_size: Side of the square kernels. There is no padding, and the stride is 1.
        activation: Of the outputs, by name or as a function; None for none.
        kernel_initializer: Of the kernel [side, side, inputs seen] of each output feature map; the
            biases start as zeros.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Raises:
        ValueError: The table is empty, has a number twice in a row, or has one that is no channel.
    """

    arguments = ("connections", "kernel_size")
    strides = 1
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
        super().__init__(data_format, **options)
        self.connections = tuple(tuple(seen) for seen in connections)
        if not self.connections or not all(
            seen and len(set(seen)) == len(seen) and min(seen) >= 0 for seen in self.connections
        ):
            raise ValueError(f"connections must name channels once; received {connections!r}")
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        """Add the kernel [side, side, connections] and the biases."""
        channels = input_shape[self.channel_axis]
        if channels is None or max(map(max, self.connections)) >= channels:
            raise ValueError(f"the table has feature maps that {channels} channels do not have")
        outputs, connections = len(self.connections), sum(map(len, self.connections))
        shape = (self.kernel_size, self.kernel_size, connections)
        self.kernel = self.add_weight(shape=shape, initializer=self._initial_kernel, name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return feature maps of height - side + 1 and width - side + 1 pixels, one per row."""
        inputs = keras.ops.moveaxis(inputs, self.channel_axis, -1)
        seen = keras.ops.take(inputs, np.concatenate(self.connections), axis=-1)
        kernel = keras.ops.expand_dims(self.kernel, -1)
        terms = keras.ops.depthwise_conv(seen, kernel, data_format="channels_last")
        # slices, because TensorFlow Lite lacks what keras.ops.split computes its ends with
        ends = np.cumsum([0, *map(len, self.connections)]).tolist()
        parts = (terms[..., first:end] for first, end in itertools.pairwise(ends))
        sums = [keras.ops.sum(each, -1) for each in parts]
        outputs = self.activation(keras.ops.stack(sums, axis=-1) + self.bias)
        return keras.ops.moveaxis(outputs, -1, self.channel_axis)

    def _initial_kernel(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        """Draw the kernels of all feature maps that see equally many in one call, then sort them.

        An initializer with a seed draws the same numbers at every call.
        """
        widths = np.array([len(seen) for seen in self.connections])
        kernels: dict[int, Any] = {}
        for width in np.unique(widths):
            outputs = np.flatnonzero(widths == width).tolist()
            drawn = self.kernel_initializer((*shape[:2], int(width), len(outputs)), dtype)
            kernels |= {output: drawn[..., number] for number, output in enumerate(outputs)}
        return keras.ops.concatenate([kernels[output] for output in range(len(widths))], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the feature maps."""
        return self.window_shape(input_shape, self.kernel_size, 1, channels=len(self.connections))
