"""TensorFlow's checkpoints, written as a whole: the earlier one is there until the new one is."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.files import POSIX, UNFINISHED, flush, lock_descriptor, read_bytes
from kerazoo.lazy import tf
from kerazoo.weights import checkpoint_index
from kerazoo.weights.checkpoint_files import data_files, index_of, plain_prefix
from kerazoo.weights.damage import reported_as


def write(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint with the prefix `path` and a single data file.

    Raises:
        OSError: It cannot be written.
    """
    names, values = list(tensors), list(tensors.values())
    slices = [""] * len(names)
    prefix = os.fsencode(path)  # as it may not be UTF-8
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=values)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a prefix to write to; if the block succeeds, that checkpoint replaces `path`.

    An index names its data files by their number. There are two new ones where the earlier index
    names one, so that both checkpoints are whole until the new index replaces the earlier one.
    """
    path = path.absolute()
    with _locked(path), tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as folder:
        # TensorFlow appends to the name, which may be as long as a name can be
        unfinished = Path(folder) / "model"
        yield unfinished
        if _number_of_files(path) == 1:
            unfinished = _split(unfinished)
        new = set()
        for file in data_files(unfinished):
            flush(file)
            new.add(file.replace(f"{path}{file.name.removeprefix(unfinished.name)}"))
        flush(index_of(unfinished))
        flush(path.parent)
        index_of(unfinished).replace(index_of(path))
        flush(path.parent)
        for file in data_files(path):
            if file not in new and not file.is_dir():
                file.unlink()


def _number_of_files(path: Path) -> int:
    """Return how many data files the index of a checkpoint names; 0 if it names none."""
    try:
        content = read_bytes(index_of(path))
        with reported_as(f"'{path}' cannot be read as a TensorFlow checkpoint"):
            _, sizes = checkpoint_index.read(content)
    except (UsageError, CorruptFileError):
        return 0
    return len(sizes)


def _split(path: Path) -> Path:
    """Return the prefix of the same checkpoint with two data files."""
    with plain_prefix(path) as plain:
        reader = tf.train.load_checkpoint(plain)
        names = sorted(reader.get_variable_to_shape_map())
        parts = [path.with_name(f"part-{number}") for number in range(2)]
        for number, part in enumerate(parts):
            write(part, {name: reader.get_tensor(name) for name in names[number::2]})
    result = path.parent / "split" / path.name
    prefixes = [os.fsencode(part) for part in parts]
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=prefixes, destination_prefix=os.fsencode(result)
    )
    return result


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for other processes that replace the same checkpoint, and keep them waiting."""
    if not POSIX:
        yield
        return
    lock = path.with_name(f".{path.name}.lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            lock_descriptor(descriptor, wait=True)
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
