"""How a run takes the place of an earlier one, so that a kill at any moment loses neither."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kerazoo.errors import UsageError
from kerazoo.training import disk

FILES = (
    "config.json",
    "checkpoints",
    "metrics.csv",
    "tensorboard",
    "curves.png",
    "model.keras",
    "summary.json",
)
# The folder of the new run, inside that of the earlier one: how its name begins at first, and its
# names while the earlier one is removed and while its own files are moved.
ASIDE, READY, MOVING = ".new-", ".ready", ".moving"


def take_over(new: Path, out: Path) -> None:
    """Put the run in `new`, a folder inside `out`, in the place of the one in `out`."""
    new.replace(out / READY)
    disk.flush(out)
    _finish(out)


def settle(out: Path) -> None:
    """Finish a `take_over` that a process was killed in, unless one is just at it."""
    if not any((out / name).is_dir() for name in (READY, MOVING)):
        return
    with contextlib.suppress(UsageError):
        lock = disk.lock(out)
        try:
            _finish(out)
        finally:
            os.close(lock)


def _finish(out: Path) -> None:
    ready, moving = out / READY, out / MOVING
    if ready.exists():
        for name in FILES:
            disk.remove(out / name)
        ready.replace(moving)
    for name in reversed(FILES):  # config.json last: with it there is a run
        if (moving / name).exists():
            (moving / name).replace(out / name)
    disk.flush(out)
    with contextlib.suppress(OSError):  # somebody else has put something there
        moving.rmdir()
