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
# How the name of the new run's folder, inside that of the earlier one, begins: at first, and once
# it is to take the earlier one's place.
ASIDE, READY = ".kerazoo-new-", ".kerazoo-ready-"


def take_over(new: Path, out: Path) -> None:
    """Put the run in `new`, a folder inside `out`, in the place of the one in `out`.

    Runs that were once begun to take that place, and never did, go too.
    """
    ready = out / new.name.replace(ASIDE, READY, 1)
    new.replace(ready)
    disk.flush(out)
    _finish(ready, out)


def settle(out: Path) -> None:
    """Finish a `take_over` that a process was killed in, unless one is just at it."""
    if not (found := list(out.glob(f"{READY}*"))):
        return
    with contextlib.suppress(UsageError):
        lock = disk.lock(out)
        try:
            for ready in found:
                _finish(ready, out)
        finally:
            os.close(lock)


def _finish(ready: Path, out: Path) -> None:
    """Remove the earlier run, its config.json last, and move the new one, its config.json last.

    So there is always one of the two that tells in which step a process was killed.
    """
    config, *others = FILES
    if (ready / config).exists():
        if (out / config).exists():
            for path in (*(out / name for name in others), *out.glob(f"{ASIDE}*")):
                disk.remove(path)
            disk.flush(out)
            disk.remove(out / config)
            disk.flush(out)
        for name in (*others, config):
            if (ready / name).exists():
                (ready / name).replace(out / name)
        disk.flush(out)
    with contextlib.suppress(OSError):  # somebody else has put something there
        ready.rmdir()
