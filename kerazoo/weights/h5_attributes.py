"""Text attributes of an HDF5 file, read with a check of every length and address.

The HDF5 library reads strings of variable length by addresses in the file that it does not check: a
damaged one can crash it, or make it loop for ever.

Source: HDF5 File Format Specification 3.0, https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html,
sections III.E (global heap), IV.A (object headers) and IV.A.2.m (attributes).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py

ATTRIBUTE, CONTINUATION = 0x0C, 0x10  # types of messages
MAX_BLOCKS = 1000  # of the header of an object


class Attributes:
    """Reader of the text attributes in a file.

    Args:
        file: The file.
        size: Its bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._left = 10 * size + 10**6  # bytes to read at most, as headers may overlap
        self._heaps: dict[int, dict[int, bytes]] = {}

    def texts(self, item: Any, name: str) -> list[str]:
        """Return the texts of an attribute; raise an error of any kind if it is damaged."""
        attribute = h5py.h5a.open(item.id, name.encode())
        kind = attribute.get_type()
        if not math.prod(attribute.shape):
            return []
        if not isinstance(kind, h5py.h5t.TypeStringID):
            raise ValueError(name)
        if not kind.is_variable_str():
            if attribute.get_storage_size() > self._size:
                raise ValueError(name)
            value = item.attrs[name]
            values = value if attribute.shape else [value]
        else:
            data = self._data(h5py.h5o.get_info(item.id).addr, name.encode())
            references = struct.iter_unpack("<IQI", data[: 16 * math.prod(attribute.shape)])
            values = [self._heap(address)[index][:size] for size, address, index in references]
        return [each.decode() if isinstance(each, bytes) else str(each) for each in values]

    def _data(self, address: int, name: bytes) -> bytes:
        """Return the data of an attribute in the header of an object."""
        for kind, body in self._messages(address):
            if kind == ATTRIBUTE:
                version, *sizes = struct.unpack_from("<BxHHH", body)
                at = 9 if version == 3 else 8
                step = 8 if version == 1 else 1
                if body[at : at + sizes[0]].rstrip(b"\0") == name:
                    return body[at + sum(step * -(-size // step) for size in sizes) :]
        raise ValueError(name)

    def _messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        """Yield the types and bodies of the messages in the header of an object."""
        start = self._read(address, 16)
        if second_version := start.startswith(b"OHDR"):
            flags = start[5]
            at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            blocks = [(at + width, int.from_bytes(self._read(at, width), "little"))]
            form = "<BHB2x" if flags & 4 else "<BHB"
        else:
            blocks = [(address + 16, struct.unpack_from("<I", start, 8)[0])]
            form = "<HHB3x"
        for number, (offset, length) in enumerate(blocks):
            if number == MAX_BLOCKS:
                raise ValueError(address)
            block, at = self._read(offset, length), 0
            while at + struct.calcsize(form) <= len(block):
                kind, size, _ = struct.unpack_from(form, block, at)
                at += struct.calcsize(form)
                body = block[at : at + size]
                at += size
                if kind == CONTINUATION:
                    where, size = struct.unpack_from("<QQ", body)
                    blocks.append((where + 4, size - 8) if second_version else (where, size))
                yield kind, body

    def _heap(self, address: int) -> dict[int, bytes]:
        """Return the objects of a collection of the global heap."""
        if address not in self._heaps:
            signature, length = struct.unpack("<4s4xQ", self._read(address, 16))
            if signature != b"GCOL":
                raise ValueError(address)
            block, at, objects = self._read(address, length), 16, {}
            while at + 16 <= len(block):
                index, size = struct.unpack_from("<H6xQ", block, at)
                if index == 0:  # the free space at the end
                    break
                objects[index] = block[at + 16 : at + 16 + size]
                at += 16 + 8 * -(-size // 8)
            self._heaps[address] = objects
        return self._heaps[address]

    def _read(self, address: int, length: int) -> bytes:
        if not 0 <= address <= address + length <= self._size:
            raise ValueError(address)
        self._left -= length
        if self._left < 0:
            raise ValueError("too many overlapping headers")
        self._file.seek(address)
        return self._file.read(length)
