"""Processes that have TensorFlow imported when they start: in a tenth of a second, not in five.

A server that has imported it, and has not started its devices, forks them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 60  # seconds until a process that hangs is killed

_context = multiprocessing.get_context("forkserver")
_started: list[Process] = []


def start_server() -> None:
    """Start the server, which imports TensorFlow in the background, if it does not run."""
    _context.set_forkserver_preload(["tests.helpers.preload"])
    with contextlib.chdir(ROOT):  # where it finds that module
        forkserver.ensure_running()


def stop_server() -> None:
    """Stop the server, which takes half a gigabyte; another process would start it again."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined] # multiprocessing has no other way


@dataclass(frozen=True)
class Ended:
    """The exit code of a process, negative for the signal that killed it, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The lines of its error message, without its log."""
        return error_in(self.err)


def error_in(err: str) -> str:
    """Return the error message in what the command printed to standard error, and what follows."""
    lines = err.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith("kerazoo: ") and not line.startswith("kerazoo: warning: "):
            return "".join(lines[number:])
    return ""


class Process:
    """A process that calls a function, in this process's working directory.

    Args:
        call: A function of a module; what it returns is the exit code, as for `sys.exit`.
        arguments: What it is called with.
        environment: Variables that the process has besides those of this one.
        nobody_reads: Whether its standard output is a pipe that is closed at the other end.

    Attributes:
        stderr: What it logs.
    """

    def __init__(
        self,
        call: Callable[..., int | None],
        *arguments: Any,
        environment: Mapping[str, str] | None = None,
        nobody_reads: bool = False,
    ) -> None:
        start_server()
        (out, its_out), (err, its_err) = (_context.Pipe(duplex=False) for _ in range(2))
        variables = {**os.environ, **(environment or {})}
        own = (its_out, its_err, Path.cwd(), variables, call, arguments)
        self._process = _context.Process(target=_run, args=own, daemon=True)
        self._process.start()
        stdout, self.stderr = (os.fdopen(os.dup(each.fileno())) for each in (out, err))
        for each in (out, err, its_out, its_err):
            each.close()
        self._reader = ThreadPoolExecutor(1)
        if nobody_reads:
            stdout.close()
        self._out = self._reader.submit(_content, stdout)
        self._logged: list[str] = []
        self._hung = False
        self._watch = threading.Timer(LIMIT, self._give_up)
        self._watch.start()
        _started.append(self)

    def read_until(self, start: str) -> None:
        """Read what it logs up to the line that begins so."""
        for line in self.stderr:
            self._logged.append(line)
            if line.startswith(start):
                return
        pytest.fail(self.ended().err)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid
        os.kill(self._process.pid, number)

    def children(self) -> list[int]:
        """Return the numbers of the processes that it has started."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(number) for task in tasks for number in task.read_text().split()]

    def is_running_after(self, seconds: float) -> bool:
        """Return whether it does not end within so many seconds."""
        self._process.join(seconds)
        return self._process.is_alive()

    def ended(self) -> Ended:
        """Wait for its end and return what it came to."""
        err = "".join([*self._logged, _content(self.stderr)])
        out = self._out.result()
        self._process.join()
        self._watch.cancel()
        self._reader.shutdown()
        _started.remove(self)
        if self._hung:
            pytest.fail(f"a process was still running after {LIMIT} seconds:\n{out}{err}")
        assert self._process.exitcode is not None
        return Ended(self._process.exitcode, out, err)

    def _give_up(self) -> None:
        """Have it say where it hangs, and kill it."""
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            self.send(signal.SIGUSR1)
            self._hung = self.is_running_after(1)
        self._process.kill()


def kill_all() -> None:
    """Kill the processes whose end nobody has waited for."""
    for process in list(_started):
        process._process.kill()
        process.ended()


def _content(stream: Any) -> str:
    if stream.closed:
        return ""
    with stream:
        return stream.read()


def _run(
    out: Connection,
    err: Connection,
    folder: Path,
    environment: Mapping[str, str],
    call: Callable[..., int | None],
    arguments: tuple[Any, ...],
) -> None:
    """Make a process as new as one that the shell has started, and call the function in it."""
    assert "tensorflow" in sys.modules, "the server has not imported tests.helpers.preload"
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.register(signal.SIGUSR1)
    sys.exit(call(*arguments))
