"""What is damage in a file: errors of the libraries that read it, and sizes beyond belief."""

import contextlib
from collections.abc import Iterator

from kerazoo.errors import CorruptFileError, KerazooError, is_out_of_memory

MAX_EXPANSION = 100  # bytes of data for a stored byte, where they may be compressed


@contextlib.contextmanager
def reported_as(message: str) -> Iterator[None]:
    """Raise a CorruptFileError with this message for any error in a `with` block.

    TensorFlow, Keras, h5py, zipfile and json each raise kinds of their own. What is no sign of
    damage is raised as it is: an error of kerazoo, no permission, and no memory.
    """
    try:
        yield
    except (KerazooError, PermissionError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise CorruptFileError(message) from error
