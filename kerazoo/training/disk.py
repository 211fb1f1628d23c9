"""Files and directories that survive a kill, and that one process at a time uses."""

import fcntl
import os
import shutil
from pathlib import Path

from kerazoo.errors import UsageError


def flush(path: Path) -> None:
    """Write a file, or the names in a directory, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make(folder: Path) -> None:
    """Make a directory and its missing parents, and write their names to the disk."""
    if not folder.exists():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        flush(folder.parent)


def remove(path: Path) -> None:
    """Remove a file or a directory with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def lock(folder: Path) -> int:
    """Return a descriptor that keeps other processes from a directory until it is closed.

    Raises:
        UsageError: Another process uses it.
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
