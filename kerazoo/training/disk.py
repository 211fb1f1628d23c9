"""Files and folders that outlast a kill, and that one process at a time has."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from kerazoo.errors import UsageError


def flush(path: Path) -> None:
    """Have the disk hold what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make(folder: Path) -> None:
    """Make a folder and those above it that are not there, and have the disk hold their names."""
    if not folder.exists():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        flush(folder.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def lock(folder: Path) -> int:
    """Return what keeps other processes away from the folder until it is closed, or this one ends.

    Raises:
        UsageError: Another process has it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise UsageError(f"a run is in progress in '{folder}': wait until it ends") from error
    except OSError:
        pass  # some network disks have no locks
    return descriptor
