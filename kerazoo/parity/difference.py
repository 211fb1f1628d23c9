"""How far two tensors are apart."""

from __future__ import annotations

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
    absolute = float(np.abs(program - port).max(initial=0))
    largest = float(np.abs(program).max(initial=0))
    if not np.isfinite(absolute):
        return Difference(np.inf, np.inf)
    relative = absolute / largest if largest else np.inf
    return Difference(absolute, relative if absolute else 0.0)
