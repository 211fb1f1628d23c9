"""Ends at chosen moments: a process kills or stops itself, or hangs, as it comes to a call."""

import os
import pkgutil
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from kerazoo.training import watchdog
from tests.helpers import tiny


def kill(call: Callable[[], Any]) -> None:
    """End at once, with no chance to save anything."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop(call: Callable[[], Any]) -> Any:
    """Stand still, to the last thread, until SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return call()


def hang(call: Callable[[], Any]) -> None:
    """Come no further, with a second left until that is noticed."""
    watchdog.TIMEOUT_SECONDS = 1
    call()
    time.sleep(600)


def command_that_ends_at(
    end: Callable[[Callable[[], Any]], Any], place: str, calls: int, *arguments: str
) -> int:
    """Run the command of kerazoo until a given call of a function.

    Args:
        end: What to do there, given what the call would do.
        place: The function, such as "package.module:Class.method".
        calls: The number of that call, from 1.
        arguments: Those of the command.
    """
    owner, _, name = place.rpartition("." if "." in place.partition(":")[2] else ":")
    holder = pkgutil.resolve_name(owner)
    setattr(holder, name, _counted(getattr(holder, name), end, calls))
    return tiny.command(*arguments)


command_killed_at = partial(command_that_ends_at, kill)


def _counted(
    do: Callable[..., Any], end: Callable[[Callable[[], Any]], Any], calls: int
) -> Callable[..., Any]:
    left = iter(range(calls - 1))

    def run(*arguments: Any, **options: Any) -> Any:
        call = partial(do, *arguments, **options)
        return end(call) if next(left, None) is None else call()

    return run
