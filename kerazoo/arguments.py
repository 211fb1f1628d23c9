"""What the verbs of the command share: parser, readers of what is typed, how they begin."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from kerazoo._version import __version__
from kerazoo.errors import UsageError, did_you_mean

EXIT_CODES = (
    "exit codes: 0 done, 1 failed, 2 usage, 3 data missing, 4 file corrupt, 130 interrupted"
)


class Parser(argparse.ArgumentParser):
    """A parser that raises where argparse exits, and knows no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def refuse(self, unknown: str) -> NoReturn:
        """Raise that an argument is unknown."""
        self.error(
            f"unknown argument '{unknown}'{did_you_mean(unknown, self._option_string_actions)}"
        )


def add_debug(parser: argparse._ActionsContainer) -> None:
    """Add the option that every verb has."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def add_mnist_dir(parser: argparse._ActionsContainer) -> None:
    """Add the option that names the folder with MNIST."""
    parser.add_argument(
        "--mnist-dir",
        type=path,
        default=os.environ.get("KERAZOO_MNIST_DIR") or None,
        metavar="DIR",
        help="folder with MNIST's four original files (default: KERAZOO_MNIST_DIR, if set)",
    )


def say(line: str) -> None:
    """Print a line for a person, or for nobody when who reads standard output has gone."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Go on without standard output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def start(deterministic: bool = True) -> str:
    """Start TensorFlow, see `start_tensorflow`, say what it computes on, and return that."""
    from kerazoo.device import start_tensorflow

    device, warning = start_tensorflow(deterministic)
    say(f"kerazoo {__version__}, {device}")
    if warning:
        print(f"kerazoo: warning: {warning}", file=sys.stderr)
    return device


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number from {least} to {most}"
            )
        return number

    return read


def path(text: str) -> Path:
    """Read a path, in which ~ is a home folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is in the home folder of nobody") from error


def one_of(choices: Iterable[str]) -> Callable[[str], str]:
    """Return a reader of one of the words."""
    choices = tuple(choices)

    def read(text: str) -> str:
        if text not in choices:
            hint = did_you_mean(text, choices)
            raise argparse.ArgumentTypeError(f"'{text}'{hint} is none of {', '.join(choices)}")
        return text

    return read


def positive(text: str) -> float:
    """Read a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number
