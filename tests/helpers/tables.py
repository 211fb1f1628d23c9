"""Tables of TensorFlow's checkpoints, written with right checksums whatever is in them.

Source: tensorflow/core/lib/io/table_format.txt, and the masked crc32c of core/lib/hash/crc32c.h.
"""

import struct

from kerazoo.weights.checkpoint_index import MAGIC, _table

Entries = list[tuple[bytes, bytes]]
POLYNOMIAL = 0x82F63B78  # of crc32c


def entries(content: bytes) -> Entries:
    """Return the keys and values of a table."""
    return list(_table(content))


def joined(entries: Entries) -> bytes:
    """Return keys and values with their lengths before them, to be mutated."""
    parts = [part for entry in entries for part in entry]
    return b"".join(struct.pack("<H", len(part)) + part for part in parts)


def split(content: bytes) -> Entries:
    """Return keys and values from what `joined` has returned, as far as they go."""
    parts, at = [], 0
    while at + 2 <= len(content):
        (length,) = struct.unpack_from("<H", content, at)
        parts.append(content[at + 2 : at + 2 + length])
        at += 2 + length
    return list(zip(parts[::2], parts[1::2], strict=False))


def table(entries: Entries) -> bytes:
    """Return a table of one block."""
    content = b""

    def add(entries: Entries) -> bytes:
        nonlocal content
        block, starts = b"", []
        for key, value in entries:
            starts.append(len(block))
            block += b"\0" + _integer(len(key)) + _integer(len(value)) + key + value
        starts = starts or [0]
        block += struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))
        handle = _integer(len(content)) + _integer(len(block))
        content += block + b"\0" + struct.pack("<I", _masked_crc32c(block + b"\0"))
        return handle

    data, others = add(entries), add([])
    index = add([(entries[-1][0] if entries else b"", data)])
    return content + (others + index).ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def _integer(number: int) -> bytes:
    result = b""
    while number >= 128:
        result, number = result + bytes([number & 127 | 128]), number >> 7
    return result + bytes([number])


def _masked_crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
