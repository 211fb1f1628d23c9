"""Which positions of its inputs' axes each kind of layer reads.

Every function takes a call and the number of one of its outputs, and returns a relation for each
operand: for every axis a `Reads`, or None where all positions of that axis are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerazoo.accounting import reads
from kerazoo.accounting.graph import Call
from kerazoo.accounting.linear import labels
from kerazoo.accounting.reads import Reads

Relation = Sequence[Reads | None]


def elementwise(call: Call, output: int) -> list[Relation]:
    """Read the same element; an axis of length 1 serves all positions."""
    after = call.outputs[output].shape
    return [broadcast(operand.shape, after) for operand in call.operands]


def broadcast(before: Sequence[int], after: Sequence[int]) -> Relation:
    """Return the relation of axes aligned at the end, of which those of length 1 are repeated."""
    lead = len(after) - len(before)
    return [
        reads.same(lead + axis) if length == after[lead + axis] else reads.fixed(0)
        for axis, length in enumerate(before)
    ]


def leading(call: Call, output: int) -> list[Relation]:
    """Read the same position of the axes that the input has."""
    return [[*map(reads.same, range(len(call.inputs[0].shape)))]]


def windows(call: Call, output: int) -> list[Relation]:
    """Read a window of a convolution or of pooling, and all channels."""
    layer = call.operation
    kernel = _kernel(call)
    stride = each(layer.strides or kernel, len(kernel))
    dilation = each(getattr(layer, "dilation_rate", 1), len(kernel))
    before, after = call.inputs[0].shape, call.outputs[0].shape
    relation = _channelwise(call) if hasattr(layer, "pool_size") else [reads.same(0)]
    relation = [*relation, *[None] * (len(before) - len(relation))]
    for place, axis in enumerate(_spatial(call)):
        wide = dilation[place] * (kernel[place] - 1) + 1
        pad = 0
        if layer.padding == "same":
            pad = max((after[axis] - 1) * stride[place] + wide - before[axis], 0) // 2
        elif layer.padding == "causal":
            pad = wide - 1
        relation[axis] = reads.window(axis, kernel[place], stride[place], dilation[place], pad)
    return [relation]


def _kernel(call: Call) -> tuple[int, ...]:
    """Return the lengths of a layer's window, or of the kernel that an operation is given."""
    if len(call.inputs) > 1:  # a kernel that is computed
        raise NotImplementedError
    if len(call.operands) > 1:
        return tuple(call.operands[1].shape[:-2])
    layer = call.operation
    rank = len(call.inputs[0].shape) - 2
    return each(getattr(layer, "kernel_size", None) or layer.pool_size, rank)


def transposed(call: Call, output: int) -> list[Relation]:
    """Read what a transposed convolution spreads, which is a convolution's window turned round."""
    layer = call.operation
    before, after = call.inputs[0].shape, call.outputs[0].shape
    relation: list[Reads | None] = [reads.same(0), *[None] * (len(before) - 1)]
    for place, axis in enumerate(_spatial(call)):
        kernel, stride = layer.kernel_size[place], layer.strides[place]
        dilation = layer.dilation_rate[place]
        wide, pad = dilation * (kernel - 1) + 1, 0
        if layer.padding == "same":
            pad = max((before[axis] - 1) * stride + wide - after[axis], 0) // 2
        relation[axis] = reads.spread(axis, kernel, stride, dilation, pad)
    return [relation]


def whole_map(call: Call, output: int) -> list[Relation]:
    """Read all positions of a channel."""
    return [_channelwise(call)]


def _channelwise(call: Call) -> list[Reads | None]:
    """Return a relation that keeps samples and channels apart."""
    before, after = call.inputs[0].shape, call.outputs[0].shape
    first = getattr(call.operation, "data_format", None) == "channels_first"
    channels = 1 if first else len(before) - 1
    relation: list[Reads | None] = [reads.same(0), *[None] * (len(before) - 1)]
    relation[channels] = reads.same(1 if first else len(after) - 1)
    return relation


def last_axis(call: Call, output: int) -> list[Relation]:
    """Read the whole last axis."""
    rank = len(call.inputs[0].shape)
    return [[*map(reads.same, range(rank - 1)), None]]


def normalised(call: Call, output: int) -> list[Relation]:
    """Read the whole of the axes that a normalisation or softmax goes over."""
    rank = len(call.inputs[0].shape)
    over = getattr(call.operation, "axis", -1)
    axes = {axis % rank for axis in ([over] if isinstance(over, int) else over)}
    return [[None if axis in axes else reads.same(axis) for axis in range(rank)]]


def per_sample(call: Call, output: int) -> list[Relation]:
    """Read the whole sample."""
    return [
        [reads.same(0), *[None] * (len(operand.shape) - 1)] if operand.shape else []
        for operand in call.operands
    ]


def reshaped(call: Call, output: int) -> list[Relation]:
    """Read the elements in their order."""
    return [reads.reshaped(call.inputs[0].shape, call.outputs[0].shape)]


def flattened(call: Call, output: int) -> list[Relation]:
    """Read the elements in their order, the channels moved to the end."""
    before = call.inputs[0].shape
    if getattr(call.operation, "data_format", "channels_last") == "channels_last":
        return reshaped(call, output)
    moved = reads.reshaped((before[0], *before[2:], before[1]), call.outputs[0].shape)
    return [[moved[0], moved[-1], *moved[1:-1]]]


def concatenated(call: Call, output: int) -> list[Relation]:
    """Read the operand whose turn it is along the axis."""
    after = call.outputs[0].shape
    along = call.operation.axis % len(after)
    relations: list[Relation] = []
    offset = 0
    for operand in call.operands:
        relation: list[Reads | None] = [*map(reads.same, range(len(after)))]
        relation[along] = reads.turn(along, after[along], offset, operand.shape[along])
        relations.append(relation)
        offset += operand.shape[along]
    return relations


def padded(call: Call, output: int) -> list[Relation]:
    """Read the position without what was added before it."""
    before = _amounts(call, call.operation.padding)
    return [[reads.shifted(axis, -amount) for axis, amount in enumerate(before)]]


def cropped(call: Call, output: int) -> list[Relation]:
    """Read the position behind what was cut off before it."""
    before = _amounts(call, call.operation.cropping)
    return [[reads.shifted(axis, amount) for axis, amount in enumerate(before)]]


def _amounts(call: Call, setting: Any) -> list[int]:
    """Return how much a layer adds or cuts before the first position of each axis."""
    amounts = [0] * len(call.inputs[0].shape)
    axes = _spatial(call)
    pairs = [setting] if isinstance(setting[0], int) else setting
    for axis, (before, _) in zip(axes, pairs, strict=True):
        amounts[axis] = before
    return amounts


def enlarged(call: Call, output: int) -> list[Relation]:
    """Read the pixels that a resizing weighs."""
    layer = call.operation
    if getattr(layer, "crop_to_aspect_ratio", False) or getattr(
        layer, "pad_to_aspect_ratio", False
    ):
        raise NotImplementedError
    before, after = call.inputs[0].shape, call.outputs[0].shape
    relation: list[Reads | None] = [*map(reads.same, range(len(before)))]
    for axis in _spatial(call):
        how = getattr(layer, "interpolation", "nearest"), getattr(layer, "antialias", False)
        relation[axis] = reads.enlarged(axis, (before[axis], after[axis]), *how)
    return [relation]


def repeated_vector(call: Call, output: int) -> list[Relation]:
    """Read the vector for every step."""
    return [[reads.same(0), reads.same(2)]]


def einsum(call: Call, output: int) -> list[Relation]:
    """Read along the axes that the result keeps, and the whole of the others."""
    operation = call.operation
    shapes = [tuple(operand.shape) for operand in call.operands]
    equation = getattr(operation, "equation", None)
    if equation:
        shapes.append(tuple(operation.kernel.shape))
    terms, result = labels(equation or operation.subscripts, shapes)
    return [
        [reads.same(result.index(letter)) if letter in result else None for letter in term]
        for term in terms[: len(call.operands)]
    ]


def attended(call: Call, output: int) -> list[Relation]:
    """Read the query's own position, and all positions of keys and values."""
    query, *others = call.operands
    rank = len(query.shape)
    own = [*map(reads.same, range(rank - 1)), None]
    return [own, *([reads.same(0), *[None] * (len(one.shape) - 1)] for one in others)]


def _spatial(call: Call) -> range:
    """Return the axes that are neither samples nor channels."""
    rank = len(call.inputs[0].shape)
    first = getattr(call.operation, "data_format", None) == "channels_first"
    return range(2, rank) if first else range(1, rank - 1)


def each(setting: Any, number: int) -> tuple[int, ...]:
    """Return a setting for each of a number of axes."""
    return (setting,) * number if isinstance(setting, int) else tuple(setting)


def permuted(call: Call, output: int) -> list[Relation]:
    """Read along axes in another order, for keras.layers.Permute."""
    return in_order(0, *call.operation.dims)


def in_order(*axes: int) -> list[Relation]:
    """Read along the axes in the order that the output has them."""
    return [[reads.same(axes.index(axis)) for axis in range(len(axes))]]
