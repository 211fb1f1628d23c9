"""Files: only regular ones are read, one is replaced as a whole, and what is written survives."""

import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerazoo.errors import MAX_CHARACTERS, CorruptFileError, KerazooError, UsageError
from kerazoo.text import BYTES, in_units

MAX_SIZE = 2**26  # bytes of a file that is read as a whole
# Directories of unfinished files: a process that is killed leaves its own. A run removes those of
# runs in its directory, and not of an export that is being written there.
UNFINISHED = ".kerazoo-new-"
UNFINISHED_RUN = ".kerazoo-run-"
POSIX = os.name == "posix"  # Windows lacks locks, and opens no directories
IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ELOOP)  # of a path that no file can have


def check_file(path: Path) -> None:
    """Check that a path is that of a regular file, for a reader that opens it by its path.

    Raises:
        UsageError: There is no such file, or it is a directory, a pipe or a device.
        PermissionError: Its directory may not be searched.
    """
    if (type_bits := mode(path)) is None:
        raise UsageError(f"there is no file '{path}'")
    if stat.S_ISDIR(type_bits):
        raise UsageError(f"'{path}' is a directory, not a file")
    if not stat.S_ISREG(type_bits):
        raise UsageError(f"'{path}' is a pipe or a device, not a file")


def check_target(path: Path, source: Path | None = None) -> None:
    """Check that a file can be written to a path, or can replace what is there.

    Args:
        path: Of the file.
        source: A file that is read, and must not be replaced.

    Raises:
        UsageError: No file can have this path, something other than a file has it, or it is that of
            `source`.
        KerazooError: Its directory does not exist or cannot be written to.
    """
    if mode(path) is not None:
        check_file(path)
        if source is not None and source.exists() and path.samefile(source):
            raise UsageError(f"'{path}' is the input: write to another file")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise KerazooError(f"the directory '{path.parent}' does not exist: create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise KerazooError(
            f"'{path.parent}' cannot be written to: make it writable or name another directory"
        )


def mode(path: Path) -> int | None:
    """Return the type and permissions of what has a path, None if nothing has it.

    Raises:
        UsageError: Nothing can have this path.
        PermissionError: Its directory may not be searched.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # a NUL is a ValueError
        if isinstance(error, OSError) and error.errno not in IMPOSSIBLE:
            raise
        raise UsageError(f"no file can have the path '{path}'"[:MAX_CHARACTERS]) from error


def read_bytes(path: Path, maximum: int = MAX_SIZE) -> bytes:
    """Return the content of a regular file of at most `maximum` bytes.

    Raises:
        UsageError: There is no such file, see `check_file`.
        CorruptFileError: It is larger.
        PermissionError: It may not be read.
    """
    check_file(path)
    if path.stat().st_size > maximum:
        limit = in_units(maximum, BYTES)
        raise CorruptFileError(f"'{path}' is larger than {limit}: it is damaged or another file")
    return path.read_bytes()


def read_json(path: Path, maximum: int = MAX_SIZE) -> Any:
    """Return the content of a JSON file of at most `maximum` bytes.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It has other content, or is larger.
        PermissionError: It may not be read.
    """
    content = read_bytes(path, maximum)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"'{path}' is damaged: it is not valid JSON") from error


@contextlib.contextmanager
def replacing(path: Path, prefix: str = UNFINISHED) -> Iterator[Path]:
    """Yield a path to write to; if the block succeeds, that file replaces `path` in one step.

    It has the same name, in a new directory next to `path` that only this user can use, and whose
    name begins with `prefix`.
    """
    path = path.absolute()
    with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        flush(unfinished)
        unfinished.replace(path)
        flush(path.parent)


def remove_unfinished(folder: Path, prefix: str) -> None:
    """Remove what killed processes have left of `replacing` files with a prefix in a directory.

    No other process may be replacing one with this prefix there.
    """
    for path in folder.glob(f"{prefix}*"):
        remove(path)


def flush(path: Path) -> None:
    """Write a file, or the names in a directory, to the disk; Windows does so when it will."""
    if not POSIX:
        return
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
    """Remove a file or a directory with its content, if it exists; of a link, the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from a directory within a `with` block.

    Raises:
        UsageError: Another process uses it.
    """
    descriptor = os.open(folder if POSIX else os.devnull, os.O_RDONLY)
    try:
        try:
            lock_descriptor(descriptor, wait=False)
        except BlockingIOError as error:
            raise UsageError(f"a run is in progress in '{folder}': wait until it ends") from error
        yield
    finally:
        os.close(descriptor)


def lock_descriptor(descriptor: int, wait: bool) -> None:
    """Lock what is open until it is closed; Windows and some network disks have no locks.

    Raises:
        BlockingIOError: Another process has locked it, and is not waited for.
    """
    if not POSIX:
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        pass
