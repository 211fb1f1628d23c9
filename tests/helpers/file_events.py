"""A program that ends at an event of its files: what it opens to write, renames or removes."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVENTS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")


class KilledError(BaseException):
    """The end of a process, as far as this one can have it."""


@contextmanager
def ended_at(number: int, end: Callable[[], object]) -> Iterator[list[str]]:
    """Call `end` at the event of this number, from 0, in a `with` block, and at all after it.

    Yields:
        The events that were let through.
    """
    passed: list[str] = []
    active = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        if active and (writing or event in EVENTS):
            if len(passed) >= number:
                end()
            passed.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)  # for the rest of the process
    try:
        yield passed
    finally:
        active = False


def ends(do: Callable[[], object], number: int) -> bool:
    """Return whether an action comes to the event of this number, where it ends as if killed."""

    def raise_killed() -> None:
        raise KilledError

    with ended_at(number, raise_killed):
        try:
            do()
        except KilledError:
            return True
    return False


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
