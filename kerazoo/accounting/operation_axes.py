"""Which positions of its operands' axes each operation of `keras.ops` reads; see `axes`."""

from __future__ import annotations

from kerazoo.accounting import reads
from kerazoo.accounting.axes import Relation, broadcast, each, in_order
from kerazoo.accounting.graph import Call
from kerazoo.accounting.reads import Reads


def unknown(call: Call, output: int) -> list[Relation]:
    """Tell that it is not known what is read."""
    raise NotImplementedError


def stacked(call: Call, output: int) -> list[Relation]:
    """Read the operand whose turn it is along the new axis."""
    along = call.operation.axis % len(call.outputs[0].shape)
    rank = len(call.operands[0].shape)
    relation = [reads.same(axis + (axis >= along)) for axis in range(rank)]
    return [relation] * len(call.operands)


def transposed(call: Call, output: int) -> list[Relation]:
    """Read along the axes in the order of keras.ops.transpose."""
    rank = len(call.inputs[0].shape)
    axes = call.operation.axes or range(rank)[::-1]
    return in_order(*(axis % rank for axis in axes))


def swapped(call: Call, output: int) -> list[Relation]:
    """Read along axes of which two are swapped."""
    axes = list(range(len(call.inputs[0].shape)))
    one, two = call.operation.axis1, call.operation.axis2
    axes[one], axes[two] = axes[two], axes[one]
    return in_order(*axes)


def moved(call: Call, output: int) -> list[Relation]:
    """Read along axes of which some are moved, the others keeping their order."""
    rank = len(call.inputs[0].shape)
    pairs = zip(each(call.operation.destination, 1), each(call.operation.source, 1), strict=True)
    placed = {place % rank: axis % rank for place, axis in pairs}
    rest = iter(axis for axis in range(rank) if axis not in placed.values())
    return in_order(*(placed[place] if place in placed else next(rest) for place in range(rank)))


def reduced(call: Call, output: int) -> list[Relation]:
    """Read the whole of the axes that a sum, mean or maximum goes over."""
    rank = len(call.inputs[0].shape)
    over = call.operation.axis
    over = range(rank) if over is None else [over] if isinstance(over, int) else over
    axes = {axis % rank for axis in over}
    if getattr(call.operation, "keepdims", False):
        return [[None if axis in axes else reads.same(axis) for axis in range(rank)]]
    kept = [axis for axis in range(rank) if axis not in axes]
    return [[None if axis in axes else reads.same(kept.index(axis)) for axis in range(rank)]]


def padded(call: Call, output: int) -> list[Relation]:
    """Read the position without what was added before it."""
    widths = call.operation.pad_width
    pairs = widths * len(call.inputs[0].shape) if len(widths) == 1 else widths
    return [[reads.shifted(axis, -before) for axis, (before, _) in enumerate(pairs)]]


def item(call: Call, output: int) -> list[Relation]:
    """Read a part of the axes, by positions, slices with a step, new axes and "..."."""
    shape = call.inputs[0].shape
    key = call.arguments[1] if len(call.arguments) > 1 else call.options["key"]
    parts = list(key) if isinstance(key, tuple | list) else [key]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    hidden = [slice(None)] * (len(shape) - named)
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    place = next(index for index, part in enumerate(parts) if part is Ellipsis)
    relation: list[Reads | None] = []
    axis = 0
    for part in [*parts[:place], *hidden, *parts[place + 1 :]]:
        if isinstance(part, int):
            relation.append(reads.fixed(part % shape[len(relation)]))
            continue
        if part is not None:
            if not isinstance(part, slice):
                raise NotImplementedError
            first, _, step = part.indices(shape[len(relation)])
            relation.append(reads.window(axis, 1, step, 1, -first))
        axis += 1
    return [relation]


def split(call: Call, output: int) -> list[Relation]:
    """Read the part of the axis that became this output."""
    rank = len(call.inputs[0].shape)
    along = call.operation.axis % rank
    offset = sum(tensor.shape[along] for tensor in call.outputs[:output])
    relation = [*map(reads.same, range(rank))]
    relation[along] = reads.shifted(along, offset)
    return [relation]


def matmul(call: Call, output: int) -> list[Relation]:
    """Read the row of the one and the column of the other."""
    ranks = [len(operand.shape) for operand in call.operands]
    last = len(call.outputs[0].shape) - 1
    if min(ranks) < 2:
        raise NotImplementedError
    left, right = (_broadcast_batch(call, place, last) for place in (0, 1))
    return [[*left, reads.same(last - 1), None], [*right, None, reads.same(last)]]


def _broadcast_batch(call: Call, place: int, last: int) -> Relation:
    return broadcast(call.operands[place].shape[:-2], call.outputs[0].shape[: last - 1])
