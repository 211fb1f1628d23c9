"""Ends a worker that makes no progress, with a message."""

import contextlib
import faulthandler
import subprocess
import sys
from typing import Self

TIMEOUT_SECONDS = 600
# Prints why the process that started it has ended, since that one can no longer do so: a line that
# begins with a tab is the activity it has begun, and any other line the first of its stacks.
REPORTER = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
activity = ""
for line in sys.stdin:
    if line.startswith("\\t"):
        activity = line.strip()
        continue
    print("kerazoo:", sys.argv[1].format(activity=activity), file=sys.stderr, flush=True)
    for line in sys.stdin:
        if sys.argv[2] == "stacks":
            sys.stderr.write(line)
"""


class Watchdog:
    """Ends this process, with exit code 1, where an activity takes more than `TIMEOUT_SECONDS`.

    It is used in a `with` statement. It works even where TensorFlow holds Python's lock: a thread
    of `faulthandler` ends the process, and another process prints why, with the stacks of all
    threads where `faulthandler` is enabled.

    Args:
        worker: What this process is called, such as "worker 2 of 2".
        activity: What it waits for at first.
        advice: What the user is to do.

    Attributes:
        activity: What it waits for.
    """

    def __init__(self, worker: str, activity: str, advice: str) -> None:
        self.activity = activity
        time = f"{TIMEOUT_SECONDS / 60:g} minutes"
        sentence = f"{worker} has waited {time} for {{activity}}: {advice}"
        stacks = "stacks" if faulthandler.is_enabled() else ""
        self._command = [sys.executable, "-c", REPORTER, sentence, stacks]

    def __enter__(self) -> Self:
        self._reporter = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, start_new_session=True, bufsize=0
        )
        self.begin(self.activity)
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._reporter.kill()
        self._reporter.communicate()

    def begin(self, activity: str) -> None:
        """Begin an activity, and start the clock again."""
        assert self._reporter.stdin
        self.activity = activity
        with contextlib.suppress(BrokenPipeError):  # somebody has killed the reporter
            self._reporter.stdin.write(f"\t{activity}\n".encode())
        faulthandler.dump_traceback_later(TIMEOUT_SECONDS, exit=True, file=self._reporter.stdin)
