"""Checkpoints of a run: one directory per checkpoint, written atomically.

A checkpoint is written under another name, flushed to the disk and renamed. Its manifest contains
the sha256 of each of its files; if one does not verify, the checkpoint before is used.
"""

import contextlib
import hashlib
import io
import json
import logging
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from kerazoo import files
from kerazoo.errors import CorruptFileError, UsageError, is_damage

ARRAYS, RECORD, MANIFEST = "arrays.npz", "record.json", "manifest.json"
MAX_RECORD = 2**30  # bytes: callbacks may have long lists
NAME = re.compile(r"epoch-[0-9]{6,}-step-[0-9]{9,}")


@dataclass(frozen=True)
class State:
    """All that a training needs to resume bit-exactly.

    Attributes:
        arrays: Weights, the optimizer's variables and other arrays, by name.
        record: The rest, as JSON values.
    """

    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Return the state as the bytes of an archive, see `from_bytes`."""
        record = np.frombuffer(json.dumps(self.record).encode(), np.uint8)
        content = io.BytesIO()
        _write_arrays(content, {**self.arrays, RECORD: record})
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the state that `to_bytes` gave."""
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = dict(archive)
        return cls(arrays, json.loads(arrays.pop(RECORD).tobytes()))


logger = logging.getLogger("kerazoo")


class Checkpoints:
    """The last two good checkpoints of a run.

    Args:
        folder: Where they are, each in a directory named by its epoch and step. It is created with
            the first one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._good: str | None = None

    def has(self, epoch: int, step: int) -> bool:
        """Return whether the newest good checkpoint is that of this epoch and step."""
        return self._good == _name(epoch, step)

    def save(self, epoch: int, step: int, state: State) -> None:
        """Add a checkpoint for the next `step` of `epoch`; keep the one before, remove all others.

        Raises:
            OSError: It cannot be written; the others are unchanged.
        """
        if self.has(epoch, step):
            return
        path = self.folder / _name(epoch, step)
        self.folder.mkdir(parents=True, exist_ok=True)
        files.remove_unfinished(self.folder, files.UNFINISHED_RUN)
        try:
            with files.replacing(path, files.UNFINISHED_RUN) as unfinished:
                _write(unfinished, state)
                files.remove(path)  # not the good one: it did not verify
            files.flush(self.folder.parent)  # the folder may be new in it
        except BaseException:
            with contextlib.suppress(OSError):  # it holds earlier checkpoints
                self.folder.rmdir()
            raise
        before, self._good = self._good, path.name
        for other in self._all():
            if other.name not in (path.name, before):
                with contextlib.suppress(OSError):
                    files.remove(other)

    def newest(self) -> State | None:
        """Return the newest state that verifies, None if none was ever saved.

        A warning in the log names each checkpoint that does not verify.

        Raises:
            CorruptFileError: There are checkpoints and none verifies.
            PermissionError: One may not be read.
        """
        paths = self._all()
        for path in reversed(paths):
            try:
                state = _read(path)
            except CorruptFileError as error:
                logger.warning("the checkpoint '%s' is skipped: %s", path, error)
                continue
            self._good = path.name
            return state
        if paths:
            raise CorruptFileError(
                f"all checkpoints in '{self.folder}' are damaged: restore them from a copy, or "
                f"train again with --out '{self.folder.parent}' --overwrite"
            )
        return None

    def newest_epoch(self) -> int | None:
        """Return the epoch, from 0, of the newest checkpoint, good or damaged; None without any."""
        return max((int(path.name.split("-")[1]) for path in self._all()), default=None)

    def keep_last(self) -> None:
        """Remove the checkpoints of a finished run but the last, from which it can be prolonged."""
        with contextlib.suppress(OSError):  # somebody else has put something there
            files.remove_unfinished(self.folder, files.UNFINISHED_RUN)
            for path in self._all()[:-1]:
                files.remove(path.replace(self.folder / f"{files.UNFINISHED_RUN}{path.name}"))

    def _all(self) -> list[Path]:
        """Return the checkpoints, the newest last.

        Raises:
            CorruptFileError: A file or a link is in the place of their directory.
            PermissionError: It may not be read.
        """
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise CorruptFileError(f"'{self.folder}' is not a directory of checkpoints")
        with contextlib.suppress(FileNotFoundError):
            return sorted(path for path in self.folder.iterdir() if NAME.fullmatch(path.name))
        return []


def _name(epoch: int, step: int) -> str:
    return f"epoch-{epoch:06d}-step-{step:09d}"


def _write(folder: Path, state: State) -> None:
    folder.mkdir()
    with (folder / ARRAYS).open("wb") as file:
        _write_arrays(file, state.arrays)
    (folder / RECORD).write_text(json.dumps(state.record))
    manifest = {name: _sha256(folder / name) for name in (ARRAYS, RECORD)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    for name in (ARRAYS, RECORD, MANIFEST):
        files.flush(folder / name)


def _write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    members: dict[str, Any] = dict(arrays)
    np.savez(file, **members)


def _read(folder: Path) -> State:
    """Return the state in a checkpoint.

    Raises:
        CorruptFileError: One of its files is missing or is not the one that was written.
        PermissionError: This user may not read it.
    """
    try:
        for path in (folder, *(folder / name for name in (ARRAYS, RECORD, MANIFEST))):
            if path.is_symlink():
                raise CorruptFileError(f"{path.name} is a link")
        manifest = files.read_json(folder / MANIFEST)
        for name in (ARRAYS, RECORD):
            if _sha256(folder / name) != manifest[name]:
                raise CorruptFileError(f"{name} is not the file that was written")
        record = files.read_json(folder / RECORD, MAX_RECORD)
        if not isinstance(record, dict):
            raise CorruptFileError(f"{RECORD} is not a record")
        with (folder / ARRAYS).open("rb") as file:
            _check_sizes(file)
            with np.load(file, allow_pickle=False) as arrays:
                return State(dict(arrays), record)
    except Exception as error:  # NumPy, zipfile and zlib each raise kinds of their own
        if isinstance(error, CorruptFileError) or not (
            is_damage(error) or isinstance(error, UsageError)
        ):
            raise
        raise CorruptFileError("one of its files is missing or damaged") from error


def _check_sizes(file: IO[bytes]) -> None:
    """Raise a ValueError if the arrays are declared to be larger than what the file has of them."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > file.seek(0, io.SEEK_END):
            raise ValueError("it is compressed")
        for member in members:
            with archive.open(member) as array:
                np.lib.format.read_magic(array)
                shape, _, dtype = np.lib.format.read_array_header_1_0(array)
                if array.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                    raise ValueError(f"{member.filename} has another size")
    file.seek(0)


def _sha256(path: Path) -> str:
    files.check_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
