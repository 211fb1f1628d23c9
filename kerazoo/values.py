"""Arguments as Python's own values."""

import reprlib
from typing import Any, TypeGuard


def plain(value: Any) -> Any:
    """Return a number of NumPy as Python's, and a list, an array or a TensorShape as a tuple.

    Any other value is returned as it is.
    """
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    if isinstance(value, list | tuple) or type(value).__name__ in ("ndarray", "TensorShape"):
        return tuple(map(plain, value))
    return value


def short(value: object) -> str:
    """Return a value as text for a message, on one line and not long."""
    return " ".join(reprlib.repr(value).split())


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)
