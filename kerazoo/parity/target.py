"""Where converted weights go: what a path's ending means, and that nothing is lost there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerazoo.errors import KerazooError, UsageError


def check(target: Path, overwrite: bool) -> None:
    """Raise where weights must not or cannot be put at `target`; changes nothing.

    Raises:
        UsageError: Its ending is of no known form, or something is there already.
        KerazooError: Its folder is not there.
    """
    if target.suffix not in (".keras", ".h5", ".ckpt"):
        raise UsageError(f"'{target}' must end in .keras, .h5, .weights.h5 or .ckpt")
    if not target.absolute().parent.is_dir():
        raise KerazooError(f"'{target.parent}' is no folder: make it first")
    there = [path for path in (target, target.with_name(f"{target.name}.index")) if path.exists()]
    if there and not overwrite:
        raise UsageError(f"'{there[0]}' is there already: name another file or give --overwrite")


def format_of(target: Path, model: str) -> str:
    """Return the format of `kerazoo.export_weights` for a path and a model of the zoo."""
    if target.suffix == ".ckpt":
        return "tf1" if model == "mnist_cnn" else "slim"
    return {".keras": "keras", ".h5": "keras_applications"}[target.suffix]


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path in a folder of its own; what is written there goes to `target` if all goes well.

    A checkpoint's parts are moved with it.
    """
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.absolute().parent) as folder:
        yield Path(folder) / target.name
        for path in Path(folder).iterdir():
            path.replace(target.absolute().with_name(path.name))
