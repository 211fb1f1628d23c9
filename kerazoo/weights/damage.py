"""What is damage in a file: errors of the libraries that read it, and sizes beyond belief."""

import contextlib
from collections.abc import Iterator

from kerazoo.errors import CorruptFileError, is_damage

MAX_EXPANSION = 100  # bytes of data for a stored byte, where they may be compressed


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
