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

FILES = ("config.json", "metrics.csv", "curves.png", "model.keras", "summary.json")
TENSORBOARD = "tensorboard"


def check(out: Path | None, overwrite: bool) -> None:
    """Raise where a run must not or cannot be put into `out`; changes nothing.

    Raises:
        UsageError: `out` is a file, holds a run that may not be replaced, or other things.
        KerazooError: It cannot be written to.
    """
    _check_writable(out or Path("runs"))
    if out is None or not out.exists() or not any(out.iterdir()):
        return
    if not (out / "config.json").is_file():
        raise UsageError(f"--out '{out}' holds other things than a run: name another folder")
    if not overwrite:
        raise UsageError(f"--out '{out}' holds a run: name another folder or give --overwrite")


def _check_writable(out: Path) -> None:
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UsageError(f"--out '{out}' cannot be a folder, since '{existing}' is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise KerazooError(f"'{existing}' cannot be written to: name another folder by --out")


class RunFolder:
    """A folder that is the run's own; each file in it is whole or not there.

    Args:
        out: The folder, whose files of an earlier run are removed; None for a new
            `runs/<time>-<model>-<data>`.
        model: Name of the model.
        data: Name of the data set.
    """

    def __init__(self, out: Path | None, model: str, data: str) -> None:
        if out is None:
            self.path = _new_folder(f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{data}")
            return
        self.path = out
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (out / name).unlink(missing_ok=True)
        if (out / TENSORBOARD).is_dir():
            shutil.rmtree(out / TENSORBOARD)

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


def _new_folder(name: str) -> Path:
    """Make and return `runs/name`, without what file names cannot have, numbered if taken."""
    path = Path("runs") / re.sub(r"[^\w.-]+", "-", name)[:100]
    for number in itertools.count(2):
        try:
            path.mkdir(parents=True)
            break
        except FileExistsError:
            path = path.with_name(f"{path.name}-{number}")
    return path
