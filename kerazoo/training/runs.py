"""Run directories: which there are, and whether a new run may use one."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from kerazoo import files
from kerazoo.errors import CorruptFileError, KerazooError, UsageError

CONFIG = "config.json"
RESULTS = ("checkpoints", "metrics.csv", "tensorboard", "curves.png", "model.keras", "summary.json")
FILES = (*RESULTS, CONFIG)  # the file that makes a directory a run is the last
# Directories inside that of a run: for an earlier run until the first epoch of the new one has
# ended, and for what is being removed.
EARLIER, REMOVED = ".kerazoo-earlier", ".kerazoo-removed"


def check(out: Path | None, overwrite: bool) -> None:
    """Check that a new run may use `out`.

    Raises:
        UsageError: `out` is a file, has a run that may not be replaced or is in progress, or other
            files.
        KerazooError: It cannot be written to.
    """
    check_writable(out or Path("runs"))
    if out is None:
        return
    recover(out)
    if not out.exists():
        return
    entries = (path for path in out.iterdir() if not path.name.startswith(files.UNFINISHED))
    if all(path.name == CONFIG and path.stat().st_size == 0 for path in entries):
        return  # it is empty, or has what a run leaves that is killed at its start
    if not is_run(out):
        raise UsageError(f"--out '{out}' contains other files than a run: name another directory")
    if not overwrite:
        raise UsageError(f"--out '{out}' has a run: name another directory or give --overwrite")
    os.close(files.lock(out))  # to report it before TensorFlow starts


def check_writable(out: Path) -> None:
    """Check that `out` can be written to.

    Raises:
        UsageError: It, or a directory above it, is a file.
        KerazooError: It cannot be written to.
    """
    existing = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise UsageError(f"--out '{out}' cannot be a directory, because '{existing}' is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise KerazooError(
            f"'{existing}' cannot be written to: make it writable or name another directory"
        )


def set_aside(out: Path) -> None:
    """Move the run in `out` aside, for a new one to replace it."""
    earlier = out / EARLIER
    earlier.mkdir(exist_ok=True)
    for name in reversed(FILES):
        if (out / name).exists():
            (out / name).replace(earlier / name)
    files.flush(out)


def has_earlier(out: Path) -> bool:
    """Return whether a run is set aside in `out`: its config.json is moved first, and back last."""
    return (out / EARLIER / CONFIG).exists()


def restore(out: Path) -> None:
    """Remove the run in `out`, and move an earlier one back that was set aside."""
    for name in FILES:
        files.remove(out / name)
    _move_back(out)


def recover(out: Path) -> None:
    """Move an earlier run back where a process was killed before the new one had a config.json."""
    if not has_earlier(out) or is_run(out):
        return
    with contextlib.suppress(UsageError):  # a process is using it
        lock = files.lock(out)
        try:
            if not is_run(out):
                _move_back(out)
        finally:
            os.close(lock)


def _move_back(out: Path) -> None:
    for name in FILES:
        if (path := out / EARLIER / name).exists():
            path.replace(out / name)
    with contextlib.suppress(OSError):  # there is none, or somebody else's file in it
        (out / EARLIER).rmdir()
    if out.exists():
        files.flush(out)


def remove_earlier(out: Path) -> None:
    """Remove an earlier run that was set aside, if there is one."""
    files.remove(out / REMOVED)
    if (out / EARLIER).exists():
        (out / EARLIER).replace(out / REMOVED)
        files.flush(out)
        files.remove(out / REMOVED)


def to_resume(given: Path | None) -> Path:
    """Return the directory of the run to resume: the given one, or the latest one in `runs`.

    An unfinished run comes before a finished one.

    Raises:
        UsageError: There is no run, or it is in progress.
        CorruptFileError: Its config.json cannot be read.
    """
    if given is not None:
        _check_given(given)
        return given
    for run in Path("runs").glob("*"):
        recover(run)
    runs = [path.parent for path in Path("runs").glob(f"*/{CONFIG}") if is_run(path.parent)]
    if not runs:
        raise UsageError("there is no run in 'runs': name its directory, --resume DIR")
    return max(runs, key=lambda run: (not is_finished(run), (run / CONFIG).stat().st_mtime))


def _check_given(run: Path) -> None:
    recover(run)
    if is_run(run):
        os.close(files.lock(run))
    elif (run / "checkpoints").exists():
        raise CorruptFileError(f"'{run / CONFIG}' is damaged: resuming needs a copy of it")
    else:
        raise UsageError(f"there is no run in '{run}': --resume takes the directory of a run")


def is_finished(run: Path) -> bool:
    """Return whether a run has reached its end."""
    return (run / "summary.json").exists()


def summary(run: Path) -> dict[str, Any] | None:
    """Return the summary.json of a finished run, None for an unfinished one.

    Checkpoints that are left by a kill at the very end are removed.

    Raises:
        CorruptFileError: It cannot be read.
    """
    if not is_finished(run):
        return None
    from kerazoo.training.checkpoints import Checkpoints  # it imports NumPy

    with contextlib.suppress(OSError, ValueError):
        content = json.loads((run / "summary.json").read_text())
        if isinstance(content, dict):
            Checkpoints(run / "checkpoints").remove()
            return content
    raise CorruptFileError(
        f"'{run / 'summary.json'}' is damaged: remove it, and --resume continues from the last "
        "checkpoint, or from the start if there is none"
    )


def config(run: Path) -> dict[str, Any]:
    """Return the config.json of a run, see `kerazoo.training.config.record`."""
    return json.loads((run / CONFIG).read_text())


def is_run(folder: Path) -> bool:
    """Return whether a directory has the config.json of a run of kerazoo."""
    try:
        return bool(config(folder)["versions"]["kerazoo"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
