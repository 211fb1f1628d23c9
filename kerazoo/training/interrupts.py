"""Ctrl-C and SIGTERM, heeded where a training can be saved."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Takes note of the signals that end a run; a second Ctrl-C ends it at once.

    It is used in a `with` statement, and has no effect outside the main thread.

    Attributes:
        requested: Whether there was one.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._take) for each in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if sys.stderr.isatty():
            # not through sys.stderr, which the progress bar may be writing to
            os.write(2, b"\nsaving after these steps; Ctrl-C again ends it at once\n")
