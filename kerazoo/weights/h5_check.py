"""What an HDF5 file may contain: data of its own, no more than its size, and each once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import h5py

from kerazoo.errors import CorruptFileError
from kerazoo.text import printable
from kerazoo.weights.damage import check_expansion, reported_as

MAX_LINKS = 20_000  # to groups and data sets; four or five for a layer
MAX_DEPTH = 100  # of groups inside groups


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


def check(file: h5py.File, source: str, size: int, packed_size: int | None = None) -> None:
    """Check a file before its data are read.

    Args:
        file: The open file.
        source: Its name in messages.
        size: Its bytes.
        packed_size: Its bytes in an archive, if it is in one.

    Raises:
        CorruptFileError: It refers to data elsewhere, has data twice, or declares more than it has.
    """
    links: list[tuple[bytes, int, int]] = []

    def visit(name: bytes, link: Any) -> bool | None:
        links.append((name, link.type, link.u))
        is_too_much = len(links) > MAX_LINKS or name.count(b"/") > MAX_DEPTH
        return True if is_too_much else None  # True ends it

    if file.id.links.visit(visit, info=True):
        raise CorruptFileError(
            f"{source} has over {MAX_LINKS:,} groups and data sets, or groups nested "
            f"more than {MAX_DEPTH} deep"
        )
    seen, declared, stored = {h5py.h5o.get_info(file.id).addr}, 0, 0
    for name, kind, address in links:
        if kind != h5py.h5l.TYPE_HARD:
            raise CorruptFileError(f"{_at(name, source)} is a link, which is not read")
        if address in seen:
            raise CorruptFileError(f"{_at(name, source)} is linked twice, which is not read")
        seen.add(address)
        item = h5py.h5o.open(file.id, name)
        if isinstance(item, h5py.h5d.DatasetID):
            sizes = _sizes(h5py.Dataset(item), _at(name, source))
            declared, stored = declared + sizes[0], stored + sizes[1]
            if stored > size:
                raise CorruptFileError(f"{_at(name, source)} declares more data than the file has")
            check_expansion(_at(name, source), declared, min(stored, packed_size or stored))


def _at(name: bytes, source: str) -> str:
    return f"'/{printable(name.decode(errors='replace'))}' in {source}"


def _sizes(dataset: h5py.Dataset, where: str) -> tuple[int, int]:
    """Return the bytes of the elements of a data set, and those that it takes in the file."""
    if dataset.external or dataset.is_virtual:
        raise CorruptFileError(f"{where} has its data in another file, which is not read")
    if dataset.dtype.hasobject:  # addresses, which the HDF5 library does not check
        raise CorruptFileError(f"{where} has elements that are not numbers")
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if declared > stored and not dataset.id.get_create_plist().get_nfilters():
        raise CorruptFileError(f"{where} declares more data than the file has")
    return declared, stored
