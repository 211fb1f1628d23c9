"""How far two tensors are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 2**22  # numbers


@dataclass(frozen=True)
class Difference:
    """How far a port is from its program.

    Attributes:
        absolute: Largest difference of two numbers.
        relative: The same, as a share of the largest number of the program's tensor.
    """

    absolute: float
    relative: float


def difference(program: Any, port: Any) -> Difference:
    """Return how far two tensors are apart: infinitely, where shapes differ or a number is none."""
    program, port = np.asarray(program), np.asarray(port)
    if program.shape != port.shape:
        return Difference(np.inf, np.inf)
    pairs = zip(_blocks(program), _blocks(port), strict=True)
    absolute = float(np.max([_magnitude(a - b) for a, b in pairs], initial=0))
    magnitude = _magnitude(program)
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
    """Cut a tensor, so that the difference of two large ones takes no memory of their size."""
    flat = tensor.reshape(-1)
    return (flat[first : first + BLOCK] for first in range(0, flat.size, BLOCK))


def _magnitude(tensor: np.ndarray) -> float:
    """Return the largest absolute number, without a copy of the tensor."""
    return float(max(tensor.max(initial=0), -tensor.min(initial=0)))
