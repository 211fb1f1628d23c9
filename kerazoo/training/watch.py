"""An end, with a sentence, to a worker that makes no progress."""

from __future__ import annotations

import faulthandler
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import keras

EITHER = "that is for its images or another worker"
WAIT_SECONDS = 600  # without progress, until a worker ends
# Passes on what the process that started it says once it is about to be ended, since that one can
# no longer speak: the last line that does not begin with a tab, and then the stacks if asked to.
SPEAKER = """
import sys
what = ""
for line in sys.stdin:
    if line.startswith("\\t"):
        what = line.strip()
        continue
    print("kerazoo:", sys.argv[1].format(what=what), file=sys.stderr, flush=True)
    for line in sys.stdin:
        if sys.argv[2] == "stacks":
            sys.stderr.write(line)
"""


class Watch:
    """Ends this process, with exit code 1, where it waits in vain for `WAIT_SECONDS`.

    It is used in a `with` statement. It does so even where TensorFlow holds Python's lock: a thread
    of `faulthandler` ends the process, and another process says why, with the stacks of all threads
    where `faulthandler` is enabled.

    Args:
        worker: What this process is called, such as "worker 2 of 2".
        what: What it waits for at first.
        then: What the user is to do.

    Attributes:
        what: What it waits for.
    """

    def __init__(self, worker: str, what: str, then: str) -> None:
        self.what = what
        time = f"{WAIT_SECONDS / 60:g} minutes"
        sentence = f"{worker} has waited {time} for {{what}}: {then}"
        stacks = "stacks" if faulthandler.is_enabled() else ""
        self._command = [sys.executable, "-c", SPEAKER, sentence, stacks]

    def __enter__(self) -> Watch:
        self._speaker = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, start_new_session=True, text=True, bufsize=1
        )
        self.waits_for(self.what)
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._speaker.communicate()

    def waits_for(self, what: str) -> None:
        """Take note of what comes next, and begin to count the time anew."""
        assert self._speaker.stdin
        self.what = what
        self._speaker.stdin.write(f"\t{what}\n")
        self.goes_on()

    def goes_on(self) -> None:
        """Begin to count the time anew."""
        assert self._speaker.stdin
        faulthandler.dump_traceback_later(WAIT_SECONDS, exit=True, file=self._speaker.stdin)


class Watched(keras.callbacks.Callback):
    """Says what a training waits for.

    Args:
        waits_for: Is told.
    """

    def __init__(self, waits_for: Callable[[str], object]) -> None:
        super().__init__()
        self._waits_for = waits_for
        self._epoch = 1

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Name the steps."""
        self._waits_for(f"the steps of epoch {self._epoch} from {batch + 1} on, {EITHER}")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Name the evaluation."""
        self._waits_for(f"the evaluation of epoch {self._epoch}, {EITHER}")

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Name what comes before the next epoch."""
        self._waits_for(f"the callbacks and the checkpoint of epoch {self._epoch}")
