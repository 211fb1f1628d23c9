"""The index of a TensorFlow checkpoint, checked before TensorFlow reads it.

TensorFlow ends the process where an entry of an index is not what it expects.

Source: tensorflow/core/lib/io/table_format.txt, format.cc and block.cc (the table), and
tensorflow/core/protobuf/tensor_bundle.proto (its values).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

from kerazoo.lazy import tf

MAGIC = 0xDB4775248B80FB57  # the last eight bytes of a table
FOOTER = 48  # bytes
SLICE, END_OF_NAME = b"\0", b"\0\1"  # before and after the name in the key of a slice
MAX_BITS = 64  # of an integer
MAX_NAME = 10_000  # bytes
MAX_FILES = 99_999  # for the five digits in the names of the data files


Tensors = dict[str, tuple[Any, tuple[int, ...]]]  # type and shape by name


def read(content: bytes) -> tuple[Tensors, list[int]]:
    """Return what an index declares; raise an error of any kind if it is damaged.

    Returns:
        The tensors, and the bytes that each data file has at least.
    """
    from tensorflow.core.protobuf import tensor_bundle_pb2 as bundle

    (first, value), *entries = _table(content)
    header = bundle.BundleHeaderProto.FromString(value)
    if first or header.endianness or not 0 < header.num_shards <= MAX_FILES:
        raise ValueError("header")
    sizes = [0] * header.num_shards
    tensors: Tensors = {}
    slices: list[tuple[str, Any]] = []  # name of the tensor, type
    for key, value in entries:
        entry = bundle.BundleEntryProto.FromString(value)
        shape, kind = tuple(each.size for each in entry.shape.dim), tf.as_dtype(entry.dtype)
        _check(entry, shape, kind)
        sizes[entry.shard_id] = max(sizes[entry.shard_id], entry.offset + entry.size)
        if key.startswith(SLICE):
            slices.append((key[1:].partition(END_OF_NAME)[0].decode(), kind))
        else:
            tensors[key.decode()] = kind, shape
    total = sum(sizes)
    if any(math.prod(shape) * kind.size > total for kind, shape in tensors.values()):
        raise ValueError("size")
    if any(tensors[name][0] != kind for name, kind in slices):
        raise ValueError("slice")
    return tensors, sizes


def _check(entry: Any, shape: tuple[int, ...], kind: Any) -> None:
    """Raise a ValueError where an entry is not what TensorFlow expects."""
    if min(entry.shard_id, entry.offset, entry.size, *shape) < 0 or entry.shape.unknown_rank:
        raise ValueError("negative")
    size = math.prod(shape) * kind.size
    if size != entry.size and kind != tf.string and not entry.slices:  # texts are never read
        raise ValueError("size")
    parts = [_extents(part, shape) for part in entry.slices]
    if len(set(parts)) != len(parts):
        raise ValueError("slice")


def _extents(part: Any, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return where a slice starts and ends on each axis of a tensor."""
    extents = []
    for extent, size in zip(part.extent, shape, strict=True):
        length = extent.length if extent.HasField("length") else size
        if not 0 <= extent.start <= extent.start + length <= size:
            raise ValueError("slice")
        extents.append((extent.start, length))
    return tuple(extents)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, in their order."""
    if struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise ValueError("magic")
    footer = content[-FOOTER:]
    at, handle = 0, []
    for _ in range(4):
        number, at = _integer(footer, at)
        handle.append(number)
    left, last = len(content), b""
    for _, value in _block(content, *handle[2:]):
        start, at = _integer(value, 0)
        size, _ = _integer(value, at)
        left -= size
        for key, inner in _block(content, start, size):
            if left < 0 or (last and key <= last):
                raise ValueError("order")
            last = key
            yield key, inner


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; each key begins as the one before."""
    block = content[start : start + size]
    if len(block) != size or content[start + size] != 0:  # compressed, as no index is
        raise ValueError("block")
    end, at, key = size - 4 - 4 * struct.unpack("<I", block[-4:])[0], 0, b""
    while at < end:
        shared, at = _integer(block, at)
        length, at = _integer(block, at)
        value, at = _integer(block, at)
        if shared > len(key) or at + length + value > end or shared + length > MAX_NAME:
            raise ValueError("entry")
        key = key[:shared] + block[at : at + length]
        at += length + value
        yield key, block[at - value : at]


def _integer(block: bytes, at: int) -> tuple[int, int]:
    """Return an integer of seven bits a byte, the lowest first, and where it ends."""
    number = 0
    for shift in range(0, MAX_BITS, 7):
        byte = block[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("integer")
