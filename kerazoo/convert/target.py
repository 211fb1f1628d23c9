"""Where converted weights are written: the format of a path, and safe replacement."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerazoo.errors import KerazooError, UsageError


def check(target: Path, overwrite: bool) -> None:
    """Check that weights can be written to `target`.

    Raises:
        UsageError: Its ending is unknown, or it exists and `overwrite` is false.
        KerazooError: Its directory does not exist.
    """
    if target.suffix not in (".keras", ".h5", ".ckpt"):
        raise UsageError(f"'{target}' must end with .keras, .h5, .weights.h5 or .ckpt")
    if not target.absolute().parent.is_dir():
        raise KerazooError(f"the directory '{target.parent}' does not exist: create it first")
    there = [path for path in (target, target.with_name(f"{target.name}.index")) if path.exists()]
    if there and not overwrite:
        raise UsageError(f"'{there[0]}' exists: name another file or give --overwrite")


def format_of(target: Path, model: str) -> str:
    """Return the format of `kerazoo.export_weights` for a path and the name of a model."""
    if target.suffix == ".ckpt":
        return "tf1" if model == "mnist_cnn" else "slim"
    return {".keras": "keras", ".h5": "keras_applications"}[target.suffix]


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path in a temporary directory; after success what is there is moved to `target`."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.absolute().parent) as folder:
        yield Path(folder) / target.name
        for path in Path(folder).iterdir():
            path.replace(target.absolute().with_name(path.name))
