"""Ctrl-C and SIGTERM, of which several in quick succession are one."""

import math
import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
QUICK_SECONDS = 1


class Interruption:
    """A signal handler that raises KeyboardInterrupt, once for signals in quick succession.

    A second KeyboardInterrupt would end the clean-up that the first one has begun.
    """

    def __init__(self) -> None:
        self._last = -math.inf

    def begins(self) -> bool:
        """Return whether the signal that has just come is the first in quick succession."""
        now = time.monotonic()
        if now - self._last <= QUICK_SECONDS:
            return False
        self._last = now
        return True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.begins():
            raise KeyboardInterrupt
