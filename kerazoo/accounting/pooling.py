"""Pooling, and the enlarging of maps."""

from __future__ import annotations

import math
from typing import Any

from kerazoo.accounting.cost import Cost, Shapes, size

TAPS = {"nearest": 1, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}


def window(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the window's size for every output: k k H W C.

    Source: study document 003_f507a061fff3ec1f, line 960.
    """
    window = layer.pool_size  # keras.ops takes one number for all axes too
    taps = window ** (len(inputs[0]) - 2) if isinstance(window, int) else math.prod(window)
    return Cost(flops=taps * size(outputs[0]))


def whole(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count one for every element of the input: H W C.

    Source: study document 003_f507a061fff3ec1f, line 956.
    """
    return Cost(flops=size(inputs[0]))


def bins(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the elements of all bins of adaptive pooling, whose neighbours may overlap."""
    flops = 1
    for length, count in zip(inputs[0], outputs[0], strict=True):
        flops *= sum(
            -(-(index + 1) * length // count) - index * length // count for index in range(count)
        )
    return Cost(flops=flops)


def enlarge(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count 2 n - 1 for every output that is a weighted sum of n pixels, 0 where n is 1."""
    taps = TAPS.get(getattr(layer, "interpolation", "nearest"))
    if taps is None or getattr(layer, "antialias", False):
        return None
    return Cost(flops=(2 * taps - 1 if taps > 1 else 0) * size(outputs[0]))
