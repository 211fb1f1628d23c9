"""TensorFlow's checkpoints, written as a whole: the earlier one is there until the new one is."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from kerazoo.files import UNFINISHED, flush
from kerazoo.lazy import tf
from kerazoo.weights.checkpoint_files import data_files, index_of


def write(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint with the prefix `path` and a single data file.

    Raises:
        OSError: It cannot be written.
    """
    names, values = list(tensors), list(tensors.values())
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(prefix=str(path), tensor_names=names, shape_and_slices=slices, tensors=values)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a prefix to write to; if the block succeeds, that checkpoint replaces `path`.

    An index names its data files by their number. The new ones get another number than those that
    are there, so that both checkpoints are whole until the new index replaces the earlier one.
    """
    path = path.absolute()
    with _locked(path), tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        earlier = data_files(path)
        taken = {_count(file) for file in earlier}
        if 1 in taken:
            count = next(count for count in range(2, len(taken) + 3) if count not in taken)
            unfinished = _split(unfinished, count)
        for file in data_files(unfinished):
            flush(file)
            file.replace(path.with_name(file.name))
        flush(index_of(unfinished))
        flush(path.parent)
        index_of(unfinished).replace(index_of(path))
        flush(path.parent)
        for file in earlier:
            file.unlink()


def _count(data_file: Path) -> int:
    return int(data_file.name.rpartition("-")[2])


def _split(path: Path, count: int) -> Path:
    """Return the prefix of the same checkpoint with so many data files."""
    reader = tf.train.load_checkpoint(str(path))
    names = sorted(reader.get_variable_to_shape_map())
    parts = [path.with_name(f"part-{number}") for number in range(count)]
    for number, part in enumerate(parts):
        write(part, {name: reader.get_tensor(name) for name in names[number::count]})
    result = path.parent / "split" / path.name
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(part) for part in parts], destination_prefix=str(result)
    )
    return result


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for other processes that replace the same checkpoint, and keep them waiting."""
    import fcntl  # which Windows lacks

    lock = path.with_name(f".{path.name}.lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            with contextlib.suppress(OSError):  # some network disks have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_open_at(descriptor, lock):  # else the process before has removed it
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return
        finally:
            os.close(descriptor)


def _is_open_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
