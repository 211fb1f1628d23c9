"""Arguments as Python's own values."""

import contextlib
import math
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

from kerazoo.errors import UsageError
from kerazoo.text import either


def plain(value: Any) -> Any:
    """Return a number of NumPy as Python's, and a list, an array or a TensorShape as a tuple.

    Any other value is returned as it is, but for the elements of a set.
    """
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    if isinstance(value, list | tuple) or type(value).__name__ in ("ndarray", "TensorShape"):
        return tuple(map(plain, value))
    return set(map(plain, value)) if isinstance(value, set) else value


def short(value: object) -> str:
    """Return a value as text for a message, on one line and not long."""
    return " ".join(reprlib.repr(value).split())


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_integer(name: str, value: object, minimum: int, maximum: int | float = math.inf) -> int:
    """Return the argument called `name`, an integer of at least `minimum`, at most `maximum`."""
    number = plain(value)
    if is_integer(number) and minimum <= number <= maximum:
        return number
    limit = f" and at most {maximum}" if maximum < math.inf else ""
    raise UsageError(
        f"{name} must be an integer of at least {minimum}{limit}; received {short(value)}"
    )


def check_choices(name: str, values: Iterable[str], choices: Sequence[str]) -> None:
    """Check that each of the values of an argument called `name` is one of its choices."""
    for value in [values] if isinstance(values, str) else values:
        if value not in choices:
            raise UsageError(f"{name}: {short(value)} is not {either(choices)}")


def check_positive(name: str, value: object) -> float:
    """Return the argument called `name`, a positive number."""
    return check_number(name, value, 0, above=True)


def check_number(
    name: str,
    value: object,
    minimum: float,
    above: bool = False,
    maximum: float = math.inf,
    below: bool = True,
) -> float:
    """Return the argument called `name`, a number from `minimum` to `maximum`.

    With `above` it must be above the minimum, with `below` below the maximum.
    """
    number = plain(value)
    if isinstance(number, int | float) and not isinstance(number, bool):
        with contextlib.suppress(OverflowError):
            number = float(number)
            inside = number > minimum if above else number >= minimum
            if inside and (number < maximum if below else number <= maximum):
                return number
    raise UsageError(
        f"{name} must be {number_between(minimum, above, maximum, below)}; received {short(value)}"
    )


def number_between(minimum: float, above: bool, maximum: float, below: bool) -> str:
    """Return what a number between limits is called."""
    if (minimum, above, maximum) == (0, True, math.inf):
        return "a positive number"
    lower = f"{'above' if above else 'of at least'} {minimum:g}"
    upper = f" and {'below' if below else 'at most'} {maximum:g}" if maximum < math.inf else ""
    return f"a number {lower}{upper}"


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> Any:
    """Return the argument called `name`, which must be one of the choices."""
    given = plain(value)
    for choice in choices:
        if given == choice and isinstance(given, bool) == isinstance(choice, bool):
            return choice
    known = either(map(repr, choices))
    raise UsageError(f"{name} must be {known}; received {short(value)}")
