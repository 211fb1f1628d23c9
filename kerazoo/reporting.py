"""Messages and errors of a program: lines on standard error, and its exit code."""

import contextlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from kerazoo import text
from kerazoo.arguments import print_message, print_result
from kerazoo.errors import explain


def exit_code(run: Callable[[], object], debug: bool = False) -> int:
    """Run a program and return its exit code; an error is reported in one sentence.

    Args:
        run: The program.
        debug: Print the traceback of an error as well.
    """
    warnings.filterwarnings("ignore", module="PIL")  # an image that it warns of is reported
    _prepare_streams()
    try:
        run()
        print_result("", end="")  # what else is to be flushed
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            print_message(traceback.format_exc().rstrip())
        message, code = explain(error)
        print_message(f"kerazoo: {text.printable(message)}")
        return code
    return 0


def _prepare_streams() -> None:
    """Replace closed streams, and escape what a stream cannot encode."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:  # otherwise the next file that is opened would be taken for the stream
            os.open(os.devnull, os.O_RDWR)
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for the whole process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def log_on_standard_error(level: int = logging.INFO) -> Iterator[None]:
    """Print the messages of kerazoo's logger; other programs see only warnings."""
    logger, handler = logging.getLogger("kerazoo"), _StandardError()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class _StandardError(logging.Handler):
    """Writes each message as a line to what `sys.stderr` is at that time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message, a warning or an error with "kerazoo: " before it."""
        beginnings = {logging.WARNING: "kerazoo: warning: ", logging.ERROR: "kerazoo: "}
        message = text.printable(record.getMessage())
        print_message(f"{beginnings.get(record.levelno, '')}{message}")
