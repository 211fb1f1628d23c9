"""A program to be timed in a process of its own, as those who use it have it."""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
from types import TracebackType

from kerazoo.errors import KerazooError

READY = "ready"


class Apart:
    """What a function returns, called in a process of its own; used in a `with` statement.

    Args:
        function: Its module and name, as "package.module:name".
        arguments: What it takes; numbers and texts.

    Raises:
        KerazooError: It failed.
    """

    def __init__(self, function: str, *arguments: str | int) -> None:
        self._function = function
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, function, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Apart:
        self._wait()
        return self

    def __call__(self) -> None:
        """Run the program once.

        Raises:
            KerazooError: It failed.
        """
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is then found
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        self._wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _wait(self) -> None:
        assert self._process.stdout
        answer = self._process.stdout.readline().rstrip()
        if answer != READY:
            self._end()
            raise KerazooError(f"{self._function} failed: {answer or 'its process ended'}")


def serve(function: str, arguments: str) -> None:
    """Run the program once for each line of standard input, and say each time when it is done."""
    module, _, name = function.partition(":")
    try:
        run = getattr(importlib.import_module(module), name)(*json.loads(arguments))
        print(READY, flush=True)
        for _ in sys.stdin:
            run()
            print(READY, flush=True)
    except Exception as error:  # whatever it is, who waits for the program is to be told
        print(" ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
