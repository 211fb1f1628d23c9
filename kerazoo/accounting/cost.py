"""What a layer computes: multiply-accumulates, and floating-point operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Shape = Sequence[int]
Shapes = Sequence[Shape]


class Cost(NamedTuple):
    """What one call computes.

    Attributes:
        macs: Multiply-accumulates of products with weights and between tensors, without biases.
        flops: Floating-point operations, everything that is computed.
    """

    macs: int = 0
    flops: int = 0


def products(macs: int, outputs: int, bias: bool, activation: int = 0) -> Cost:
    """Return the cost of sums of products.

    A sum of n products is n multiplications and n - 1 additions, and one more with a bias: the
    (2 Cin K K - 1) H W Cout and 2 Cin K K H W Cout of study document 003_f507a061fff3ec1f, lines
    895-911, for a convolution, and its (2 I - 1) O, lines 936-946, for a dense layer.

    Args:
        macs: Number of products.
        outputs: Number of sums.
        bias: Whether a bias is added to each.
        activation: Operations of what follows.
    """
    return Cost(macs, macs + (macs if bias else max(macs - outputs, 0)) + activation)


def size(shape: Shape) -> int:
    """Return the number of elements."""
    return math.prod(shape)


def channels(layer: Any, shape: Shape) -> int:
    """Return the length of the axis that the layer's data format gives the channels."""
    return shape[1] if getattr(layer, "data_format", None) == "channels_first" else shape[-1]
