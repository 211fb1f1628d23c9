"""A program that is timed in a separate process."""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from typing import Any, Self

from kerazoo.errors import KerazooError

DONE = "done"


class TimedProcess:
    """The callable that a function returns, in a separate process; used in a `with` statement.

    Arguments and results are what JSON can hold; None stands for any other result.

    Args:
        function: Its module and name, as "package.module:name".
        arguments: Of the function.
        environment: Variables of its process in addition to those of this one.
    """

    def __init__(self, function: str, *arguments: Any, **environment: str) -> None:
        self._function = function
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, function, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def __call__(self, *arguments: Any) -> Any:
        """Return the result of a call; the first one waits for the function."""
        self.send(*arguments)
        return self.receive()

    def send(self, *arguments: Any) -> None:
        """Start a call; `receive` waits for its end."""
        with contextlib.suppress(BrokenPipeError):  # the process has ended, which `receive` reports
            print(json.dumps(arguments), file=self._process.stdin, flush=True)

    def receive(self) -> Any:
        """Return the result of the call that was started.

        Raises:
            KerazooError: The call, or the function, failed.
        """
        assert self._process.stdout
        line = self._process.stdout.readline().rstrip()
        done, _, result = line.partition(" ")
        if done != DONE:
            raise KerazooError(f"{self._function} failed: {line or 'its process ended'}")
        return json.loads(result)


def serve(function: str, arguments: str) -> None:
    """Print a line with the result for each line of arguments, or with the error that ends this."""
    module, _, name = function.partition(":")
    try:
        run = getattr(importlib.import_module(module), name)(*json.loads(arguments))
        for line in sys.stdin:
            result = run(*json.loads(line))
            print(DONE, json.dumps(result, default=lambda _: None), flush=True)
    except Exception as error:  # the process that waits for the line reports it
        print(" ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
