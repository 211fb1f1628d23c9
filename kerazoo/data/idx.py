"""IDX files, in which MNIST is distributed.

Source: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT": two zeros, the type of the
elements, the number of axes, the length of each axis as a big-endian integer, the elements.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from kerazoo.errors import CorruptFileError
from kerazoo.files import MAX_SIZE, check_file

BYTES = b"\0\0\x08"  # the beginning of a file whose elements are bytes


def read(path: Path) -> np.ndarray:
    """Return the elements of a file, uint8 [its axes], also if gzip has compressed it.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It is damaged, larger than `MAX_SIZE`, or has elements other than bytes.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            is_packed = file.peek(2).startswith(b"\x1f\x8b")
            content = (gzip.GzipFile(fileobj=file) if is_packed else file).read(MAX_SIZE + 1)
        axes = content[3] if content.startswith(BYTES) else 0
        shape = struct.unpack_from(f">{axes}I", content, 4)
        elements = content[4 + 4 * axes :]
        if not axes or len(elements) != math.prod(shape) or len(content) > MAX_SIZE:
            raise ValueError
        return np.frombuffer(elements, np.uint8).reshape(shape)
    except (gzip.BadGzipFile, EOFError, ValueError, LookupError, struct.error, zlib.error) as error:
        raise CorruptFileError(
            f"'{path}' is damaged: it is not an IDX file of bytes, is incomplete, or has more than "
            f"{MAX_SIZE:,} bytes; replace it with the original file"
        ) from error


def write(path: Path, elements: np.ndarray) -> None:
    """Write elements, uint8 of any shape, as a file."""
    header = BYTES + struct.pack(f">B{elements.ndim}I", elements.ndim, *elements.shape)
    path.write_bytes(header + np.ascontiguousarray(elements).tobytes())
