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
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kerazoo.errors import KerazooError, UsageError
from kerazoo.training.epoch import EpochResult

FILES = ("config.json", "metrics.csv", "curves.png", "model.keras", "summary.json", "tensorboard")
EARLIER = ".earlier"


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
        return "kerazoo" in config["versions"]
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
        if out is None:
            self.path = _new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{data}")
            return
        self.path = out
        out.mkdir(parents=True, exist_ok=True)
        if (out / EARLIER).is_dir():  # a run was killed before anything came of it
            self._restore_earlier()
        _move(out, out / EARLIER)
        try:
            (out / "config.json").touch(exist_ok=False)
        except FileExistsError as error:
            raise UsageError(f"another run has just begun in --out '{out}'") from error

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or self._fruitful:
            return
        self._restore_earlier()
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `content` as a file of indented JSON."""
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, default=str) + "\n")

    def add_metrics(self, result: EpochResult) -> None:
        """Add a row to metrics.csv."""
        row = dataclasses.asdict(result)
        with (self.path / "metrics.csv").open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
        self.keep()

    def keep(self) -> None:
        """Let what is here stay whatever happens, and an earlier run go."""
        self._fruitful = True
        _remove(self.path / EARLIER)

    def _restore_earlier(self) -> None:
        for name in FILES:
            _remove(self.path / name)
        _move(self.path / EARLIER, self.path)

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


def _move(source: Path, target: Path) -> None:
    """Move the files of a run that are there; `target` is made and an empty EARLIER removed."""
    there = [name for name in FILES if os.path.lexists(source / name)]
    if there:
        target.mkdir(exist_ok=True)
        for name in there:
            (source / name).replace(target / name)
    if source.name == EARLIER and source.is_dir():
        source.rmdir()


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
