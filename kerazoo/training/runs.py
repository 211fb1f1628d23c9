"""The folders of runs: which there are, and whether another may be put into one."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from pathlib import Path
from typing import Any

from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.training.disk import lock
from kerazoo.training.takeover import ASIDE, settle


def check(out: Path | None, overwrite: bool) -> None:
    """Raise where a run must not or cannot be put into `out`.

    It changes nothing but to finish what a killed process has left half done; see `settle`.

    Raises:
        UsageError: `out` is a file, holds a run that may not be replaced or is going on, or other
            things.
        KerazooError: It cannot be written to.
    """
    check_writable(out or Path("runs"))
    if out is not None:
        settle(out)
    if out is None or not out.exists() or _has_nothing(out):
        return
    if not is_run(out):
        raise UsageError(f"--out '{out}' holds other things than a run: name another folder")
    if not overwrite:
        raise UsageError(f"--out '{out}' holds a run: name another folder or give --overwrite")
    os.close(lock(out))  # so that it is told before TensorFlow starts


def check_writable(out: Path) -> None:
    """Raise where nothing can be written into `out`; changes nothing.

    Raises:
        UsageError: It, or a folder above it, is a file.
        KerazooError: It cannot be written to.
    """
    existing = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise UsageError(f"--out '{out}' cannot be a folder, since '{existing}' is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise KerazooError(
            f"'{existing}' cannot be written to: make it writable or take another folder"
        )


def _has_nothing(out: Path) -> bool:
    """Tell whether a folder has nothing but what a run leaves that is killed as it begins."""
    left = [path for path in out.iterdir() if path.name != ".config.json"]
    return all(path.name == "config.json" and path.stat().st_size == 0 for path in left)


def to_resume(given: Path | None) -> Path:
    """Return the folder of the run to take up: the one given, or the latest one in `runs`.

    An unfinished run goes before a finished one.

    Raises:
        UsageError: There is no run, or it is going on.
        CorruptFileError: What it was begun with cannot be read.
    """
    if given is not None:
        _check_given(given)
        return given
    for run in Path("runs").glob("*"):
        settle(run)
    found = (Path("runs").glob(f"*/{below}config.json") for below in ("", f"{ASIDE}*/"))
    runs = [path.parent for path in itertools.chain(*found) if is_run(path.parent)]
    if not runs:
        raise UsageError("there is no run in 'runs': name its folder, --resume DIR")
    return max(runs, key=lambda run: (not is_finished(run), (run / "config.json").stat().st_mtime))


def _check_given(run: Path) -> None:
    place = run.parent if run.name.startswith(ASIDE) else run
    settle(place)
    if is_run(run):
        os.close(lock(place))
    elif (run / "checkpoints").exists():
        raise CorruptFileError(
            f"'{run / 'config.json'}' is damaged: a copy of it is needed to go on"
        )
    else:
        raise UsageError(f"there is no run in '{run}': --resume takes a run's folder")


def is_finished(run: Path) -> bool:
    """Tell whether a run has come to its end."""
    return (run / "summary.json").exists()


def summary(run: Path) -> dict[str, Any] | None:
    """Return what the summary.json of a finished run holds; None where it is unfinished.

    Checkpoints that a kill at the very end has left are removed.

    Raises:
        CorruptFileError: It cannot be read.
    """
    if not is_finished(run):
        return None
    from kerazoo.training.checkpoints import Checkpoints  # it imports NumPy

    with contextlib.suppress(OSError, ValueError):
        if isinstance(found := json.loads((run / "summary.json").read_text()), dict):
            Checkpoints(run / "checkpoints").remove()
            return found
    raise CorruptFileError(
        f"'{run / 'summary.json'}' is damaged: remove it, and --resume trains on from the last "
        "checkpoint, or from the start where there is none"
    )


def already_finished(run: Path) -> str:
    """Return a line on a run that is finished, and on one that was to take its place."""
    told = f"the run in '{run}' is already finished"
    for config in run.glob(f"{ASIDE}*/config.json"):
        told += f"; one that is to take its place goes on by --resume '{config.parent}'"
    return told


def config(run: Path) -> dict[str, Any]:
    """Return what `kerazoo.training.config.record` has put into a run's folder."""
    return json.loads((run / "config.json").read_text())


def is_run(folder: Path) -> bool:
    """Tell a run of kerazoo by its config.json."""
    try:
        return bool(config(folder)["versions"]["kerazoo"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
