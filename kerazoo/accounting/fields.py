"""Receptive fields of all layers of a graph, as a rule that holds for every position.

Source: study documents 002_f6d111ebe1e6fd2a, lines 23-41, and 003_f507a061fff3ec1f, lines 404-424,
whose recurrence is here taken through branches, dilation, enlarging layers and padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras

from kerazoo.accounting import reach, rules
from kerazoo.accounting.axes import Relation
from kerazoo.accounting.graph import Call, Graph
from kerazoo.accounting.reach import Reach

# An axis of an input that is followed: the number of the input, the number of the axis.
Axis = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """What the positions of a tensor see.

    Attributes:
        reaches: By input axis; None where every position sees the whole axis.
        misaligned: Whether branches meet here that move at different paces or along other axes.
    """

    reaches: dict[Axis, Reach | None]
    misaligned: bool = False

    @property
    def moving(self) -> list[int]:
        """The tensor's axes along which what is seen changes."""
        return sorted({r.axis for r in self.reaches.values() if r and r.axis is not None})


def spatial_axes(graph: Graph) -> list[Axis]:
    """Return the axes of the inputs that are neither samples nor channels."""
    formats = [getattr(call.operation, "data_format", None) for call in graph.calls]
    first = next(filter(None, formats), keras.config.image_data_format()) == "channels_first"
    return [
        (number, axis)
        for number, tensor in enumerate(graph.inputs.values())
        if len(tensor.shape) > 2
        for axis in range(2 if first else 1, len(tensor.shape) - (not first))
    ]


def fields(graph: Graph) -> dict[int, Field | None]:
    """Return what each tensor of a graph sees, by the tensor's id; None where it is not known."""
    found: dict[int, Field | None] = {}
    tracked = spatial_axes(graph)
    for number, tensor in enumerate(graph.inputs.values()):
        own: dict[Axis, Reach | None] = {
            axis: reach.start(axis[1]) for axis in tracked if axis[0] == number
        }
        found[id(tensor)] = Field(own)
    for call in graph.calls[len(graph.inputs) :]:
        for place, tensor in enumerate(call.outputs):
            found[id(tensor)] = _field(call, place, found)
    return found


def relations(call: Call, output: int) -> list[tuple[keras.KerasTensor, Relation]] | None:
    """Return the tensors that an output depends on and what it reads of each; None if unknown."""
    rule = rules.find(call.operation)
    if rule is None:
        return None
    try:
        read = rule.reads(call, output)
    except NotImplementedError:
        return None
    pairs = zip(call.operands, read, strict=False)
    return [(tensor, reads) for tensor, reads in pairs if isinstance(tensor, keras.KerasTensor)]


def _field(call: Call, output: int, found: dict[int, Field | None]) -> Field | None:
    """Return what an output sees, from what the operands see."""
    reaches: dict[Axis, Reach | None] = {}
    misaligned = False
    read = relations(call, output)
    if read is None:
        return None
    for tensor, relation in read:
        seen = found[id(tensor)]
        if seen is None:
            return None
        for axis, behind in seen.reaches.items():
            new = _through(behind, relation)
            old = reaches.get(axis, new)
            misaligned |= old is not None and new is not None and old.pace != new.pace
            reaches[axis] = None if old is None or new is None else old.joined(new)
    return Field(reaches, misaligned)


def _through(behind: Reach | None, relation: Relation) -> Reach | None:
    if behind is None or behind.axis is None:
        return behind
    reads = relation[behind.axis]
    return None if reads is None else behind.through(reads)
