"""Positions along one axis: those a layer reads, and the input pixels that a position depends on.

`AxisMap` is one layer's step from an output position to input positions; `FieldExtent` follows such
steps from the model's input to a layer. See `receptive_field` for an example.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from kerazoo.lazy import keras

NO_POSITION = 1 << 40  # an offset for no position
MOST_POSITIONS = 1 << 22  # of an axis whose positions are listed one by one
NO_PIXEL = 1 << 50  # the first pixel of an empty field; its last is the negative


@dataclass(frozen=True, eq=False)
class AxisMap:
    """The input positions that output position `period * q + r` reads: `step * q + taps[r]`."""

    axis: int | None  # of the output, the batch axis being 0; None if all positions read the same
    taps: np.ndarray  # offsets [period, taps]; `NO_POSITION` fills rows that have fewer
    step: int = 1  # how far the input position moves while the output position moves by the period
    row_major: bool = False  # whether the output axis runs over several input axes (Flatten)

    def positions(self, output: np.ndarray) -> np.ndarray:
        """Return the input positions [positions, taps] that output positions [positions] read."""
        turns, phases = np.divmod(output, len(self.taps))
        taps = self.taps[phases]
        return np.where(taps == NO_POSITION, NO_POSITION, turns[:, None] * self.step + taps)


def same(axis: int) -> AxisMap:
    """Read the same position."""
    return shifted(axis, 0)


def shifted(axis: int, offset: int) -> AxisMap:
    """Read the position plus an offset."""
    return AxisMap(axis, np.array([[offset]]))


def fixed(position: int) -> AxisMap:
    """Read one position, for any output position."""
    return AxisMap(None, np.array([[position]]), step=0)


def positions(length: int) -> np.ndarray:
    """Return all positions of an axis.

    Raises:
        NotImplementedError: They would take too much memory.
    """
    if length > MOST_POSITIONS:
        raise NotImplementedError
    return np.arange(length)


def listed(axis: int, read: np.ndarray) -> AxisMap:
    """Read the position that a list has for each position of the output, over and over."""
    return AxisMap(axis, read[:, None], step=0, row_major=True)


def section(axis: int, total: int, offset: int, length: int) -> AxisMap:
    """Read the tensor that a concatenation of `total` positions has at `offset`."""
    inside = positions(total) - offset
    return listed(axis, np.where((inside >= 0) & (inside < length), inside, NO_POSITION))


def window(axis: int, kernel: int, stride: int, dilation: int, before: int) -> AxisMap:
    """Read a window of `kernel` positions, the first of them `before` positions outside."""
    return AxisMap(axis, positions(kernel)[None] * dilation - before, stride)


def transposed_window(axis: int, kernel: int, stride: int, dilation: int, before: int) -> AxisMap:
    """Read the inputs of a transposed convolution that contribute to a position.

    Input position i contributes to the outputs `i * stride - before + dilation * tap`.
    """
    starts = [[phase + before - dilation * tap for tap in range(kernel)] for phase in range(stride)]
    rows = [[start // stride for start in row if start % stride == 0] for row in starts]
    return AxisMap(axis, _taps(rows))


def resized(axis: int, lengths: tuple[int, int], interpolation: str, antialias: bool) -> AxisMap:
    """Read the pixels with a weight in Keras's resizing, found by resizing single pixels.

    `lengths` are those of the axis before and after; the rest is as in `keras.layers.Resizing`.
    """
    common = math.gcd(*lengths) or 1
    step, period = lengths[0] // common, lengths[1] // common
    margin = 12 * math.ceil(max(1, step / period))  # more than half of the widest kernel
    turns = 2 * math.ceil(margin / step) + 1
    positions(turns * step * turns * max(step, period))  # as many elements as there are below
    pixels = np.eye(turns * step, dtype="float32")[None, :, None, :]
    size = (turns * period, 1)
    how = (interpolation, antialias)
    weights = keras.ops.image.resize(pixels, size, *how, data_format="channels_last")[0, :, 0]
    middle = turns // 2
    rows = [
        (np.flatnonzero(np.abs(row) > 1e-6) - middle * step).tolist()
        for row in keras.ops.convert_to_numpy(weights)[middle * period : (middle + 1) * period]
    ]
    return AxisMap(axis, _taps(rows), step)


def reshaped(before: Sequence[int], after: Sequence[int]) -> list[AxisMap | None]:
    """Return what each axis of a shape reads after a reshape; None for all positions.

    Of an axis that becomes several, the first that is longer than 1 decides which part is read.
    """
    maps: list[AxisMap | None] = []
    for old, new in _matching_axes(before, after):
        lead = next((axis for axis in new if after[axis] > 1), new[0] if new else None)
        inner = math.prod(after[axis] for axis in new if lead is not None and axis > lead)
        merged = sum(before[axis] > 1 for axis in old) > 1
        for axis in old:
            length = before[axis]
            if lead is None or (length == 1 and after[lead] > 1):
                maps.append(fixed(0))
            elif not merged:
                maps.append(AxisMap(lead, positions(inner)[None], inner))
            elif inner == 1:
                rest = math.prod(before[axis + 1 : old.stop])
                maps.append(listed(lead, positions(rest * length) // rest))
            else:
                maps.append(None)
    return maps


def _matching_axes(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[range, range]]:
    """Yield the shortest runs of old and of new axes that have the same number of elements."""
    old = new = 0
    while old < len(before) or new < len(after):
        first_old, first_new = old, new
        old, new = min(old + 1, len(before)), min(new + 1, len(after))
        while (left := math.prod(before[first_old:old])) != (
            right := math.prod(after[first_new:new])
        ):
            old, new = (old + 1, new) if left < right else (old, new + 1)
        yield range(first_old, old), range(first_new, new)


def _taps(rows: list[list[int]]) -> np.ndarray:
    """Return rows of different lengths as an array."""
    widest = max(1, *map(len, rows))
    return np.array([[*row, *[NO_POSITION] * (widest - len(row))] for row in rows])


@dataclass(frozen=True, eq=False)
class FieldExtent:
    """The first and last input pixel that an output position depends on, along one input axis.

    Position `period * q + r` depends on the pixels `step * q + low[r]` to `step * q + high[r]`;
    padding counts as pixels. The period is above 1 after layers that enlarge their input.
    """

    low: np.ndarray  # first pixels [period] of the first positions
    high: np.ndarray  # last pixels [period] of the first positions
    step: int  # how many pixels the field moves while the position moves by the period
    axis: int | None  # of the tensor, along which the field moves; None if it does not move
    row_major: bool = False  # whether that axis runs over several input axes

    @property
    def size(self) -> int:
        """Number of pixels of the largest field."""
        return max(int((self.high - self.low).max()) + 1, 0)

    @property
    def stride(self) -> Fraction | None:
        """Pixels that the field moves per position; None if there is only one position."""
        moves = self.axis is not None and not self.row_major
        return Fraction(self.step, len(self.low)) if moves else None

    @property
    def pace(self) -> tuple[int | None, Fraction | None]:
        """The axis and stride; fields with the same pace have a union with that pace."""
        return self.axis, self.stride

    @property
    def first_centre(self) -> float:
        """Middle of the first position's field, in pixels from the first pixel's middle."""
        return float(self.low[0] + self.high[0]) / 2

    def at(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last pixels of the fields of output positions."""
        turns, phases = np.divmod(output, len(self.low))
        return turns * self.step + self.low[phases], turns * self.step + self.high[phases]

    def through(self, layer: AxisMap) -> FieldExtent:
        """Return the extent for a layer's output; `self` is that of its input."""
        if layer.step == 1 and layer.taps.tolist() == [[0]]:  # each position reads the same one
            return replace(self, axis=layer.axis)
        period = len(self.low)
        turns = period // math.gcd(period, layer.step)
        read = layer.positions(positions(layer.taps.size * turns)[: len(layer.taps) * turns])
        quotient, phase = np.divmod(read, period)
        empty = read == NO_POSITION
        low = np.where(empty, NO_PIXEL, quotient * self.step + self.low[phase]).min(1)
        high = np.where(empty, -NO_PIXEL, quotient * self.step + self.high[phase]).max(1)
        step = layer.step * turns // period * self.step
        return FieldExtent(low, high, step, layer.axis, self.row_major or layer.row_major)

    def union(self, other: FieldExtent) -> FieldExtent:
        """Return the field from the first pixel of either to the last of either.

        Of fields with different paces, for which that differs by position, return the larger.
        """
        if self.pace != other.pace:
            return max(self, other, key=lambda extent: extent.size)
        period = math.lcm(len(self.low), len(other.low))
        (low1, high1), (low2, high2) = (each.at(positions(period)) for each in (self, other))
        return replace(
            self,
            low=np.minimum(low1, low2),
            high=np.maximum(high1, high2),
            step=self.step * period // len(self.low),
            row_major=self.row_major or other.row_major,
        )
