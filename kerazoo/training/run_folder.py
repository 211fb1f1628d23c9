"""The folder in which a training run leaves what it made."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerazoo.training import disk
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.epoch import EpochResult
from kerazoo.training.runs import check, check_writable, is_run
from kerazoo.training.takeover import ASIDE, FILES, take_over


class RunFolder:
    """A folder that is the run's own; each file in it is whole or not there.

    It is used in a `with` statement: a run that fails before anything came of it leaves the folder
    as it was, an earlier run in it included.

    Only one process at a time has it.

    Attributes:
        path: The folder.
        checkpoints: Those in it.
        earlier_run: The folder of an earlier run that this one has not replaced yet.
    """

    def __init__(self, path: Path, earlier_run: Path | None, is_new: bool, lock: int) -> None:
        self.path = path
        self.checkpoints = Checkpoints(path / "checkpoints")
        self.earlier_run = earlier_run
        self._is_new = is_new
        self._fruitful = False
        self._lock: int | None = lock

    @classmethod
    def begin(cls, out: Path | None, overwrite: bool, model: str, data: str) -> RunFolder:
        """Return the folder of a new run.

        Args:
            out: The folder; None for a new `runs/<time>-<model>-<data>`.
            overwrite: Whether an earlier run in `out` may be replaced.
            model: Name of the model.
            data: Name of the data set.

        Raises:
            UsageError, KerazooError: See `check`; or another process has it.
        """
        check(out, overwrite)
        if out is None:
            path = _new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{data}")
            return cls(path, None, True, disk.lock(path))
        if is_run(out):
            lock = disk.lock(out)
            return cls(Path(tempfile.mkdtemp(prefix=ASIDE, dir=out)), out, False, lock)
        is_new = not out.exists()
        disk.make(out)
        lock = disk.lock(out)
        (out / "config.json").touch()
        return cls(out, None, is_new, lock)

    @classmethod
    def reopen(cls, run: Path) -> RunFolder:
        """Return the folder of a run that is to go on.

        Raises:
            UsageError: Another process has it.
            KerazooError: It cannot be written to.
        """
        check_writable(run)
        replaces = run.name.startswith(ASIDE) and is_run(run.parent)
        earlier_run = run.parent if replaces else None
        folder = cls(run, earlier_run, False, disk.lock(earlier_run or run))
        folder.stay()
        return folder

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not self._fruitful:
            for name in FILES:
                disk.remove(self.path / name)
            if self._is_new or self.earlier_run:
                with contextlib.suppress(OSError):  # somebody else has put something there
                    self.path.rmdir()
        self.unlock()

    def unlock(self) -> None:
        """Let other processes have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `content` as a file of indented JSON."""
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, default=str) + "\n")

    def write_metrics(self, results: Sequence[EpochResult]) -> None:
        """Write metrics.csv, a row an epoch."""
        names = [field.name for field in dataclasses.fields(EpochResult)]
        with (
            self.replacing("metrics.csv") as path,
            path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(map(dataclasses.asdict, results))
        if not self.earlier_run:
            self.stay()

    def stay(self) -> None:
        """Let what is here stay whatever happens."""
        self._fruitful = True

    def keep(self) -> None:
        """Let what is here stay whatever happens, in the place of an earlier run."""
        self.stay()
        if self.earlier_run is None:
            return
        take_over(self.path, self.earlier_run)
        self.path, self.earlier_run = self.earlier_run, None
        self.checkpoints.folder = self.path / "checkpoints"

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give a path to write to that becomes the file `name` once that went well."""
        path = self.path / name
        aside = path.with_stem(f".{path.stem}")
        try:
            yield aside
            disk.flush(aside)
            aside.replace(path)
            disk.flush(self.path)
        finally:
            aside.unlink(missing_ok=True)


def _new_folder(name: str) -> Path:
    """Make and return `runs/name`, without what file names cannot have, numbered if taken."""
    base = Path("runs") / re.sub(r"[^\w.-]+", "-", name)[:100]
    path = base
    disk.make(path.parent)
    for number in itertools.count(2):
        try:
            path.mkdir()
            disk.flush(path.parent)
            break
        except FileExistsError:
            path = base.with_name(f"{base.name}-{number}")
    return path
