"""The largest difference between two tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 2**22  # elements


@dataclass(frozen=True)
class Difference:
    """The largest difference between two tensors."""

    absolute: float  # of two elements
    relative: float  # the same, divided by the largest magnitude in the first tensor


def difference(expected: Any, actual: Any) -> Difference:
    """Return the largest difference; it is infinite where shapes differ or an element is NaN."""
    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.shape != actual.shape:
        return Difference(np.inf, np.inf)
    pairs = zip(_blocks(expected), _blocks(actual), strict=True)
    absolute = float(np.max([_magnitude(a - b) for a, b in pairs], initial=0))
    magnitude = _magnitude(expected)
    if not np.isfinite(absolute):
        return Difference(np.inf, np.inf)
    relative = absolute / magnitude if magnitude else np.inf
    return Difference(absolute, relative if absolute else 0.0)


def largest(differences: Sequence[Difference]) -> Difference:
    """Return the largest absolute and the largest relative difference of several tensors."""
    return Difference(
        max(each.absolute for each in differences), max(each.relative for each in differences)
    )


def _blocks(tensor: np.ndarray) -> Iterator[np.ndarray]:
    """Cut a tensor, so that the difference of two large ones needs little memory."""
    flat = tensor.reshape(-1)
    return (flat[first : first + BLOCK] for first in range(0, flat.size, BLOCK))


def _magnitude(tensor: np.ndarray) -> float:
    """Return the largest absolute value, without copying the tensor."""
    return float(max(tensor.max(initial=0), -tensor.min(initial=0)))
