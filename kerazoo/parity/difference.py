"""How far two tensors are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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
    absolute = _magnitude(program - port)
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


def _magnitude(tensor: np.ndarray) -> float:
    """Return the largest absolute number, without a copy of the tensor."""
    return float(max(tensor.max(initial=0), -tensor.min(initial=0)))
