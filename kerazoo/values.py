"""Arguments as Python's own values."""

from typing import Any


def plain(value: Any) -> Any:
    """Return a number of NumPy as Python's, and a list, an array or a TensorShape as a tuple.

    Any other value is returned as it is.
    """
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    if isinstance(value, list | tuple) or type(value).__name__ in ("ndarray", "TensorShape"):
        return tuple(map(plain, value))
    return value


def is_integer(value: object) -> bool:
    """Return whether a value is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)
