"""What is damage in a file: errors of the libraries that read it, and sizes beyond belief."""

import contextlib
from collections.abc import Iterator

from kerazoo.errors import CorruptFileError, is_damage

# How far compressed data may expand: this many bytes for a stored byte, or this many in all.
MAX_EXPANSION = 100
ALWAYS_ALLOWED = 10**8


def check_expansion(data: str, declared: int, stored: int) -> None:
    """Check the size of compressed data before they are unpacked.

    Args:
        data: What the data are, in the message.
        declared: Bytes after unpacking.
        stored: Bytes before.

    Raises:
        CorruptFileError: They would expand too far.
    """
    if declared > max(MAX_EXPANSION * stored, ALWAYS_ALLOWED):
        raise CorruptFileError(
            f"{data} would unpack {stored:,} bytes to {declared:,}, which is too many to be read"
        )


@contextlib.contextmanager
def reported_as(message: str) -> Iterator[None]:
    """Raise a CorruptFileError with this message for any error in a `with` block.

    TensorFlow, Keras, h5py, zipfile and json each raise kinds of their own. What is no sign of
    damage is raised as it is, see `kerazoo.errors.is_damage`.
    """
    try:
        yield
    except Exception as error:
        if not is_damage(error):
            raise
        raise CorruptFileError(message) from error
