"""Ctrl-C and SIGTERM, of which several in quick succession are one."""

import math
import signal
import time
from types import FrameType

# What asks a process to end; Windows has no SIGHUP.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
QUICK_SECONDS = 1


def handled_signals() -> list[signal.Signals]:
    """Return `SIGNALS`, without SIGHUP where this process was started to ignore it, as by nohup."""
    return [
        each
        for each in SIGNALS
        if each.name != "SIGHUP" or signal.getsignal(each) != signal.SIG_IGN
    ]


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
