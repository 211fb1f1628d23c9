"""The dtype policy of layers."""

import contextlib
from collections.abc import Iterator

from kerazoo.lazy import keras


@contextlib.contextmanager
def dtype_policy(policy: str) -> Iterator[None]:
    """Set the dtype policy, such as "float64", of the layers made within a `with` block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
