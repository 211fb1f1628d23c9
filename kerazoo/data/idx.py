"""IDX files, in which MNIST is distributed.

Source: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT": two zeros, the type of the
elements, the number of axes, the length of each axis as a big-endian integer, the elements.
"""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from kerazoo.errors import CorruptFileError
from kerazoo.files import read_bytes

BYTES = b"\0\0\x08"  # the beginning of a file whose elements are bytes
MAX_SIZE = 2**26  # bytes of an unpacked file; MNIST's largest has 47 MB


def read(path: Path) -> np.ndarray:
    """Return the elements of a file, uint8 [its axes], also if gzip has compressed it.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It is damaged, or has elements other than bytes.
    """
    content = read_bytes(path)
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(MAX_SIZE)
        axes = content[3] if content.startswith(BYTES) else 0
        shape = struct.unpack_from(f">{axes}I", content, 4)
        elements = content[4 + 4 * axes :]
        if not axes or len(elements) != math.prod(shape):
            raise ValueError
    except (OSError, EOFError, ValueError, LookupError, struct.error, zlib.error) as error:
        raise CorruptFileError(f"'{path}' is damaged: it is not a complete IDX file") from error
    return np.frombuffer(elements, np.uint8).reshape(shape)
