"""The cost of a call, and of layers without MACs: activations, normalization, pooling, data moves.

A cost function takes the layer or operation and the shapes of its operands and outputs, batch axis
included, and returns a `Cost`; None if the layer has a setting that is unsupported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Shape = Sequence[int]
Shapes = Sequence[Shape]

# FLOPs per element, by the name of an activation, layer or operation in lower case, without "_". An
# exponential, a logarithm, a root, a division and a comparison are one each: so the study notes
# count ReLU as one and the sigmoid as four (`cnn-study`, lines 964-972).
ONE = (
    "abs absolute add ceil cos divide equal erf exp exponential floor floordivide greater "
    "greaterequal isfinite isinf isnan less lessequal log logicaland logicalnot logicalor "
    "logicalxor maximum minimum mod multiply negative notequal power reciprocal relu round rsqrt "
    "sign sin sqrt square subtract threshold truedivide where"
)
TWO = "clip expm1 hardshrink hardtanh leakyrelu log10 log1p log2 prelu relu6"  # min(max(x, 0), 6)
PER_ELEMENT = {
    **dict.fromkeys(ONE.split(), 1),
    **dict.fromkeys(TWO.split(), 2),
    **dict.fromkeys(["silu", "swish", "hardsilu", "hardswish"], 5),  # x sigmoid(x)
    "linear": 0,
    "elu": 4,  # x > 0, a (exp x - 1)
    "selu": 5,  # scale elu(x)
    "celu": 5,  # elu with x / a
    "sigmoid": 4,  # 1 / (1 + exp -x)
    "logsigmoid": 5,  # -log(1 + exp -x)
    "hardsigmoid": 4,  # min(max(x / 6 + 1/2, 0), 1)
    "tanh": 5,  # 2 / (1 + exp -2x) - 1
    "scaledtanh": 7,  # a tanh(b x)
    "tanhshrink": 6,
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
    """The cost of one call; costs can be added."""

    macs: int = 0  # multiply-accumulates with weights and between tensors, without biases
    flops: int = 0  # floating-point operations of everything that is computed

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.flops + other.flops)


CostFunction = Callable[[Any, Shapes, Shapes], Cost | None]


def channels(layer: Any, shape: Shape) -> int:
    """Return the number of channels of a shape, by the layer's data format."""
    return shape[1] if getattr(layer, "data_format", None) == "channels_first" else shape[-1]


def activation(function: Any, count: int) -> int | None:
    """Return the FLOPs of an activation on `count` elements, None if it is unsupported."""
    if function is None:
        return 0
    name = getattr(function, "__name__", None) or type(function).__name__
    flops = PER_ELEMENT.get(name.lower().replace("_", ""))
    if flops is None:
        return None
    if name.lower() == "relu":
        flops += getattr(function, "max_value", None) is not None
        flops += bool(getattr(function, "negative_slope", 0))
    return flops * count


def each(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `PER_ELEMENT` of an activation, which `Activation` wraps, or of arithmetic."""
    flops = activation(getattr(layer, "activation", layer), math.prod(outputs[0]))
    return None if flops is None else Cost(flops=flops)


def unsupported(layer: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Return None: the cost is unknown."""


def per_output(flops: int) -> CostFunction:
    """Return a cost function that counts FLOPs per element of the output."""
    return lambda layer, inputs, outputs: Cost(flops=flops * math.prod(outputs[0]))


def per_input(flops: int) -> CostFunction:
    """Return a cost function that counts FLOPs per element of the input."""
    return lambda layer, inputs, outputs: Cost(flops=flops * math.prod(inputs[0]))


nothing = per_output(0)  # data is moved, or the layer computes only in training
scale_and_shift = per_output(2)  # multiplication and addition of constants
unit_norm = per_output(3)  # square, sum, division by the root
root_mean_square = per_output(4)  # square, mean, division by the root, scale
reduce = per_input(1)  # H W C for global pooling (`cnn-study`, line 956)
variance = per_input(4)  # mean, subtraction, square, mean


def merge(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n - 1 per element of n merged tensors."""
    return Cost(flops=(len(inputs) - 1) * math.prod(outputs[0]))


def average(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n per element of the mean of n tensors."""
    return Cost(flops=len(inputs) * math.prod(outputs[0]))


def normalize(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 5 per element, 1 more for a scale, 1 more for an offset.

    The 5: mean, subtraction, square, mean, division by the root.
    """
    flops = 5 + bool(getattr(layer, "scale", True)) + bool(getattr(layer, "center", True))
    return Cost(flops=flops * math.prod(outputs[0]))


def response_norm(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `size` + 4 per element: square, sum of `size`, scale, offset, power, division."""
    return Cost(flops=(layer.size + 4) * math.prod(outputs[0]))


def pooling(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the window's size per output element: k k H W C (`cnn-study`, line 960)."""
    window = layer.pool_size  # `keras.ops` also accepts one number for all axes
    size = window ** (len(inputs[0]) - 2) if isinstance(window, int) else math.prod(window)
    return Cost(flops=size * math.prod(outputs[0]))


def adaptive_pooling(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the elements of all bins, which may overlap."""
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
    return Cost(flops=(2 * taps - 1 if taps > 1 else 0) * math.prod(outputs[0]))
