"""The directory that a run writes to."""

import contextlib
import dataclasses
import itertools
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self

import pandas as pd

from kerazoo import files
from kerazoo.text import printable
from kerazoo.training import runs
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.result import EpochResult
from kerazoo.training.runs import CONFIG, EARLIER


class RunFolder:
    """The directory of a run, which only one process at a time uses; files are written atomically.

    It is used in a `with` statement: a run that fails before it is committed leaves the directory
    as it was, and an earlier run in it is restored.

    Attributes:
        path: The directory.
        checkpoints: Those in it.
    """

    def __init__(self, path: Path, lock: ExitStack, is_new: bool = False) -> None:
        self.path = path
        self.checkpoints = Checkpoints(path / "checkpoints")
        self._lock = lock
        self._is_new = is_new
        self._committed = False

    @classmethod
    def begin(cls, out: Path | None, overwrite: bool, model: str, data: str) -> Self:
        """Return the directory of a new run.

        Args:
            out: The directory; None for a new `runs/<time>-<model>-<data>`.
            overwrite: Whether an earlier run in `out` may be replaced. It is set aside until the
                first epoch of the new one has ended.
            model: Name of the model.
            data: Name of the data set.

        Raises:
            UsageError, KerazooError: See `runs.check`; or another process uses it.
        """
        runs.check(out, overwrite, data)
        is_new = out is None or not out.exists()
        if out is None:
            out = _new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{data}")
        else:
            files.make(out)
        with ExitStack() as lock:
            lock.enter_context(files.locked(out))
            files.remove_unfinished(out, files.UNFINISHED_RUN)
            if runs.has_earlier(out) and runs.has_ended_an_epoch(out):
                runs.remove_earlier(out)
            elif runs.has_earlier(out):
                runs.restore(out)
            if runs.is_run(out):
                runs.set_aside(out)
            (out / CONFIG).touch()
            return cls(out, lock.pop_all(), is_new)

    @classmethod
    def reopen(cls, run: Path) -> Self:
        """Return the directory of a run to resume.

        Raises:
            UsageError, CorruptFileError: See `runs.check_run`; or another process uses it.
            KerazooError: It cannot be written to.
        """
        runs.check_run(run)
        runs.check_writable(run)
        with ExitStack() as lock:
            lock.enter_context(files.locked(run))
            files.remove_unfinished(run, files.UNFINISHED_RUN)
            folder = cls(run, lock.pop_all())
        folder.commit()
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None and not self._committed:
                runs.restore(self.path)
                if self._is_new:
                    with contextlib.suppress(OSError):  # somebody else has put something there
                        self.path.rmdir()
        finally:
            self.unlock()

    def unlock(self) -> None:
        """Let other processes use the directory."""
        self._lock.close()

    def commit(self) -> None:
        """Keep what is here even if the run fails."""
        self._committed = True

    @property
    def earlier_run(self) -> Path | None:
        """The directory of an earlier run that is set aside."""
        return self.path / EARLIER if runs.has_earlier(self.path) else None

    def remove_earlier_run(self) -> None:
        """Remove an earlier run that is set aside."""
        runs.remove_earlier(self.path)

    def replacing(self, name: str) -> AbstractContextManager[Path]:
        """Return a path to write to, whose file replaces the one of this name, see `files`."""
        return files.replacing(self.path / name, files.UNFINISHED_RUN)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `content` as a file of indented JSON."""
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, default=str) + "\n")

    def write_metrics(self, results: Sequence[EpochResult]) -> None:
        """Write metrics.csv, a row for each epoch."""
        columns = [field.name for field in dataclasses.fields(EpochResult)]
        rows = pd.DataFrame(map(dataclasses.asdict, results), columns=columns)
        rows["data"] = rows["data"].map(printable)
        with self.replacing("metrics.csv") as path:
            rows.to_csv(path, index=False, errors="backslashreplace")
        if not self.earlier_run:
            self.commit()


def _new_folder(name: str) -> Path:
    """Make and return `runs/name`, without characters that file names cannot have."""
    base = Path("runs") / re.sub(r"[^\w.-]+", "-", name)[:100]
    files.make(base.parent)
    for number in itertools.count(1):
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            break
    files.flush(path.parent)
    return path
