"""Which positions along an axis of its input a layer reads for a position of its output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

NOTHING = 1 << 40  # an offset that stands for no position


@dataclass(frozen=True, eq=False)
class Reads:
    """What position `period * q + r` of an output axis reads: `step * q + taps[r]`.

    Attributes:
        axis: The output axis, the batch axis being 0; None where the same is read for all.
        taps: Offsets [period, number]; `NOTHING` fills rows that have fewer.
        step: How far the input moves while the output moves by the period.
        row_major: Whether the output axis runs over several input axes, as after a flattening.
    """

    axis: int | None
    taps: np.ndarray
    step: int = 1
    row_major: bool = False

    @property
    def period(self) -> int:
        """The number of output positions after which the pattern repeats."""
        return len(self.taps)

    @property
    def identical(self) -> bool:
        """Whether every position reads the very position."""
        return self.step == 1 and self.taps.shape == (1, 1) and self.taps[0, 0] == 0

    def positions(self, output: np.ndarray) -> np.ndarray:
        """Return what each position of an array of output positions reads: [positions, taps]."""
        turns, phases = np.divmod(output, self.period)
        taps = self.taps[phases]
        return np.where(taps == NOTHING, NOTHING, turns[:, None] * self.step + taps)


def same(axis: int) -> Reads:
    """Read the very position."""
    return shifted(axis, 0)


def shifted(axis: int, offset: int) -> Reads:
    """Read the position that lies `offset` further."""
    return Reads(axis, np.array([[offset]]))


def fixed(position: int) -> Reads:
    """Read one position, whatever the output position."""
    return Reads(None, np.array([[position]]), step=0)


def turn(axis: int, total: int, offset: int, length: int) -> Reads:
    """Read one of several tensors that follow one another: positions `offset` and `length` on."""
    places = np.arange(total) - offset
    taps = np.where((places >= 0) & (places < length), places, NOTHING)
    return Reads(axis, taps[:, None], 0, row_major=True)


def window(axis: int, kernel: int, stride: int, dilation: int, before: int) -> Reads:
    """Read a window of `kernel` positions that begins `before` positions outside."""
    return Reads(axis, np.arange(kernel)[None] * dilation - before, stride)


def spread(axis: int, kernel: int, stride: int, dilation: int, before: int) -> Reads:
    """Read what a transposed convolution has spread to a position.

    Input position i reaches the outputs `i * stride - before + dilation * tap`.
    """
    rows = [
        [
            (phase + before - dilation * tap) // stride
            for tap in range(kernel)
            if (phase + before - dilation * tap) % stride == 0
        ]
        for phase in range(stride)
    ]
    return Reads(axis, _table(rows))


def enlarged(axis: int, lengths: tuple[int, int], interpolation: str, antialias: bool) -> Reads:
    """Read what Keras's resizing weighs for a position, found by resizing single pixels.

    Args:
        axis: The output axis.
        lengths: Length of the axis before and after.
        interpolation: As in `keras.layers.Resizing`.
        antialias: As in `keras.layers.Resizing`.
    """
    common = math.gcd(*lengths)
    step, period = lengths[0] // common, lengths[1] // common
    reach = 12 * math.ceil(max(1, step / period))  # of the widest kernel, to both sides
    turns = 2 * math.ceil(reach / step) + 1
    pixels = np.eye(turns * step, dtype="float32")[None, :, None, :]
    size = (turns * period, 1)
    resized = keras.ops.image.resize(
        pixels, size, interpolation=interpolation, antialias=antialias, data_format="channels_last"
    )
    weights = keras.ops.convert_to_numpy(resized)[0, :, 0]
    middle = turns // 2
    rows = [
        (np.flatnonzero(np.abs(row) > 1e-6) - middle * step).tolist()
        for row in weights[middle * period : (middle + 1) * period]
    ]
    return Reads(axis, _table(rows), step)


def reshaped(before: Sequence[int], after: Sequence[int]) -> list[Reads | None]:
    """Return what each axis of a shape reads once the elements have another shape.

    Axes that become one are told apart by their place in it; of an axis that becomes several, the
    first that is longer than 1 tells which part is read. None stands for all positions.
    """
    relations: list[Reads | None] = []
    for old, new in _groups(before, after):
        lead = next((axis for axis in new if after[axis] > 1), new[0] if new else None)
        inner = math.prod(after[axis] for axis in new if lead is not None and axis > lead)
        merged = sum(before[axis] > 1 for axis in old) > 1
        for place, axis in enumerate(old):
            length = before[axis]
            if lead is None or (length == 1 and after[lead] > 1):
                relations.append(fixed(0))
            elif not merged:
                relations.append(Reads(lead, np.arange(inner)[None], inner))
            elif inner == 1:
                rest = math.prod(before[later] for later in old[place + 1 :])
                taps = np.arange(rest * length)[:, None] // rest
                relations.append(Reads(lead, taps, 0, row_major=True))
            else:
                relations.append(None)
    return relations


def _groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Pair the runs of axes that hold the same elements."""
    groups: list[tuple[list[int], list[int]]] = []
    old = new = 0
    while old < len(before) or new < len(after):
        olds: list[int] = []
        news: list[int] = []
        left = right = 1
        while True:
            if left <= right and old < len(before) and (left < right or not olds):
                left *= before[old]
                olds.append(old)
                old += 1
            elif new < len(after) and (right < left or not news):
                right *= after[new]
                news.append(new)
                new += 1
            else:
                break
        groups.append((olds, news))
    return groups


def _table(rows: list[list[int]]) -> np.ndarray:
    widest = max(1, *map(len, rows))
    return np.array([[*row, *[NOTHING] * (widest - len(row))] for row in rows])
