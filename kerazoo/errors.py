"""What can go wrong, each kind with the exit code of the `kerazoo` command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KerazooError(Exception):
    """Something failed; the message is one sentence that says what to do next."""

    exit_code = 1


class UsageError(KerazooError, ValueError):
    """A name, a value or a combination of options that cannot be right."""

    exit_code = 2


class DataMissingError(KerazooError):
    """Data that is not here and cannot be had."""

    exit_code = 3


class CorruptFileError(KerazooError):
    """A file that is damaged or is not what its name says."""

    exit_code = 4


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, "" where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
