"""Options that are fields of a dataclass: what each may be, and its line of help."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

from kerazoo.errors import UsageError
from kerazoo.values import check_choice, check_integer, check_number, plain, short

MAXIMUM = 2**32 - 1  # of integers


class Kind(Protocol):
    """What the value of an option may be."""

    def check(self, name: str, value: Any) -> Any:
        """Return the value as Python's own numbers, texts and tuples.

        Raises:
            UsageError: It is something else.
        """


@dataclasses.dataclass(frozen=True)
class Integer:
    """An integer from `minimum` to `maximum`."""

    minimum: int = 1
    maximum: int = MAXIMUM

    def check(self, name: str, value: Any) -> int:
        """Return the integer; errors as in `Kind.check`."""
        return check_integer(name, value, self.minimum, self.maximum)


@dataclasses.dataclass(frozen=True)
class Number:
    """A number between limits, which may be excluded.

    Attributes:
        minimum: The lower limit.
        above: Whether the number must be above it.
        maximum: The upper limit.
        below: Whether the number must be below it.
    """

    minimum: float = 0.0
    above: bool = False
    maximum: float = float("inf")
    below: bool = True

    def check(self, name: str, value: Any) -> float:
        """Return the number; errors as in `Kind.check`."""
        return check_number(name, value, self.minimum, self.above, self.maximum, self.below)


POSITIVE = Number(above=True)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several names."""

    names: tuple[str, ...]

    def check(self, name: str, value: Any) -> str:
        """Return the name; errors as in `Kind.check`."""
        return check_choice(name, value, self.names)


@dataclasses.dataclass(frozen=True)
class Flag:
    """True or False."""

    def check(self, name: str, value: Any) -> bool:
        """Return the flag; errors as in `Kind.check`."""
        return check_choice(name, value, (True, False))


@dataclasses.dataclass(frozen=True)
class Text:
    """A text that is not empty."""

    def check(self, name: str, value: Any) -> str:
        """Return the text; errors as in `Kind.check`."""
        if isinstance(value, str) and value:
            return value
        raise UsageError(f"{name} must be a text; received {short(value)}")


@dataclasses.dataclass(frozen=True)
class Several:
    """A tuple of values of one kind.

    Attributes:
        kind: What each value may be.
        count: How many there are; None for any number.
    """

    kind: Kind
    count: int | None = None

    def check(self, name: str, value: Any) -> tuple[Any, ...]:
        """Return the tuple; errors as in `Kind.check`."""
        values = plain(value)
        if not isinstance(values, tuple) or self.count not in (None, len(values)):
            number = "values" if self.count is None else f"{self.count} values"
            raise UsageError(f"{name} must be a tuple of {number}; received {short(value)}")
        return tuple(self.kind.check(name, each) for each in values)


def option(
    default: Any, kind: Kind, text: str, *, optional: bool = False, flag: str | None = None
) -> Any:
    """Return a field of a dataclass.

    Args:
        default: Its default.
        kind: What its value may be.
        text: A line of help.
        optional: Whether its value may also be None.
        flag: Another flag than that of its name.
    """
    metadata = {"kind": kind, "text": text, "optional": optional, "flag": flag}
    return dataclasses.field(default=default, metadata=metadata)


def fields(kind: Any) -> Iterator[dataclasses.Field[Any]]:
    """Yield the fields of a dataclass, or of an object of it, that are options."""
    return (field for field in dataclasses.fields(kind) if "kind" in field.metadata)


def check(options: object) -> None:
    """Replace the options of a frozen dataclass by what the check of their kinds returns.

    Raises:
        UsageError: One has a value that it cannot have.
    """
    for field in fields(options):
        value = getattr(options, field.name)
        if value is None and field.metadata["optional"]:
            continue
        object.__setattr__(options, field.name, field.metadata["kind"].check(field.name, value))
