"""Sums of products: convolutions, dense layers, products of tensors, attention, recurrence.

Only what must be multiplied is counted: the padding of a convolution counts like any pixel, as
TensorFlow's profiler and the papers count it; a transposed convolution multiplies each pixel of its
input with its whole kernel.
"""

from __future__ import annotations

import math
from typing import Any

from kerazoo.accounting.cost import Cost, Shapes, channels, products, size
from kerazoo.accounting.elementwise import activation


def _with_activation(layer: Any, macs: int, outputs: int) -> Cost | None:
    extra = activation(layer.activation, outputs)
    return None if extra is None else products(macs, outputs, layer.use_bias, extra)


def conv(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cin/groups times the kernel's size for every output."""
    each = math.prod(layer.kernel_size) * channels(layer, inputs[0]) // layer.groups
    return _with_activation(layer, each * size(outputs[0]), size(outputs[0]))


def depthwise(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel's size for every output."""
    return _with_activation(
        layer, math.prod(layer.kernel_size) * size(outputs[0]), size(outputs[0])
    )


def separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a depthwise convolution without a bias, then a 1x1 convolution."""
    middle_channels = channels(layer, inputs[0]) * layer.depth_multiplier
    middle = size(outputs[0]) // channels(layer, outputs[0]) * middle_channels
    first = products(math.prod(layer.kernel_size) * middle, middle, bias=False)
    second = _with_activation(layer, middle_channels * size(outputs[0]), size(outputs[0]))
    return second and Cost(first.macs + second.macs, first.flops + second.flops)


def spatially_separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a column for every output row of every input column, then a row for every output."""
    first = layer.data_format == "channels_first"
    between = size(outputs[0]) // outputs[0][3 if first else 2] * inputs[0][3 if first else 2]
    columns = products(layer.kernel_size * channels(layer, inputs[0]) * between, between, False)
    rows = _with_activation(layer, layer.kernel_size * size(outputs[0]), size(outputs[0]))
    return rows and Cost(columns.macs + rows.macs, columns.flops + rows.flops)


def sparse(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel's size for every connection of the table at every position."""
    positions = size(outputs[0]) // channels(layer, outputs[0])
    return _with_activation(layer, layer.products * positions, size(outputs[0]))


def transposed(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cout times the kernel's size for every input."""
    each = math.prod(layer.kernel_size) * channels(layer, outputs[0])
    return _with_activation(layer, each * size(inputs[0]), size(outputs[0]))


def dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the number of inputs for every output."""
    return _with_activation(layer, inputs[0][-1] * size(outputs[0]), size(outputs[0]))


def labels(equation: str, shapes: Shapes) -> tuple[list[str], str]:
    """Return the letters of each operand's axes and of the result's, "..." spelt out."""
    left, _, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    hidden = max(
        len(shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, shape in zip(terms, shapes, strict=False)
    )
    free = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in equation][:hidden]

    def spell(term: str, rank: int) -> str:
        wanted = rank - len(term.replace("...", ""))
        return term.replace("...", "".join(free[len(free) - wanted :]) if wanted else "")

    spelt = [spell(term, len(shape)) for term, shape in zip(terms, shapes, strict=False)]
    return spelt, right.replace("...", "".join(free))


def einsum(equation: str, shapes: Shapes) -> int:
    """Return the products of a sum over two operands: the lengths of all axes multiplied."""
    terms, _ = labels(equation, shapes)
    return math.prod(
        {
            letter: length
            for term, shape in zip(terms, shapes, strict=True)
            for letter, length in zip(term, shape, strict=True)
        }.values()
    )


def einsum_dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the lengths of all axes of the equation multiplied."""
    outs = size(outputs[0])
    extra = activation(layer.activation, outs)
    if extra is None:
        return None
    macs = einsum(layer.equation, [inputs[0], tuple(layer.kernel.shape)])
    return products(macs, outs, layer.bias is not None, extra)


def einsum_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count keras.ops.einsum of two tensors."""
    if len(inputs) != 2:
        return None
    return products(einsum(layer.subscripts, inputs), size(outputs[0]), bias=False)


def matmul(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the length of the shared axis for every output."""
    return products(inputs[0][-1] * size(outputs[0]), size(outputs[0]), bias=False)


def dot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.layers.Dot, whose `axes` names the shared axis."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    extra = 3 * (size(inputs[0]) + size(inputs[1])) if layer.normalize else 0
    return products(inputs[0][axis] * size(outputs[0]), size(outputs[0]), False, extra)


def conv_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.ops.conv, whose second operand is the kernel [..., Cin/groups, Cout]."""
    return products(math.prod(inputs[1][:-1]) * size(outputs[0]), size(outputs[0]), bias=False)


def depthwise_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.ops.depthwise_conv, whose kernel is [..., Cin, multiplier]."""
    return products(math.prod(inputs[1][:-2]) * size(outputs[0]), size(outputs[0]), bias=False)


def tensordot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.ops.tensordot, whose `axes` are a number of axes or those of each operand."""
    axes, shape = layer.axes, inputs[0]
    if isinstance(axes, int):
        shared = shape[len(shape) - axes :]
    else:
        first = [axes[0]] if isinstance(axes[0], int) else axes[0]
        shared = [shape[axis] for axis in first]
    outs = size(outputs[0])
    return products(math.prod(shared) * outs, outs, bias=False)
