"""The cost of a call, and of layers without MACs: activations, normalization, pooling, data moves.

A cost function takes the layer or operation and the shapes of its operands and outputs, batch axis
included, and returns a `Cost`; None if the layer has a setting that is unsupported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Shape = Sequence[int]
Shapes = Sequence[Shape]

ONE_EACH = (
    "abs absolute add ceil cos divide equal erf exp exponential floor floordivide greater "
    "greaterequal isfinite isinf isnan less lessequal log logicaland logicalnot logicalor "
    "logicalxor maximum minimum mod multiply negative notequal power reciprocal round rsqrt sign "
    "sin sqrt square subtract truedivide where"
)
TWO_EACH = "clip expm1 log1p log2 log10"

# FLOPs per element, by the name of an activation, layer or operation in lower case, without "_". An
# exponential, a logarithm, a root, a division and a comparison are one each: so the study notes
# count ReLU as one and the sigmoid as four (`cnn-study`, lines 964-972).
PER_ELEMENT = {
    **dict.fromkeys(ONE_EACH.split(), 1),
    **dict.fromkeys(TWO_EACH.split(), 2),
    "linear": 0,
    "relu": 1,  # max(x, 0)
    "relu6": 2,  # min(max(x, 0), 6)
    "leakyrelu": 2,  # x > 0, slope x
    "prelu": 2,
    "elu": 4,  # x > 0, a (exp x - 1)
    "selu": 5,  # scale elu(x)
    "celu": 5,  # elu with x / a
    "threshold": 1,
    "sigmoid": 4,  # 1 / (1 + exp -x)
    "logsigmoid": 5,  # -log(1 + exp -x)
    "hardsigmoid": 4,  # min(max(x / 6 + 1/2, 0), 1)
    "silu": 5,  # x sigmoid(x)
    "swish": 5,
    "hardsilu": 5,
    "hardswish": 5,
    "tanh": 5,  # 2 / (1 + exp -2x) - 1
    "scaledtanh": 7,  # a tanh(b x)
    "hardtanh": 2,
    "tanhshrink": 6,
    "hardshrink": 2,
    "softshrink": 3,
    "softplus": 3,  # log(1 + exp x)
    "softsign": 3,  # x / (1 + |x|)
    "squareplus": 5,  # (x + sqrt(x x + b)) / 2
    "mish": 9,  # x tanh(softplus(x))
    "gelu": 5,  # x (1 + erf(x / sqrt 2)) / 2
    "softmax": 5,  # exp(x - max x) / sum
    "logsoftmax": 5,  # (x - max x) - log(sum(exp))
}

# Pixels that each output of a resizing is a weighted sum of.
TAPS = {"nearest": 1, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}


@dataclass(frozen=True)
class Cost:
    """The cost of one call; costs can be added.

    Attributes:
        macs: Multiply-accumulates with weights and between tensors, without biases.
        flops: Floating-point operations of everything that is computed.
    """

    macs: int = 0
    flops: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.flops + other.flops)


def elements(shape: Shape) -> int:
    """Return the number of elements."""
    return math.prod(shape)


def channels(layer: Any, shape: Shape) -> int:
    """Return the number of channels of a shape, by the layer's data format."""
    return shape[1] if getattr(layer, "data_format", None) == "channels_first" else shape[-1]


def activation(function: Any, count: int) -> int | None:
    """Return the FLOPs of an activation on `count` elements, None if it is unsupported."""
    if function is None:
        return 0
    name = getattr(function, "__name__", None) or type(function).__name__
    name = name.lower().replace("_", "")
    flops = PER_ELEMENT.get(name)
    if flops is None:
        return None
    if name == "relu":
        flops += getattr(function, "max_value", None) is not None
        flops += bool(getattr(function, "negative_slope", 0))
    return flops * count


def each(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `PER_ELEMENT` of an activation, which `Activation` wraps, or of arithmetic."""
    flops = activation(getattr(layer, "activation", layer), elements(outputs[0]))
    return None if flops is None else Cost(flops=flops)


def nothing(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 0: data is moved, or the layer computes in training alone."""
    return Cost()


def unsupported(layer: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Return None: the cost is unknown."""


def scale_and_shift(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 2 per element, a multiplication and an addition by constants."""
    return Cost(flops=2 * elements(outputs[0]))


def merge(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n - 1 per element of n merged tensors."""
    return Cost(flops=(len(inputs) - 1) * elements(outputs[0]))


def average(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n per element of the mean of n tensors."""
    return Cost(flops=len(inputs) * elements(outputs[0]))


def normalize(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 5 per element, 1 more for a scale, 1 more for an offset.

    The 5: mean, subtraction, square, mean, division by the root.
    """
    flops = 5 + bool(getattr(layer, "scale", True)) + bool(getattr(layer, "center", True))
    return Cost(flops=flops * elements(outputs[0]))


def root_mean_square(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 4 per element: square, mean, division by the root, scale."""
    return Cost(flops=4 * elements(outputs[0]))


def unit_norm(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 3 per element: square, sum, division by the root."""
    return Cost(flops=3 * elements(outputs[0]))


def response_norm(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `size` + 4 per element: square, sum of `size`, scale, offset, power, division."""
    return Cost(flops=(layer.size + 4) * elements(outputs[0]))


def reduce(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 1 per element of the input: H W C of global pooling (`cnn-study`, line 956)."""
    return Cost(flops=elements(inputs[0]))


def variance(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 4 per element of the input: mean, subtraction, square, mean."""
    return Cost(flops=4 * elements(inputs[0]))


def pooling(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the window's size per output element: k k H W C (`cnn-study`, line 960)."""
    window = layer.pool_size  # `keras.ops` also accepts one number for all axes
    size = window ** (len(inputs[0]) - 2) if isinstance(window, int) else math.prod(window)
    return Cost(flops=size * elements(outputs[0]))


def adaptive_pooling(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the elements of all bins, of which neighbours may overlap."""
    flops = 1
    for length, count in zip(inputs[0], outputs[0], strict=True):
        flops *= sum(
            -(-(index + 1) * length // count) - index * length // count for index in range(count)
        )
    return Cost(flops=flops)


def resize(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count 2 n - 1 per output element that is a weighted sum of n pixels, 0 if n is 1."""
    taps = TAPS.get(getattr(layer, "interpolation", "nearest"))
    if taps is None or getattr(layer, "antialias", False):
        return None
    return Cost(flops=(2 * taps - 1 if taps > 1 else 0) * elements(outputs[0]))
