"""The files of a TensorFlow checkpoint: where they are, and that none is missing."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.files import POSIX, check_file, mode
from kerazoo.text import listed

PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
STATE = "checkpoint"  # names the latest in its directory
LATEST = re.compile(rb'^model_checkpoint_path:[ \t]*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
MAX_STATE = 10**6  # bytes
SPECIAL = re.compile(r"[][*?\\\ud800-\udfff]")  # in patterns of TensorFlow, or not UTF-8
SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")

logger = logging.getLogger("kerazoo")


def prefix_of(path: Path) -> Path:
    """Return the prefix of a checkpoint, or of the latest in a directory.

    Raises:
        UsageError: There is none, or several in a directory, or a file is missing.
    """
    if mode(path) is not None and path.is_dir():
        return _latest(path)
    prefix = Path(PART.sub("", str(path)))
    index = index_of(prefix)
    if mode(index) is not None:
        check_file(index)
    elif data := data_files(prefix):
        raise UsageError(f"'{index}' is missing: it belongs to '{data[0]}'")
    elif mode(prefix) is None:
        raise UsageError(f"weights='{path}': there is no such file and no such checkpoint")
    else:
        check_file(prefix)
    return prefix


def exists(path: Path) -> bool:
    """Return whether a path is that of a file, a directory, or the prefix of a checkpoint."""
    return any(mode(each) is not None for each in (path, index_of(path))) or bool(data_files(path))


def index_of(prefix: Path) -> Path:
    """Return the name of the index of a checkpoint."""
    return Path(f"{prefix}.index")


def data_file(prefix: Path, number: int, count: int) -> Path:
    """Return the name of one of the `count` data files of a checkpoint."""
    return Path(f"{prefix}.data-{number:05}-of-{count:05}")


@contextlib.contextmanager
def plain_prefix(prefix: Path) -> Iterator[str]:
    """Yield a prefix by which TensorFlow reads a checkpoint, which it takes for a pattern.

    Where the prefix has special characters, it is one of links in a directory of their own.
    """
    if not POSIX or not SPECIAL.search(str(prefix)):
        yield str(prefix)
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "model"
        for file in (prefix, index_of(prefix), *data_files(prefix)):
            if file.exists():
                Path(f"{link}{file.name.removeprefix(prefix.name)}").symlink_to(file.absolute())
        yield str(link)


def data_files(prefix: Path) -> list[Path]:
    """Return the data files that are there, of any number of them."""
    pattern = re.compile(rf"{re.escape(prefix.name)}\.data-\d{{5}}-of-\d{{5}}")
    folder = prefix.parent
    names = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in names if pattern.fullmatch(path.name))


def check_data_files(prefix: Path, sizes: Sequence[int]) -> None:
    """Check that the data files of a checkpoint are there, and have the bytes that they need.

    Raises:
        UsageError: One is missing, or is no regular file.
        CorruptFileError: One is too short.
        PermissionError: One may not be read.
    """
    for number, size in enumerate(sizes):
        file = data_file(prefix, number, len(sizes))
        if mode(file) is None:
            raise UsageError(f"'{file}' is missing: it belongs to '{index_of(prefix)}'")
        check_file(file)
        with file.open("rb") as content:  # TensorFlow does not say that it may not be read
            length = content.seek(0, os.SEEK_END)
        if length < size:
            raise CorruptFileError(f"'{file}' is damaged: it ends too early")


def _latest(folder: Path) -> Path:
    """Return the prefix of the checkpoint that a directory calls its latest, or of the only one."""
    if any((folder / name).exists() for name in SAVED_MODEL):
        raise UsageError(
            f"'{folder}' is a SavedModel, which is a program: load it with TensorFlow, and save "
            "its weights as a .weights.h5 file or a checkpoint"
        )
    prefixes = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    old_format = [path for path in folder.iterdir() if path.is_file()]
    name = _named_latest(folder / STATE)
    if (named := folder / name) in (*prefixes, *old_format):
        return prefix_of(named)
    if len(prefixes) == 1:
        if name:
            message = "'%s' names '%s', which is not there; '%s' is read"
            logger.warning(message, folder / STATE, name, prefixes[0])
        return prefix_of(prefixes[0])
    if prefixes:
        names = listed([f"'{prefix}'" for prefix in prefixes])
        raise UsageError(f"'{folder}' has several checkpoints: name one of {names}")
    raise UsageError(f"weights='{folder}': there is no checkpoint in this directory")


def _named_latest(state: Path) -> str:
    """Return the name, without a directory, that a `checkpoint` file gives; else ""."""
    if not state.is_file():
        return ""
    with state.open("rb") as file:
        named = LATEST.search(file.read(MAX_STATE))
    if not named:
        return ""
    escaped = named[1].decode("unicode_escape", "replace")  # as protobuf escapes bytes
    name = re.split(r"[/\\]", escaped.encode("latin-1", "replace").decode(errors="replace"))[-1]
    return "" if name in (".", "..") or "\0" in name else name
