"""The cost of layers without MACs: activations, normalization, pooling, reductions, data moves.

See `cost` for the arguments of the functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerazoo.accounting import operations
from kerazoo.accounting.cost import (
    PER_ELEMENT,
    TAPS,
    Cost,
    CostFunction,
    Shape,
    Shapes,
    comparisons,
)
from kerazoo.lazy import keras


def channels(layer: Any, shape: Shape) -> int:
    """Return the number of channels of a shape, by the layer's data format."""
    return shape[1] if getattr(layer, "data_format", None) == "channels_first" else shape[-1]


def activation(function: Any, shape: Shape, dtype: str = "float32") -> Cost:
    """Return the cost of an activation on a tensor; one that Keras lacks is traced."""
    if function is None:
        return Cost()
    named = function if hasattr(function, "__name__") else type(function)
    name = named.__name__.lower().replace("_", "")
    if name not in PER_ELEMENT or not named.__module__.startswith(("keras.", "kerazoo.")):
        return operations.traced(function, (keras.KerasTensor(shape, dtype),))[1]
    flops = PER_ELEMENT[name]
    if name == "relu":
        flops += getattr(function, "max_value", None) is not None
        flops += bool(getattr(function, "negative_slope", 0))
    return Cost(flops=flops * math.prod(shape))


def each(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `PER_ELEMENT` of an activation, which `Activation` wraps, or of arithmetic."""
    return activation(getattr(layer, "activation", layer), outputs[0])


def per_output(flops: int) -> CostFunction:
    """Return a cost function that counts FLOPs per element of the output."""
    return lambda layer, inputs, outputs: Cost(flops=flops * math.prod(outputs[0]))


def per_input(flops: int) -> CostFunction:
    """Return a cost function that counts FLOPs per element of the input."""
    return lambda layer, inputs, outputs: Cost(flops=flops * math.prod(inputs[0]))


def nothing(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count nothing: data is moved, or the layer computes only in training."""
    return Cost()


scale_and_shift = per_output(2)  # multiplication and addition of constants
unit_norm = per_output(3)  # square, sum, division by the root
root_mean_square = per_output(4)  # square, mean, division by the root, scale
reduce = per_input(1)  # H W C for global pooling (`cnn-study`, line 956)
extent = per_input(2)  # maximum, minimum
variance = per_input(4)  # mean, subtraction, square, mean
logarithm_of_sum = per_input(4)  # maximum, subtraction, exponential, sum


def deviation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the variance, and a root for each result."""
    return variance(layer, inputs, outputs) + Cost(flops=math.prod(outputs[0]))


def merge(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n - 1 per element of n merged tensors."""
    return Cost(flops=(len(inputs) - 1) * math.prod(outputs[0]))


def average(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n per element of the mean of n tensors."""
    return Cost(flops=len(inputs) * math.prod(outputs[0]))


def both_directions(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count how a Bidirectional merges its two layers, whose calls are counted by themselves."""
    flops = {"sum": 1, "mul": 1, "ave": 2}.get(layer.merge_mode, 0)
    return Cost(flops=flops * math.prod(outputs[0]))


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


def resize(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count 2 n - 1 per output element that is a weighted sum of n pixels, 0 if n is 1."""
    taps = TAPS.get(getattr(layer, "interpolation", "nearest"))
    if taps is None or getattr(layer, "antialias", False):
        raise NotImplementedError
    return Cost(flops=(2 * taps - 1 if taps > 1 else 0) * math.prod(outputs[0]))


def axes_of(operation: Any, rank: int) -> list[int]:
    """Return the axes of an operation, of which there may be one, several, or None for all."""
    axis = getattr(operation, "axis", -1)
    if axis is None:
        return list(range(rank))
    axes: Sequence[int] = axis if isinstance(axis, list | tuple) else (axis,)
    return [each % rank for each in axes]


def sort(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n log2(n) comparisons along the sorted axis, for every position of the others."""
    shape = inputs[0]
    length = math.prod(shape[axis] for axis in axes_of(layer, len(shape)))
    others = math.prod(shape) // length if length else 0
    return Cost(flops=others * comparisons(length))


def search(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count log2(n) comparisons for each value that is looked up among n sorted ones."""
    sorted_values, values = inputs
    return Cost(flops=math.prod(values) * math.prod(sorted_values).bit_length())


def fourier(rank: int, flops: float) -> CostFunction:
    """Return a cost function of Fourier transforms: `flops` n log2(n) for n points.

    Args:
        rank: The number of last axes that are transformed.
        flops: 5 for complex numbers, half of it for real ones.
    """

    def count(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
        shape = max(inputs[0], outputs[0], key=math.prod)
        points = math.prod(shape[-rank:])
        each = flops * points * math.log2(points) if points else 0
        return Cost(flops=round(math.prod(shape[:-rank]) * each))

    return count


def differences(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count one per element of the output of `keras.ops.diff`, for each of its `n` turns."""
    return Cost(flops=layer.n * math.prod(outputs[0]))
