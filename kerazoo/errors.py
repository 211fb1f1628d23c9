"""Errors with the exit codes of the `kerazoo` command, and their messages."""

import difflib
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator

LEGACY = ("tf_slim", "tf_keras")  # packages that only the TF1 programs need
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)  # on the disk, or for this user
TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
# Of a damaged file or disk: a library's own OSError has no number; a part may be missing.
DAMAGE = (None, errno.EINVAL, errno.EIO, errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
MAX_CHARACTERS = 300  # of the message of another library


class KerazooError(Exception):
    """An error whose message is one sentence: what is wrong, and what to do."""

    exit_code = 1


class UsageError(KerazooError, ValueError):
    """An unknown name, an invalid value, or options that cannot be combined."""

    exit_code = 2


class DataMissingError(KerazooError):
    """Data that are not available."""

    exit_code = 3


class CorruptFileError(KerazooError):
    """A file that is damaged, has another format than its name says, or does not fit the model."""

    exit_code = 4


class InterruptedRunError(KerazooError):
    """A run that was interrupted."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return " (did you mean 'x'?)" for the most similar known word, else "".

    Neither the case nor the dashes before an option count. `cutoff` is that of `difflib`.
    """
    bare, words = word.lower().lstrip("-"), {each.lower().lstrip("-"): each for each in known}
    longer = [candidate for candidate in words if len(bare) > 1 and candidate.startswith(bare)]
    near = longer or difflib.get_close_matches(bare, words, n=1, cutoff=cutoff)
    return f" (did you mean '{words[near[0]]}'?)" if near else ""


def reason(error: BaseException) -> str:
    """Return the first line of another library's message, without what Keras puts before it."""
    text = re.sub(r"\x1b\[\d+m", "", str(error)).strip()
    for before in ("Error encountered:", "Exception encountered when calling"):
        if before in text:
            text = text.rpartition(before)[2].partition("\n")[2].strip()
    if text.startswith("in user code:"):  # AutoGraph, whose last line is the error
        text = text.rpartition("\n")[2].strip()
    return text.partition("\n")[0]


def explain(error: BaseException) -> tuple[str, int]:
    """Return the message for an error, one sentence, and the exit code."""
    if isinstance(error, KerazooError):
        return str(error), error.exit_code
    if any(isinstance(link, KeyboardInterrupt) for link in _chain(error)):
        return "interrupted", InterruptedRunError.exit_code
    text = " ".join(str(error).split())[:MAX_CHARACTERS]
    if _mentions(error, DISK_FULL):
        how = "free some space and run again (a training continues with --resume)"
        return f"the disk is full, {how}: {text}", 1
    if is_out_of_memory(error):
        return "out of memory: free some memory, or use a machine with more", 1
    if isinstance(error, ModuleNotFoundError) and error.name not in sys.stdlib_module_names:
        package = '".[legacy]"' if error.name in LEGACY else error.name
        return f"the Python package '{error.name}' is missing: pip install {package}", 1
    if isinstance(error, OSError):
        if error.filename is not None and error.strerror:
            text = f"'{os.fsdecode(error.filename)}': {error.strerror.lower()}"
        return f"a file could not be read or written: {text}", 1
    return f"{type(error).__name__}: {text}; --debug shows where it came from", 1


def raised_in_graph(error: Exception) -> KerazooError | None:
    """Return the error of kerazoo that TensorFlow quotes, from Python that it ran in a graph."""
    every: list[type[KerazooError]] = [KerazooError, *KerazooError.__subclasses__()]
    kinds = {kind.__name__: kind for kind in every}
    quoted = re.search(rf"\b({'|'.join(kinds)}): (.+?)\nTraceback", str(error), re.DOTALL)
    return kinds[quoted[1]](quoted[2]) if quoted else None


def is_damage(error: BaseException) -> bool:
    """Return whether what a reader of a file raised means that the file is damaged.

    A lack of memory does not, nor what the operating system refuses, such as too many open files.
    """
    if isinstance(error, OSError) and error.errno not in DAMAGE:
        return False
    return not isinstance(error, KerazooError) and not is_out_of_memory(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out; TensorFlow raises the same error where a disk is full."""
    # by name, because TensorFlow may not be imported
    if type(error).__name__ == "ResourceExhaustedError":
        return not _mentions(error, (*DISK_FULL, *TOO_MANY_FILES))
    return isinstance(error, MemoryError)


def _mentions(error: BaseException, numbers: Iterable[int]) -> bool:
    return any(os.strerror(number) in str(error) for number in numbers)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes: an interrupted import ends as an ImportError."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
