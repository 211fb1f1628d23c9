"""Kills at chosen moments: a process kills itself as it comes to a call."""

from __future__ import annotations

import os
import pkgutil
import signal
from collections.abc import Callable
from typing import Any

from tests.helpers import tiny


def command_killed_at(place: str, calls: int, *arguments: str) -> int:
    """Run the command of kerazoo and kill this process by SIGKILL at a given call of a function.

    Args:
        place: The function, such as "package.module:Class.method".
        calls: The number of that call, from 1.
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
