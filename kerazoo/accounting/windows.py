"""The study documents' two recurrences along a plain chain of windows.

Source: document 003_f507a061fff3ec1f, lines 392-449. Its `outFromIn` divides without rounding down;
here sizes are whole, as in its line 145. For graphs there are `kerazoo.summary` and
`kerazoo.receptive_field`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kerazoo.errors import UsageError


class Window(NamedTuple):
    """A convolution or pooling along one axis, in positions.

    Attributes:
        kernel: Length of the window.
        stride: How far it moves.
        padding: Positions added at each end.
        dilation: Distance between two neighbours in the window.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def length(self) -> int:
        """Positions from the first to the last of the window."""
        return self.dilation * (self.kernel - 1) + 1


def field_from_output(chain: Sequence[Window]) -> int:
    """Return how many input positions one position behind a chain of windows sees.

    From the last window down: a field of r positions becomes (r - 1) stride + length. Padding
    counts like positions.

    Args:
        chain: The windows from the input to the output.
    """
    field = 1
    for window in reversed(chain):
        field = (field - 1) * window.stride + window.length
    return field


def output_from_input(size: int, chain: Iterable[Window]) -> tuple[int, int]:
    """Return how many positions come out of a chain of windows, and the stride of the whole chain.

    From the first window up: n positions become (n + 2 padding - length) / stride + 1, rounded
    down.

    Args:
        size: Positions of the input.
        chain: The windows from the input to the output.

    Raises:
        UsageError: A window is longer than what it slides over.
    """
    stride = 1
    for number, window in enumerate(chain, start=1):
        room = size + 2 * window.padding - window.length
        if room < 0:
            raise UsageError(
                f"window {number} is {window.length} long and slides over "
                f"{size + 2 * window.padding} positions"
            )
        size = room // window.stride + 1
        stride *= window.stride
    return size, stride
