"""Receptive fields along one axis, as exact functions of the output position."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from kerazoo.accounting.reads import NOTHING, Reads

NOWHERE = 1 << 50  # the first pixel of a field that is empty; its last is the negative


@dataclass(frozen=True, eq=False)
class Reach:
    """The input pixels from the first to the last that an output position depends on.

    Position `period * q + r` sees the pixels `step * q + low[r]` to `step * q + high[r]`, where
    padding counts as pixels. The period is above 1 behind layers that enlarge their input.

    Attributes:
        low: First pixel of each of the first positions; period is their number.
        high: Last pixel of each.
        step: How far the field moves while the position moves by the period.
        axis: The tensor's axis that the position is on; None where all see the same.
        row_major: Whether that axis runs over several input axes.
    """

    low: np.ndarray
    high: np.ndarray
    step: int
    axis: int | None
    row_major: bool = False

    @property
    def size(self) -> int:
        """The number of pixels of the largest field."""
        return max(int((self.high - self.low).max()) + 1, 0)

    @property
    def stride(self) -> Fraction | None:
        """Pixels that the field moves a position; None where there is only one position."""
        if self.axis is None or self.row_major:
            return None
        return Fraction(self.step, len(self.low))

    @property
    def pace(self) -> tuple[int | None, Fraction | None]:
        """What two fields must share for one to cover both at every position."""
        return self.axis, self.stride

    @property
    def first_centre(self) -> float:
        """Middle of the first position's field, in pixels from the first pixel's middle."""
        return float(self.low[0] + self.high[0]) / 2

    def at(self, position: int) -> tuple[int, int]:
        """Return the first and the last pixel of a position's field."""
        turns, phase = divmod(position, len(self.low))
        return (
            int(turns * self.step + self.low[phase]),
            int(turns * self.step + self.high[phase]),
        )

    def through(self, reads: Reads) -> Reach:
        """Return the reach of a layer's output; `self` is that of its input."""
        if reads.identical:
            return replace(self, axis=reads.axis)
        length = len(self.low)
        turns = length // math.gcd(length, reads.step)
        positions = reads.positions(np.arange(reads.period * turns))
        quotient, phase = np.divmod(positions, length)
        empty = positions == NOTHING
        low = np.where(empty, NOWHERE, quotient * self.step + self.low[phase]).min(1)
        high = np.where(empty, -NOWHERE, quotient * self.step + self.high[phase]).max(1)
        step = reads.step * turns // length * self.step
        return Reach(low, high, step, reads.axis, self.row_major or reads.row_major)

    def joined(self, other: Reach) -> Reach:
        """Return the field from the first pixel of either to the last of either.

        Where the two do not move at the same pace, that differs by position; then the larger.
        """
        if self.pace != other.pace:
            return max(self, other, key=lambda reach: reach.size)
        period = math.lcm(len(self.low), len(other.low))
        ours, theirs = self._repeated(period), other._repeated(period)
        low, high = np.minimum(ours.low, theirs.low), np.maximum(ours.high, theirs.high)
        return Reach(low, high, ours.step, self.axis, self.row_major or other.row_major)

    def _repeated(self, period: int) -> Reach:
        times = period // len(self.low)
        moves = np.repeat(np.arange(times) * self.step, len(self.low))
        low, high = np.tile(self.low, times) + moves, np.tile(self.high, times) + moves
        return Reach(low, high, self.step * times, self.axis, self.row_major)


def start(axis: int) -> Reach:
    """Return the reach of the input itself: every position sees its own pixel."""
    return Reach(np.array([0]), np.array([0]), 1, axis)
