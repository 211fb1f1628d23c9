"""Which positions along the axes of its operands each kind of layer or operation reads.

Every function takes a call and the index of one of its outputs, and returns for each operand its
`AxisMaps`: for every axis an `AxisMap`, or None if all positions of that axis are read. It raises
NotImplementedError if a setting is unsupported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.accounting import axis_map
from kerazoo.accounting.axis_map import AxisMap, fixed, same, shifted
from kerazoo.accounting.linear import einsum_labels
from kerazoo.accounting.nonlinear import axes_of
from kerazoo.lazy import keras

if TYPE_CHECKING:
    from kerazoo.accounting.graph import Call

AxisMaps = list[AxisMap | None]


def unsupported(call: Call, output: int) -> list[AxisMaps]:
    """Raise: what is read is unknown."""
    raise NotImplementedError


def elementwise(call: Call, output: int) -> list[AxisMaps]:
    """Read the same element, with axes aligned at the end; an axis of length 1 is broadcast."""
    after = call.outputs[output].shape
    return [
        [
            same(axis) if length == after[axis] else fixed(0)
            for axis, length in enumerate(operand.shape, len(after) - len(operand.shape))
        ]
        for operand in call.operands
    ]


def _rank(call: Call) -> int:
    return len(call.inputs[0].shape)


def _spatial(call: Call) -> range:
    """Return the axes of the input that are neither samples nor channels."""
    first = getattr(call.operation, "data_format", None) == "channels_first"
    return range(2, _rank(call)) if first else range(1, _rank(call) - 1)


def _each(setting: Any, count: int) -> tuple[int, ...]:
    """Return a setting, which may be one number for all, for each of `count` axes."""
    return (setting,) * count if isinstance(setting, int) else tuple(setting)


def _same(call: Call) -> AxisMaps:
    """Return the maps of an input whose axes all read the same position."""
    return [*map(same, range(_rank(call)))]


def leading(call: Call, output: int) -> list[AxisMaps]:
    """Read the same position of the axes that the input has."""
    return [_same(call)]


def samplewise(call: Call, output: int) -> list[AxisMaps]:
    """Read the whole sample."""
    ranks = [len(operand.shape) for operand in call.operands]
    return [[same(0) if axis == 0 else None for axis in range(rank)] for rank in ranks]


def channelwise(call: Call, output: int) -> list[AxisMaps]:
    """Read all positions of a channel."""
    first = getattr(call.operation, "data_format", None) == "channels_first"
    maps = samplewise(call, output)[0]
    maps[1 if first else -1] = same(1 if first else len(call.outputs[0].shape) - 1)
    return [maps]


def last_axis(call: Call, output: int) -> list[AxisMaps]:
    """Read all positions of the last axis."""
    return [[*_same(call)[:-1], None]]


def activated(call: Call, output: int) -> list[AxisMaps]:
    """Read the same element; for a softmax, all positions of the last axis."""
    function = call.operation.activation
    name = getattr(function, "__name__", "")
    if not getattr(function, "__module__", "keras.").startswith(("keras.", "kerazoo.")):
        raise NotImplementedError
    over = "softmax" in name or name in ("glu", "sparsemax")
    return (last_axis if over else elementwise)(call, output)


def attended(call: Call, output: int) -> list[AxisMaps]:
    """Read the query's own position, and all positions of keys and values."""
    return [*last_axis(call, output), *samplewise(call, output)[1:]]


def windows(call: Call, output: int) -> list[AxisMaps]:
    """Read a window: all channels of a convolution, the same channel of pooling."""
    layer = call.operation
    if len(call.inputs) > 1:  # a kernel that is computed
        raise NotImplementedError
    if len(call.operands) > 1:  # the kernel of an operation
        kernel = tuple(call.operands[1].shape[:-2])
    else:
        kernel = _each(getattr(layer, "kernel_size", None) or layer.pool_size, _rank(call) - 2)
    strides = _each(layer.strides or kernel, len(kernel))
    dilations = _each(getattr(layer, "dilation_rate", 1), len(kernel))
    before, after = call.inputs[0].shape, call.outputs[0].shape
    maps = (channelwise if hasattr(layer, "pool_size") else samplewise)(call, output)[0]
    settings = zip(_spatial(call), kernel, strides, dilations, strict=True)
    for axis, size, stride, dilation in settings:
        span = dilation * (size - 1) + 1
        padding = 0
        if layer.padding == "same":
            padding = max((after[axis] - 1) * stride + span - before[axis], 0) // 2
        elif layer.padding == "causal":
            padding = span - 1
        maps[axis] = axis_map.window(axis, size, stride, dilation, padding)
    return [maps]


def transposed_windows(call: Call, output: int) -> list[AxisMaps]:
    """Read the inputs of a transposed convolution that contribute to a position."""
    layer = call.operation
    before, after = call.inputs[0].shape, call.outputs[0].shape
    maps = samplewise(call, output)[0]
    settings = zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    for axis, (size, stride, dilation) in zip(_spatial(call), settings, strict=True):
        padding = 0
        if layer.padding == "same":
            span = dilation * (size - 1) + 1
            padding = max((before[axis] - 1) * stride + span - after[axis], 0) // 2
        maps[axis] = axis_map.transposed_window(axis, size, stride, dilation, padding)
    return [maps]


def over_axes(call: Call, output: int) -> list[AxisMaps]:
    """Read all positions of `axis`, over which a normalization, softmax or reduction goes."""
    rank = _rank(call)
    axes = axes_of(call.operation, rank)
    dropped = axes if len(call.outputs[0].shape) < rank else ()
    kept = [each for each in range(rank) if each not in dropped]
    return [[None if each in axes else same(kept.index(each)) for each in range(rank)]]


def reshaped(call: Call, output: int) -> list[AxisMaps]:
    """Read the elements in their order."""
    return [axis_map.reshaped(call.inputs[0].shape, call.outputs[0].shape)]


def flattened(call: Call, output: int) -> list[AxisMaps]:
    """Read the elements in their order, with the channels moved to the end."""
    before = call.inputs[0].shape
    if getattr(call.operation, "data_format", "channels_last") == "channels_last":
        return reshaped(call, output)
    maps = axis_map.reshaped((before[0], *before[2:], before[1]), call.outputs[0].shape)
    return [[maps[0], maps[-1], *maps[1:-1]]]


def concatenated(call: Call, output: int) -> list[AxisMaps]:
    """Read the operand that has the position along the axis of concatenation."""
    after = call.outputs[0].shape
    axis = call.operation.axis % len(after)
    operands: list[AxisMaps] = []
    offset = 0
    for operand in call.operands:
        maps = _same(call)
        maps[axis] = axis_map.section(axis, after[axis], offset, operand.shape[axis])
        operands.append(maps)
        offset += operand.shape[axis]
    return operands


def stacked(call: Call, output: int) -> list[AxisMaps]:
    """Read the operand at the position along the new axis."""
    new = call.operation.axis % len(call.outputs[0].shape)
    maps: AxisMaps = [same(axis + (axis >= new)) for axis in range(len(call.operands[0].shape))]
    return [maps] * len(call.operands)


def split(call: Call, output: int) -> list[AxisMaps]:
    """Read the part of the axis that is this output."""
    maps = _same(call)
    axis = call.operation.axis % len(maps)
    maps[axis] = shifted(axis, sum(tensor.shape[axis] for tensor in call.outputs[:output]))
    return [maps]


def padded(call: Call, output: int) -> list[AxisMaps]:
    """Read the position less the padding before it, or plus what was cropped before it."""
    layer = call.operation
    sign, pairs = (1, layer.cropping) if hasattr(layer, "cropping") else (-1, layer.padding)
    pairs = [pairs] if isinstance(pairs[0], int) else pairs
    maps = _same(call)
    for axis, (before, _) in zip(_spatial(call), pairs, strict=True):
        maps[axis] = shifted(axis, sign * before)
    return [maps]


def padded_operation(call: Call, output: int) -> list[AxisMaps]:
    """Read the position less the padding of `keras.ops.pad` before it."""
    if call.operation.mode != "constant":  # it reads pixels inside
        raise NotImplementedError
    widths = call.operation.pad_width
    pairs = widths * _rank(call) if len(widths) == 1 else widths
    return [[shifted(axis, -before) for axis, (before, _) in enumerate(pairs)]]


def constant(call: Call, output: int) -> list[AxisMaps]:
    """Read nothing."""
    return []


def unstacked(call: Call, output: int) -> list[AxisMaps]:
    """Read the position along the axis that is this output."""
    axis = call.operation.axis % _rank(call)
    axes = range(_rank(call))
    return [[fixed(output) if each == axis else same(each - (each > axis)) for each in axes]]


def sliced(call: Call, output: int) -> list[AxisMaps]:
    """Read the position plus the start of `keras.ops.slice`."""
    starts = call.bound["start_indices"]
    if not isinstance(starts, list | tuple) or not all(isinstance(each, int) for each in starts):
        raise NotImplementedError
    return [[shifted(axis, start) for axis, start in enumerate(starts)]]


def flipped(call: Call, output: int) -> list[AxisMaps]:
    """Read the position counted from the other end."""
    kind = type(call.operation).__name__
    rank = _rank(call)
    flipped_axes = {"Fliplr": [1], "Flipud": [0]}.get(kind) or axes_of(call.operation, rank)
    maps = _same(call)
    for axis in flipped_axes:
        maps[axis] = axis_map.window(axis, 1, -1, 1, 1 - call.inputs[0].shape[axis])
    return [maps]


def repeated(call: Call, output: int) -> list[AxisMaps]:
    """Read each position several times in a row."""
    layer, maps = call.operation, _same(call)
    if layer.axis is None:
        raise NotImplementedError
    axis = layer.axis % len(maps)
    counts = np.asarray(layer.repeats).ravel()
    if len(counts) == 1:
        maps[axis] = AxisMap(axis, np.zeros((int(counts[0]), 1), int))
    else:
        maps[axis] = axis_map.listed(axis, np.repeat(np.arange(len(counts)), counts))
    return [maps]


def rolled(call: Call, output: int) -> list[AxisMaps]:
    """Read the position less the shift, around the end."""
    layer, maps = call.operation, _same(call)
    if layer.axis is None:
        raise NotImplementedError
    axes = axes_of(layer, len(maps))
    for axis, shift in zip(axes, _each(layer.shift, len(axes)), strict=True):
        length = call.inputs[0].shape[axis]
        maps[axis] = axis_map.listed(axis, (axis_map.positions(length) - shift) % length)
    return [maps]


def tiled(call: Call, output: int) -> list[AxisMaps]:
    """Read the position in its copy of the input."""
    before, after = call.inputs[0].shape, call.outputs[0].shape
    shift = len(after) - len(before)
    return [
        [
            same(axis + shift)
            if length == after[axis + shift]
            else fixed(0)
            if length == 1
            else axis_map.listed(axis + shift, axis_map.positions(length))
            for axis, length in enumerate(before)
        ]
    ]


def taken(call: Call, output: int) -> list[AxisMaps]:
    """Read the positions that the indices name; all of them if the indices are computed."""
    x, indices = call.bound["x"], call.bound["indices"]
    if call.operation.axis is None:
        raise NotImplementedError
    computed = isinstance(indices, keras.KerasTensor)
    axis = call.operation.axis % len(x.shape)
    places = len(indices.shape) if computed else np.ndim(indices)
    maps: AxisMaps = [same(each + (places - 1) * (each > axis)) for each in range(len(x.shape))]
    if computed:
        maps[axis] = None
        return [maps, [same(axis + each) for each in range(places)]]
    rows = np.asarray(indices) % x.shape[axis]
    if rows.ndim > 1:
        raise NotImplementedError
    maps[axis] = axis_map.listed(axis, rows) if rows.ndim else fixed(int(rows))
    return [maps, [None] * rows.ndim]


def item(call: Call, output: int) -> list[AxisMaps]:
    """Read a part of the axes, by indices, slices with a step, new axes and "..."."""
    shape = call.inputs[0].shape
    key = call.bound["key"]
    parts = list(key) if isinstance(key, tuple | list) else [key]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    hidden = [slice(None)] * (len(shape) - named)
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    place = next(index for index, part in enumerate(parts) if part is Ellipsis)
    maps: list[AxisMap | None] = []
    axis = 0
    for part in [*parts[:place], *hidden, *parts[place + 1 :]]:
        if isinstance(part, int):
            maps.append(fixed(part % shape[len(maps)]))
            continue
        if part is not None:
            if not isinstance(part, slice):
                raise NotImplementedError
            first, _, step = part.indices(shape[len(maps)])
            maps.append(axis_map.window(axis, 1, step, 1, -first))
        axis += 1
    return [maps]


def resized(call: Call, output: int) -> list[AxisMaps]:
    """Read the pixels with a weight in the resizing."""
    layer = call.operation
    if any(getattr(layer, f"{how}_to_aspect_ratio", False) for how in ("crop", "pad")):
        raise NotImplementedError
    before, after = call.inputs[0].shape, call.outputs[0].shape
    how = getattr(layer, "interpolation", "nearest"), getattr(layer, "antialias", False)
    maps = _same(call)
    for axis in _spatial(call):
        maps[axis] = axis_map.resized(axis, (before[axis], after[axis]), *how)
    return [maps]


def repeated_vector(call: Call, output: int) -> list[AxisMaps]:
    """Read the vector for every step."""
    return [[same(0), same(2)]]


def einsum(call: Call, output: int) -> list[AxisMaps]:
    """Read the same position of axes that the result has, and all positions of the others."""
    shapes = [tuple(operand.shape) for operand in call.operands]
    equation = getattr(call.operation, "equation", None)
    if equation:
        shapes.append(tuple(call.operation.kernel.shape))
    terms, result = einsum_labels(equation or call.operation.subscripts, shapes)
    return [
        [
            _in_einsum(call, result, letter, length)
            for letter, length in zip(term, shape, strict=True)
        ]
        for term, shape in zip(terms[: len(call.operands)], shapes, strict=False)
    ]


def _in_einsum(call: Call, result: str, letter: str, length: int) -> AxisMap | None:
    """Return what an axis of an operand reads; one of length 1 is broadcast."""
    if letter not in result:
        return None
    axis = result.index(letter)
    return same(axis) if length == call.outputs[0].shape[axis] else fixed(0)


def matmul(call: Call, output: int) -> list[AxisMaps]:
    """Read the row of one operand and the column of the other."""
    if min(len(operand.shape) for operand in call.operands) < 2:
        raise NotImplementedError
    left, right = elementwise(call, output)
    left[-1] = right[-2] = None
    return [left, right]


def permuted(call: Call, output: int) -> list[AxisMaps]:
    """Read along permuted axes, found by permuting a tensor whose axes differ in length."""
    lengths = range(2, 2 + _rank(call))
    after = call.operation.compute_output_spec(keras.KerasTensor(lengths)).shape
    return [[same(after.index(length)) for length in lengths]]
