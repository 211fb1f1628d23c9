"""The exact part of the input that one position of a layer's output depends on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import keras
import numpy as np

from kerazoo.accounting import rules
from kerazoo.accounting.axes import Relation
from kerazoo.accounting.fields import Axis, Field, fields, relations, spatial_axes
from kerazoo.accounting.graph import Graph, trace
from kerazoo.accounting.inputs import InputShape
from kerazoo.errors import UsageError, did_you_mean


class Box(NamedTuple):
    """A part of an input, axis by axis: (top, left) and (bottom, right) of an image.

    Attributes:
        start: First pixel of each axis that is seen.
        stop: One past the last; equal to `start` where nothing but padding is seen.
        full_start: First pixel as if padding were pixels; it may be negative.
        full_stop: One past the last as if padding were pixels.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]
    full_start: tuple[int, ...]
    full_stop: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """What cuts the box out of an array of these axes."""
        return tuple(map(slice, self.start, self.stop))


# For each axis of a tensor which positions are seen.
Seen = list[np.ndarray]


def receptive_field(
    model: keras.Model,
    layer: str,
    position: Sequence[int],
    input_shape: InputShape | None = None,
) -> Box | dict[str, Box]:
    """Return the part of the input that one position of a layer's output depends on.

    Args:
        model: A built Keras model.
        layer: Name of the layer, as in the index of `kerazoo.summary`.
        position: Index in each axis of the output that moves over the input: (row, column) of a
            map, (index,) behind a flattening, () where every value sees the whole input.
        input_shape: As in `kerazoo.summary`.

    Returns:
        The box; for a model of several maps as inputs a dict of boxes by the inputs' names.

    Raises:
        UsageError: No layer has that name, the position is not on its map, or what a layer on the
            way reads is not known.
    """
    graph = trace(model, input_shape, 1, rules.knows)
    target = _output_of(graph, layer)
    field = fields(graph)[id(target)]
    if field is None:
        raise UsageError(f"what layer '{layer}' sees is not known: a layer before it has no rule")
    chosen = _chosen(layer, target, field, position)
    seen = _followed_back(graph, target, chosen)
    tracked = spatial_axes(graph)
    boxes = {}
    for number, (name, tensor) in enumerate(graph.inputs.items()):
        own = [axis for axis in tracked if axis in field.reaches and axis[0] == number]
        if own:
            nothing = [np.zeros(length, bool) for length in tensor.shape]
            boxes[name] = _box(field, chosen, own, seen.get(id(tensor), nothing))
    return next(iter(boxes.values())) if len(boxes) == 1 else boxes


def _output_of(graph: Graph, layer: str) -> keras.KerasTensor:
    tensors = {call.row: call.outputs[0] for call in graph.calls}
    if layer not in tensors:
        raise UsageError(f"the model has no layer '{layer}'{did_you_mean(layer, tensors)}")
    return tensors[layer]


def _chosen(
    layer: str, tensor: keras.KerasTensor, field: Field, position: Sequence[int]
) -> dict[int, int]:
    """Return the position by the axes of the layer's output."""
    axes = field.moving
    lengths = tuple(tensor.shape[axis] for axis in axes)
    fits = len(position) == len(lengths) and all(
        0 <= place < length for place, length in zip(position, lengths, strict=True)
    )
    if not fits:
        raise UsageError(f"layer '{layer}' has positions of {lengths}, not {tuple(position)}")
    return dict(zip(axes, position, strict=True))


def _followed_back(
    graph: Graph, target: keras.KerasTensor, chosen: dict[int, int]
) -> dict[int, Seen]:
    """Return what is seen of every tensor, by its id, from the target back to the inputs."""
    seen = {
        id(target): [
            np.arange(length) == chosen[axis] if axis in chosen else np.ones(length, bool)
            for axis, length in enumerate(target.shape)
        ]
    }
    for call in reversed(graph.calls):
        for place, output in enumerate(call.outputs):
            if id(output) not in seen:
                continue
            for tensor, relation in relations(call, place) or []:
                read = _read(tensor.shape, relation, seen[id(output)])
                if all(axis.any() for axis in read):
                    before = seen.get(id(tensor), read)
                    seen[id(tensor)] = [a | b for a, b in zip(before, read, strict=True)]
    return seen


def _read(shape: Iterable[int], relation: Relation, output: Seen) -> Seen:
    """Return what is read of a tensor where `output` is seen of a layer's output."""
    read = []
    for length, reads in zip(shape, relation, strict=True):
        if reads is None:
            read.append(np.ones(length, bool))
            continue
        positions = np.array([0]) if reads.axis is None else np.flatnonzero(output[reads.axis])
        wanted = reads.positions(positions).ravel()
        mask = np.zeros(length, bool)
        mask[wanted[(wanted >= 0) & (wanted < length)]] = True
        read.append(mask)
    return read


def _box(field: Field, chosen: dict[int, int], axes: list[Axis], seen: Seen) -> Box:
    sides = []
    for axis in axes:
        mask, reach = seen[axis[1]], field.reaches[axis]
        inside = np.flatnonzero(mask)
        start, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        first, last = 0, len(mask) - 1
        if reach is not None:
            first, last = reach.at(chosen[reach.axis] if reach.axis is not None else 0)
        sides.append((start, stop, first, last + 1))
    return Box(*zip(*sides, strict=True))
