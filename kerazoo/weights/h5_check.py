"""What an HDF5 file may contain: data of its own, no more than its size, and each once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import h5py

from kerazoo.errors import CorruptFileError
from kerazoo.text import printable
from kerazoo.weights.damage import MAX_EXPANSION, reported_as


@contextlib.contextmanager
def opened(file: Any, source: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; an error in the block means that it is damaged.

    Args:
        file: A path, or a file that is open for reading.
        source: Its name in messages.

    Raises:
        CorruptFileError: It cannot be read.
        PermissionError: It may not be read.
    """
    message = f"{source} is no complete file of Keras's weights"
    with reported_as(message), h5py.File(file, "r") as content:
        yield content


def check(file: h5py.File, source: str, size: int) -> None:
    """Check a file of `size` bytes before its data are read; `source` is its name in messages.

    Raises:
        CorruptFileError: It refers to data elsewhere, has data twice, or declares more than it has.
    """
    seen, groups, stored = {_address(file)}, [file["/"]], 0
    while groups:
        group = groups.pop()
        for name in group:
            where = f"'{printable(group.name.rstrip('/'))}/{printable(name)}' in {source}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise CorruptFileError(f"{where} is a link to data elsewhere, which is not read")
            item = group[name]
            if _address(item) in seen:
                raise CorruptFileError(f"{where} is there twice, which is not read")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                groups.append(item)
            else:
                stored += _stored(item, where)
                if stored > size:
                    raise CorruptFileError(f"{where} declares more data than the file has")


def _address(item: Any) -> int:
    return h5py.h5o.get_info(item.id).addr


def _stored(dataset: h5py.Dataset, where: str) -> int:
    """Return the bytes that a data set takes in the file."""
    if dataset.external or dataset.is_virtual:
        raise CorruptFileError(f"{where} has its data in another file, which is not read")
    stored = dataset.id.get_storage_size()
    expansion = MAX_EXPANSION if dataset.id.get_create_plist().get_nfilters() else 1
    if math.prod(dataset.shape) * dataset.dtype.itemsize > expansion * stored:
        raise CorruptFileError(f"{where} declares more data than the file has")
    return stored
