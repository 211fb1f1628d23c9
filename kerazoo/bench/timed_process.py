"""A program to be timed in a process of its own, as those who use it have it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from kerazoo.errors import KerazooError

READY = "ready"


class TimedProcess:
    """What a function returns, called in a process of its own; used in a `with` statement.

    Args:
        function: Its module and name, as "package.module:name".
        arguments: What it takes; what JSON can hold.
        environment: Variables that its process has besides those of this one.

    Raises:
        KerazooError: It failed.
    """

    def __init__(
        self, function: str, *arguments: Any, environment: Mapping[str, str] | None = None
    ) -> None:
        self._function = function
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, function, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self) -> TimedProcess:
        self.receive()
        return self

    def __call__(self, *arguments: Any) -> Any:
        """Run the program once and return what it returns.

        Args:
            arguments: What it takes; what JSON can hold.

        Raises:
            KerazooError: It failed.
        """
        self.send(*arguments)
        return self.receive()

    def send(self, *arguments: Any) -> None:
        """Begin to run the program; `receive` waits for its end."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is then found
            self._process.stdin.write(json.dumps(arguments) + "\n")
            self._process.stdin.flush()

    def receive(self) -> Any:
        """Return what the program returns, None for what JSON cannot hold.

        Raises:
            KerazooError: It failed.
        """
        assert self._process.stdout
        answer = self._process.stdout.readline().rstrip()
        ready, _, result = answer.partition(" ")
        if ready != READY:
            self.kill()
            raise KerazooError(f"{self._function} failed: {answer or 'its process ended'}")
        return json.loads(result)

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End its process."""
        self._process.kill()
        self._process.communicate()


def serve(function: str, arguments: str) -> None:
    """Run the program once for each line of standard input, which holds what it takes.

    A line of standard output says when it is done, and what it returned.
    """

    def done(result: object) -> None:
        print(READY, json.dumps(result, default=lambda _: None), flush=True)

    module, _, name = function.partition(":")
    try:
        run = getattr(importlib.import_module(module), name)(*json.loads(arguments))
        done(None)
        for line in sys.stdin:
            done(run(*json.loads(line)))
    except Exception as error:  # whatever it is, who waits for the program is to be told
        print(" ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
