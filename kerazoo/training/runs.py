"""Run directories: which there are, and whether a new run may use one."""

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from kerazoo import files
from kerazoo.data import names
from kerazoo.errors import DISK_FULL, CorruptFileError, KerazooError, UsageError, explain

CONFIG, SUMMARY = "config.json", "summary.json"
ALREADY_FINISHED = "the run in '%s' is already finished"
RESULTS = ("checkpoints", "metrics.csv", "tensorboard", "curves.png", "model.keras", SUMMARY)
FILES = (*RESULTS, CONFIG)  # the file that makes a directory a run is the last
# Directories inside that of a run: for an earlier run until the first epoch of the new one has
# ended, and for what is being removed.
EARLIER, REMOVED = ".kerazoo-earlier", ".kerazoo-removed"

logger = logging.getLogger("kerazoo")


def check(out: Path | None, overwrite: bool, data: str) -> None:
    """Check that a new run on a data set may use `out`.

    Raises:
        UsageError: `out` is a file, has a run that may not be replaced or is in progress, or other
            files; or it is in the folder of the data, whose images its figures would become.
        KerazooError: It cannot be written to.
    """
    check_writable(out or Path("runs"))
    if data.startswith(names.FOLDER):
        folder = names.folder_path(data)
        inside = (out or Path("runs")).resolve().is_relative_to(folder.resolve())
        if inside and not (folder / "train").is_dir():
            raise UsageError(
                f"the run would be in the folder of its data, '{folder}', and be read as a class: "
                "name a directory outside it with --out"
            )
    if out is None:
        return
    recover(out)
    if not out.exists():
        return
    entries = (path for path in out.iterdir() if not path.name.startswith(files.UNFINISHED_RUN))
    if all(path.name == CONFIG and _is_empty(path) for path in entries):
        return  # it is empty, or has what a run leaves that is killed at its start
    if not is_run(out):
        raise UsageError(f"--out '{out}' contains other files than a run: name another directory")
    if not overwrite:
        raise UsageError(f"--out '{out}' has a run: name another directory or give --overwrite")
    with files.locked(out):  # which is reported before TensorFlow starts
        pass


def check_writable(out: Path) -> None:
    """Check that `out` can be written to.

    Raises:
        UsageError: It, or a directory above it, is a file.
        KerazooError: It cannot be written to.
    """
    existing = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise UsageError(f"--out '{out}' cannot be a directory, because '{existing}' is a file")
    try:
        if not os.access(existing, os.W_OK | os.X_OK):
            raise PermissionError
        tempfile.TemporaryDirectory(prefix=files.UNFINISHED_RUN, dir=existing).cleanup()
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise KerazooError(
            f"'{existing}' cannot be written to: make it writable or name another directory"
        ) from error


def set_aside(out: Path) -> None:
    """Move the run in `out` aside, for a new one to replace it."""
    if os.path.lexists(out / EARLIER):  # what is no run
        remove_earlier(out)
    (out / EARLIER).mkdir()
    for name in reversed(FILES):
        if os.path.lexists(out / name):
            (out / name).replace(out / EARLIER / name)
    files.flush(out)


def has_earlier(out: Path) -> bool:
    """Return whether a run is set aside in `out`: its config.json is moved first, and back last."""
    earlier = out / EARLIER
    return not (earlier.is_symlink() or (earlier / CONFIG).is_symlink()) and is_run(earlier)


def restore(out: Path) -> None:
    """Remove the run in `out`, and move an earlier one back that was set aside."""
    for name in FILES:
        files.remove(out / name)
    _move_back(out)


def has_ended_an_epoch(run: Path) -> bool:
    """Return whether the first epoch of a run has ended, after which no earlier one is kept."""
    epoch = _newest_epoch(run)
    return _has_later_files(run) if epoch is None else epoch > 0


def check_checkpoints(run: Path) -> None:
    """Check that a run without checkpoints is one that was killed before it saved the first.

    Raises:
        CorruptFileError: It is not.
    """
    if _newest_epoch(run) is None and _has_later_files(run):
        raise CorruptFileError(
            f"'{run}' has results and no checkpoint to continue from: restore "
            f"'{run / 'checkpoints'}' from a copy, or train again with --out '{run}' --overwrite"
        )


def _newest_epoch(run: Path) -> int | None:
    from kerazoo.training.checkpoints import Checkpoints  # it imports NumPy

    return Checkpoints(run / "checkpoints").newest_epoch()


def _has_later_files(run: Path) -> bool:
    """Return whether a run has files that are written only after its first checkpoint.

    The first row of metrics.csv is written before it.
    """
    if any((run / name).exists() for name in ("model.keras", SUMMARY)):
        return True
    metrics = run / "metrics.csv"
    return metrics.exists() and b"\n2," in files.read_bytes(metrics)


def recover(out: Path) -> None:
    """Move an earlier run back where a process was killed before the new one had a config.json."""
    if not has_earlier(out) or is_run(out):
        return
    with contextlib.suppress(UsageError), files.locked(out):  # else a process is using it
        if not is_run(out) and not _is_in_the_way(out):
            _move_back(out)


def _is_in_the_way(out: Path) -> bool:
    """Return whether `out` has files that a run which is set aside there would replace."""
    names = (name for name in FILES if os.path.lexists(out / EARLIER / name))
    return any(
        os.path.lexists(out / name) and not (name == CONFIG and _is_empty(out / name))
        for name in names
    )


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _move_back(out: Path) -> None:
    if has_earlier(out):
        for name in FILES:
            if os.path.lexists(path := out / EARLIER / name):
                path.replace(out / name)
    with contextlib.suppress(OSError):  # there is none, or somebody else's file in it
        (out / EARLIER).rmdir()
    if out.exists():
        files.flush(out)


def remove_earlier(out: Path) -> None:
    """Remove an earlier run that was set aside, if there is one."""
    files.remove(out / REMOVED)
    if os.path.lexists(out / EARLIER):
        (out / EARLIER).replace(out / REMOVED)
        files.flush(out)
        files.remove(out / REMOVED)


def to_resume(given: Path | None) -> Path:
    """Return the directory of the run to resume: the given one, or the latest one in `runs`.

    An unfinished run comes before a finished one.

    Raises:
        UsageError, CorruptFileError: There is no run; or see `check_run`.
    """
    run = given or _latest()
    check_run(run)
    return run


def _latest() -> Path:
    folders = []
    with contextlib.suppress(FileNotFoundError):
        folders = [*Path("runs").iterdir()]
    runs = []
    for folder in folders:
        try:
            recover(folder)
            if is_run(folder):
                runs.append(folder)
        except PermissionError as error:
            message, _ = explain(error)
            logger.warning("'%s' is skipped: %s", folder, message)
    if not runs:
        raise UsageError("there is no run in 'runs': name its directory, --resume DIR")
    return max(runs, key=lambda run: (not is_finished(run), (run / CONFIG).stat().st_mtime))


def check_run(run: Path) -> None:
    """Check that a directory has a run that can be resumed.

    Raises:
        UsageError: It has none, or it is in progress.
        CorruptFileError: Its config.json is damaged, or one of its files is a link.
        PermissionError: Its config.json may not be read.
    """
    recover(run)
    if links := [run / name for name in FILES if (run / name).is_symlink()]:
        raise CorruptFileError(
            f"'{links[0]}' is a link: replace it with the file that it points to"
        )
    begun = os.path.lexists(run / CONFIG) and not _is_empty(run / CONFIG)
    if is_run(run):
        with files.locked(run):
            pass
    elif begun or (run / "checkpoints").exists():
        raise CorruptFileError(f"'{run / CONFIG}' is damaged: resuming needs a copy of it")
    else:
        raise UsageError(f"there is no run in '{run}': --resume takes the directory of a run")


def is_finished(run: Path) -> bool:
    """Return whether a run has the file that is written at its end."""
    return (run / SUMMARY).exists()


def config(run: Path) -> dict[str, Any]:
    """Return the config.json of a run, see `kerazoo.training.config.record`.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It was not written by a run.
        PermissionError: It may not be read.
    """
    content = files.read_json(run / CONFIG)
    match content:
        case {"versions": {"kerazoo": _} as versions}:
            if all(versions.values()) and all(isinstance(each, str) for each in versions.values()):
                return content
    raise CorruptFileError(f"'{run / CONFIG}' is damaged: it is not of a run of kerazoo")


def is_run(folder: Path) -> bool:
    """Return whether a directory has the config.json of a run of kerazoo.

    Raises:
        PermissionError: It may not be read.
    """
    with contextlib.suppress(UsageError, CorruptFileError):
        return bool(config(folder))
    return False
