"""Kills at chosen moments: a process kills itself as it comes to a call."""

from __future__ import annotations

import os
import pkgutil
import signal
from collections.abc import Callable
from typing import Any

from tests.helpers import tiny


def command_killed_at(place: str, calls: int, *arguments: str) -> int:
    """Be the command of kerazoo until a function is called for the so many-th time.

    Args:
        place: The function, such as "package.module:Class.method".
        calls: Which call of it the process does not survive.
        arguments: Those of the command.
    """
    owner, _, name = place.rpartition("." if "." in place.partition(":")[2] else ":")
    holder = pkgutil.resolve_name(owner)
    setattr(holder, name, _counted(getattr(holder, name), calls))
    return tiny.command(*arguments)


def _counted(do: Callable[..., Any], calls: int) -> Callable[..., Any]:
    left = iter(range(calls - 1))

    def run(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments, **options)

    return run
