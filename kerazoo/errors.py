"""What can go wrong, each kind with the exit code of the `kerazoo` command."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Iterator

LEGACY = ("tf_slim", "tf_keras")  # packages that only the TF1 programs need
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # on the disk, or for this user
TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
MOST_CHARACTERS = 300  # of what others say in an error


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
    """A file that is damaged, is not what its name says, or does not fit the model."""

    exit_code = 4


class InterruptedRunError(KerazooError):
    """A run that was stopped from the keyboard."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, "" where none is near."""
    known = list(known)
    longer = [candidate for candidate in known if len(word) > 2 and candidate.startswith(word)]
    near = longer or difflib.get_close_matches(word.lower(), known, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def explain(error: BaseException) -> tuple[str, int]:
    """Return one sentence on an error for the user of the command, and the exit code."""
    if isinstance(error, KerazooError):
        return str(error), error.exit_code
    if any(isinstance(link, KeyboardInterrupt) for link in _chain(error)):
        return "interrupted", InterruptedRunError.exit_code
    text = " ".join(str(error).split())[:MOST_CHARACTERS]
    if _says(error, NO_ROOM):
        how = "make room and run again (a training goes on by --resume)"
        return f"the disk is full, {how}: {text}", 1
    if is_out_of_memory(error):
        return "out of memory: a smaller --batch-size needs less", 1
    if isinstance(error, ModuleNotFoundError):
        how = (
            'pip install ".[legacy]"' if error.name in LEGACY else "pip install . or pip install it"
        )
        return f"the Python package '{error.name}' is missing: {how}", 1
    if isinstance(error, OSError):
        return f"a file could not be read or written: {text}", 1
    return f"{type(error).__name__}: {text}; --debug shows where it came from", 1


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory did not suffice; TensorFlow raises the same where a disk is full."""
    # TensorFlow's error is known by its name, since TensorFlow may not be imported
    if type(error).__name__ == "ResourceExhaustedError":
        return not _says(error, (*NO_ROOM, *TOO_MANY_FILES))
    return isinstance(error, MemoryError)


def _says(error: BaseException, numbers: Iterable[int]) -> bool:
    return any(os.strerror(number) in str(error) for number in numbers)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it arose from: an interrupted import ends as an ImportError."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
