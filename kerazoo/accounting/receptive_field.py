"""Receptive fields: the part of the input that one position of a layer's output depends on.

Source: study notes `counting`, lines 23-41, and `cnn-study`, lines 404-424, whose recurrence is
extended here to branches, dilation, enlarging layers and padding.

An example to follow on paper: along one axis of 8 pixels, a convolution with kernel 3, stride 2 and
padding 1, then a pooling with kernel 3 and stride 1. Three numbers describe the fields of a layer's
output: the size in pixels, the stride, by which the field moves from one position to the next, and
the start, the first pixel of the first position's field. Each layer changes them to

    size   + (kernel - 1) * stride
    stride * the layer's stride
    start  - padding * stride

where `stride` is the one before the layer:

    after        size             stride     start           positions
    the input    1                1          0               8
    convolution  1 + 2 * 1 = 3    1 * 2 = 2  0 - 1 * 1 = -1  (8 + 2 * 1 - 3) // 2 + 1 = 4
    pooling      3 + 2 * 2 = 7    2 * 1 = 2  -1 - 0 * 2 = -1 (4 - 3) // 1 + 1 = 2

Position i of the pooling depends on the pixels 2 i - 1 to 2 i + 5: position 0 on -1 to 5, where -1
is padding, so on 0 to 5 of the image; position 1 on 1 to 7. In two dimensions, position (0, 1):

>>> x = inputs = keras.Input((8, 8, 1))
>>> x = keras.layers.ZeroPadding2D(1)(x)
>>> x = keras.layers.Conv2D(1, 3, strides=2)(x)
>>> x = keras.layers.MaxPooling2D(3, strides=1, name="pool")(x)
>>> receptive_field(keras.Model(inputs, x), "pool", (0, 1))
Box(start=(0, 1), stop=(6, 8), full_start=(-1, 1), full_stop=(6, 8))

A `FieldExtent` has the same numbers, size and start as `low` and `high`. `fields` computes it for
every tensor, forwards; `receptive_field` also goes backwards from one position, layer by layer, and
so knows which of these pixels are padding or are skipped at an edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kerazoo.accounting import rules
from kerazoo.accounting.axes import AxisMaps
from kerazoo.accounting.axis_map import AxisMap, FieldExtent
from kerazoo.accounting.graph import Call, Graph
from kerazoo.accounting.inputs import Inputs, InputShape
from kerazoo.accounting.trace import trace
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.lazy import keras
from kerazoo.values import is_integer, plain

# Index of an input of the model, index of its axis.
InputAxis = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """The receptive fields of the positions of a tensor."""

    extents: Mapping[InputAxis, FieldExtent | None]  # None if positions depend on the whole axis
    misaligned: bool = False  # whether branches with different strides or axes meet here

    @property
    def axes(self) -> list[int]:
        """The tensor's axes along which the field moves."""
        axes = {extent.axis for extent in self.extents.values() if extent}
        return sorted(axis for axis in axes if axis is not None)


class Box(NamedTuple):
    """A part of an input, axis by axis: (top, left) and (bottom, right) of an image.

    Attributes:
        start: First pixel of each axis.
        stop: One past the last pixel; equal to `start` if the part is only padding.
        full_start: First pixel if padding counts as pixels; it may be negative.
        full_stop: One past the last pixel if padding counts as pixels.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]
    full_start: tuple[int, ...]
    full_stop: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """Slices that cut the box out of an array with these axes."""
        return tuple(map(slice, self.start, self.stop))


def fields(graph: Graph) -> dict[int, Field | None]:
    """Return the field of every tensor by the tensor's id, None if a layer is unsupported."""
    formats = [getattr(call.operation, "data_format", None) for call in graph.calls]
    first = next(filter(None, formats), keras.config.image_data_format()) == "channels_first"
    result: dict[int, Field | None] = {}
    pixel = np.array([0])
    for number, tensor in enumerate(graph.inputs.values()):
        spatial = range(2 if first else 1, len(tensor.shape) - (not first))
        if _are_indices(graph, tensor):
            spatial = range(1, len(tensor.shape))
        extents = {(number, axis): FieldExtent(pixel, pixel, 1, axis) for axis in spatial}
        result[id(tensor)] = Field(extents)
    for call in graph.calls[len(graph.inputs) :]:
        for output, tensor in enumerate(call.outputs):
            try:
                result[id(tensor)] = _field(call, output, result)
            except NotImplementedError:
                result[id(tensor)] = None
    return result


def _are_indices(graph: Graph, tensor: keras.KerasTensor) -> bool:
    """Return whether a tensor has indices, such as tokens of a text: it has no channels then."""
    same = {id(tensor)}
    for call in graph.calls:
        if same.isdisjoint(map(id, call.inputs)):
            continue
        if call.kind == "Cast":
            same.update(map(id, call.outputs))
        if call.rule is rules.LAYERS["Embedding"] or id(call.bound.get("indices")) in same:
            return True
    return False


def _field(call: Call, output: int, fields: dict[int, Field | None]) -> Field | None:
    """Return the field of a call's output, from the fields of its operands."""
    reads = _reads(call, output)
    extents: dict[InputAxis, FieldExtent | None] = {}
    misaligned = False
    for tensor, maps in reads or []:
        field = fields.get(id(tensor))
        if field is None:
            return None
        for axis, new in field.extents.items():
            if new is not None and new.axis is not None:
                layer = maps[new.axis]
                new = None if layer is None else new.through(layer)
            old = extents.get(axis, new)
            if old is None or new is None:
                extents[axis] = None
            else:
                misaligned |= old.pace != new.pace
                extents[axis] = old.union(new)
    return None if reads is None else Field(extents, misaligned)


def _reads(call: Call, output: int) -> list[tuple[keras.KerasTensor, AxisMaps]] | None:
    """Return the tensors that an output depends on, with their maps; None if unsupported."""
    if call.rule is None:
        return None
    try:
        pairs = zip(call.operands, call.rule.axis_maps(call, output), strict=False)
    except NotImplementedError:
        return None
    return [(tensor, maps) for tensor, maps in pairs if isinstance(tensor, keras.KerasTensor)]


def receptive_field(
    model: keras.Model | str,
    layer: str,
    position: Sequence[int],
    input_shape: InputShape | None = None,
) -> Box | dict[str, Box]:
    """Return the part of the input that one position of a layer's output depends on.

    >>> inputs = keras.Input((8, 8, 3))
    >>> model = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="conv")(inputs))
    >>> box = receptive_field(model, "conv", (2, 0))
    >>> box.start, box.stop
    ((2, 0), (5, 3))
    >>> np.zeros((8, 8, 3))[box.slices].shape
    (3, 3, 3)

    Args:
        model: A Keras model, or a name that `kerazoo summary` takes.
        layer: Name of the layer, as in the index of `kerazoo.summary`.
        position: Index in each axis of the output along which the field moves: (row, column) of a
            feature map, (index,) after a Flatten, () if every element depends on the whole input.
        input_shape: As in `kerazoo.summary`.

    Returns:
        The box, in pixels; for a model with several images as inputs a dict of boxes by input name.

    Raises:
        UsageError: No layer has that name, the position is outside the output, or a layer before
            it is unsupported.
    """
    graph = trace(model, Inputs(input_shape), batch_size=1)
    outputs = {call.row: call.outputs[0] for call in graph.calls if call.outputs}
    if layer not in outputs:
        hint = did_you_mean(str(layer), outputs)
        raise UsageError(f"the model has no layer named {layer!r}{hint}")
    output = outputs[layer]
    field = fields(graph)[id(output)]
    if field is None:
        raise UsageError(f"no field for layer '{layer}': it or a layer before it is unsupported")
    lengths = tuple(output.shape[axis] for axis in field.axes)
    position = plain(position)
    if (
        not isinstance(position, tuple)
        or len(position) != len(lengths)
        or not all(
            is_integer(at) and 0 <= at < length
            for at, length in zip(position, lengths, strict=True)
        )
    ):
        raise UsageError(f"layer '{layer}' has positions of {lengths}, not {position!r}")
    chosen = dict(zip(field.axes, position, strict=True))
    read = _positions_read(graph, output, chosen)
    boxes = {}
    for number, (name, tensor) in enumerate(graph.inputs.items()):
        masks = read.get(id(tensor), [np.zeros(length, bool) for length in tensor.shape])
        sides = [
            _side(masks[axis[1]], field.extents[axis], chosen)
            for axis in sorted(field.extents)
            if axis[0] == number
        ]
        if sides:
            boxes[name] = Box(*zip(*sides, strict=True))
    return next(iter(boxes.values())) if len(boxes) == 1 else boxes


def _positions_read(
    graph: Graph, output: keras.KerasTensor, chosen: dict[int, int]
) -> dict[int, list[np.ndarray]]:
    """Return for each axis of every tensor a mask of the positions that the chosen one reads."""
    read = {
        id(output): [
            np.arange(length) == chosen[axis] if axis in chosen else np.ones(length, bool)
            for axis, length in enumerate(output.shape)
        ]
    }
    for call in reversed(graph.calls):
        for index, after in enumerate(call.outputs):
            if id(after) not in read:
                continue
            for tensor, maps in _reads(call, index) or []:
                masks = [
                    _mask(length, layer, read[id(after)])
                    for length, layer in zip(tensor.shape, maps, strict=True)
                ]
                if all(mask.any() for mask in masks):
                    before = read.get(id(tensor), masks)
                    read[id(tensor)] = [a | b for a, b in zip(before, masks, strict=True)]
    return read


def _mask(length: int, layer: AxisMap | None, output: list[np.ndarray]) -> np.ndarray:
    """Return the positions of an axis that a layer reads for positions of its output."""
    if layer is None:
        return np.ones(length, bool)
    positions = np.array([0]) if layer.axis is None else np.flatnonzero(output[layer.axis])
    read = layer.positions(positions)
    mask = np.zeros(length, bool)
    mask[read[(read >= 0) & (read < length)]] = True
    return mask


def _side(
    mask: np.ndarray, extent: FieldExtent | None, chosen: dict[int, int]
) -> tuple[int, int, int, int]:
    """Return start, stop, full start and full stop of a box along one input axis."""
    inside = np.flatnonzero(mask)
    start, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
    if extent is None:
        return start, stop, 0, len(mask)
    position = 0 if extent.axis is None else chosen[extent.axis]
    first, last = map(int, extent.at(np.array(position)))
    return start, stop, first, last + 1
