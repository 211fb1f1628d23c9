"""The study notes' two recurrences along a chain of windows; `kerazoo.receptive_field` has models.

Source: `cnn-study`, lines 392-449. Its `outFromIn` divides without rounding down; here sizes are
integers, as in its line 145.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kerazoo.errors import UsageError


class Window(NamedTuple):
    """A convolution or pooling along one axis, in positions."""

    kernel: int
    stride: int = 1
    padding: int = 0  # at each end
    dilation: int = 1

    @property
    def length(self) -> int:
        """Positions from the first to the last of the window."""
        return self.dilation * (self.kernel - 1) + 1


def field_from_output(chain: Sequence[Window]) -> int:
    """Return how many input positions one position after a chain of windows depends on.

    From the last window to the first: a field of r positions becomes (r - 1) stride + length.
    Padding counts as positions. The first window of the chain is next to the input.
    """
    field = 1
    for window in reversed(chain):
        field = (field - 1) * window.stride + window.length
    return field


def output_from_input(size: int, chain: Iterable[Window]) -> tuple[int, int]:
    """Return the number of positions after a chain of windows on `size`, and the chain's stride.

    From the first window to the last: n positions become (n + 2 padding - length) / stride + 1,
    rounded down.

    Raises:
        UsageError: A window is longer than the padded axis that it slides over.
    """
    stride = 1
    for number, window in enumerate(chain, start=1):
        padded, length = size + 2 * window.padding, window.length
        if padded < length:
            raise UsageError(f"window {number} is {length} long and slides over {padded} positions")
        size = (padded - length) // window.stride + 1
        stride *= window.stride
    return size, stride
