"""The folder in which a training run leaves what it made."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kerazoo.errors import KerazooError, UsageError
from kerazoo.training.epoch import EpochResult

FILES = ("config.json", "metrics.csv", "curves.png", "model.keras", "summary.json", "tensorboard")


def check(out: Path | None, overwrite: bool) -> None:
    """Raise where a run must not or cannot be put into `out`; changes nothing.

    Raises:
        UsageError: `out` is a file, holds a run that may not be replaced, or other things.
        KerazooError: It cannot be written to.
    """
    _check_writable(out or Path("runs"))
    if out is None or not out.exists() or not any(out.iterdir()):
        return
    if not _is_run(out):
        raise UsageError(f"--out '{out}' holds other things than a run: name another folder")
    if not overwrite:
        raise UsageError(f"--out '{out}' holds a run: name another folder or give --overwrite")


def _check_writable(out: Path) -> None:
    existing = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise UsageError(f"--out '{out}' cannot be a folder, since '{existing}' is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise KerazooError(f"'{existing}' cannot be written to: name another folder by --out")


def _is_run(folder: Path) -> bool:
    """Tell a run of kerazoo by its config.json."""
    try:
        config = json.loads((folder / "config.json").read_text())
        return bool(config["versions"]["kerazoo"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


class RunFolder:
    """A folder that is the run's own; each file in it is whole or not there.

    It is used in a `with` statement: a run that fails before anything came of it leaves the folder
    as it was, an earlier run in it included.

    Args:
        out: The folder; None for a new `runs/<time>-<model>-<data>`.
        overwrite: Whether an earlier run in `out` may be replaced.
        model: Name of the model.
        data: Name of the data set.

    Raises:
        UsageError, KerazooError: See `check`.
    """

    def __init__(self, out: Path | None, overwrite: bool, model: str, data: str) -> None:
        check(out, overwrite)
        self._fruitful = False
        self._target: Path | None = None
        self._is_new = out is None or not out.exists()
        if out is None:
            self.path = _new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{data}")
        elif _is_run(out):
            self._target = out
            self.path = Path(tempfile.mkdtemp(prefix=".new-", dir=out))
        else:
            self.path = out
            out.mkdir(parents=True, exist_ok=True)
            _claim(out)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or self._fruitful:
            return
        for name in FILES:
            _remove(self.path / name)
        if self._is_new or self.spares_earlier_run:
            with contextlib.suppress(OSError):  # somebody else has put something there
                self.path.rmdir()

    @property
    def spares_earlier_run(self) -> bool:
        """Whether there is an earlier run that this one has not replaced yet."""
        return self._target is not None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `content` as a file of indented JSON."""
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, default=str) + "\n")

    def add_metrics(self, result: EpochResult) -> None:
        """Add a row to metrics.csv."""
        row = dataclasses.asdict(result)
        with (self.path / "metrics.csv").open(
            "a", newline="", encoding="utf-8", errors="backslashreplace"
        ) as file:
            writer = csv.DictWriter(file, row)
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
        self.keep()

    def keep(self) -> None:
        """Let what is here stay whatever happens, in the place of an earlier run."""
        self._fruitful = True
        if self._target is None:
            return
        for name in FILES:
            _remove(self._target / name)
            if (self.path / name).exists():
                (self.path / name).replace(self._target / name)
        self.path.rmdir()
        self.path, self._target = self._target, None

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give a path to write to that becomes the file `name` once that went well."""
        path = self.path / name
        aside = path.with_stem(f".{path.stem}")
        try:
            yield aside
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def _claim(out: Path) -> None:
    try:
        (out / "config.json").touch(exist_ok=False)
    except FileExistsError as error:
        raise UsageError(f"another run has just begun in --out '{out}'") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _new_folder(name: str) -> Path:
    """Make and return `runs/name`, without what file names cannot have, numbered if taken."""
    base = Path("runs") / re.sub(r"[^\w.-]+", "-", name)[:100]
    path = base
    for number in itertools.count(2):
        try:
            path.mkdir(parents=True)
            break
        except FileExistsError:
            path = base.with_name(f"{base.name}-{number}")
    return path
