"""Shared parts of the command line: the parser, types of arguments, common options, output."""

import argparse
import ast
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TextIO

from kerazoo import options, registry
from kerazoo._version import __version__
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.files import mode
from kerazoo.text import FORMATS, either
from kerazoo.values import number_between

EPILOG = "exit codes: 0 done, 1 failed, 2 usage, 3 data missing, 4 file corrupt, 130 interrupted"

# What other programs call the options.
SYNONYMS = {
    "--amp": "--precision",
    "--arch": "--model",
    "--batch": "--batch-size",
    "--bf16": "--precision",
    "--bs": "--batch-size",
    "--checkpoint": "--resume",
    "--compile": "--jit",
    "--continue": "--resume",
    "--csv": "--format",
    "--data-dir": "--data",
    "--dataset": "--data",
    "--device": "--strategy",
    "--dtype": "--precision",
    "--exclude": "--ignore",
    "--finetune": "--weights",
    "--force": "--overwrite",
    "--fp16": "--precision",
    "--gpu": "--strategy",
    "--gpus": "--strategy",
    "--image-size": "--input-shape",
    "--json": "--format",
    "--log-dir": "--tensorboard",
    "--logdir": "--tensorboard",
    "--max-samples": "--limit",
    "--network": "--model",
    "--model-kwargs": "--model-option",
    "--num-samples": "--limit",
    "--opt": "--optimizer",
    "--pretrained": "--weights",
    "--outdir": "--out",
    "--output": "--out",
    "--output-dir": "--out",
    "--random-seed": "--seed",
    "--restore": "--resume",
    "--save-dir": "--out",
    "--save-freq": "--save-every",
    "--silent": "--quiet",
    "--size": "--input-shape",
    "--smoothing": "--label-smoothing",
    "--steps": "--epochs",
    "--verbose": "--debug",
    "--wd": "--weight-decay",
    "--xla": "--jit",
    "-b": "--batch-size",
    "-f": "--overwrite",
    "-o": "--out",
    "-q": "--quiet",
    "-v": "--debug",
}

logger = logging.getLogger("kerazoo")


class Parser(argparse.ArgumentParser):
    """A parser that raises where argparse exits, and knows no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        """Raise an error of argparse."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def refuse(self, unknown: str) -> NoReturn:
        """Raise an error for an unknown argument."""
        if unknown in self._option_string_actions:
            self.error(f"'{unknown}' must come after the command")
        flag, options = unknown.partition("=")[0], self._option_string_actions
        meant = SYNONYMS.get(flag)
        hint = did_you_mean(meant if meant in options else flag, options, cutoff=0.7)
        if any(not each.option_strings and f"--{each.dest}" == flag for each in self._actions):
            hint = f" (give {flag[2:].upper()} without it, as an argument of its own)"
        if unknown in registry.names() and "--model" in options:
            hint = f" (did you mean '--model {unknown}'?)"
        self.error(f"unknown argument '{unknown}'{hint}")


def add_messages(parser: Parser) -> None:
    """Add the options that every command has."""
    group = parser.add_argument_group("messages")
    group.add_argument("--quiet", action="store_true", help="print results and warnings only")
    group.add_argument("--debug", action="store_true", help="print the traceback of an error")


def add_format(parser: Parser, *more: str) -> None:
    """Add the option for the format of a table, one of `kerazoo.text.FORMATS` or of `more`."""
    names = (*FORMATS, *more)
    text = f"{either(names)} (default: {names[0]})"
    parser.add_argument(
        "--format", type=one_of(names), default=names[0], metavar="FORMAT", help=text
    )


def add_mnist_dir(parser: argparse._ActionsContainer) -> None:
    """Add the option for the directory with MNIST."""
    parser.add_argument(
        "--mnist-dir",
        type=path,
        default=os.environ.get("KERAZOO_MNIST_DIR") or None,
        metavar="DIR",
        help="directory with MNIST's four original files (default: KERAZOO_MNIST_DIR, if set)",
    )


def print_result(text: str, end: str = "\n") -> None:
    """Print to standard output, or nowhere if its reader has gone."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        drop_output(sys.stdout)


def print_message(text: str) -> None:
    """Print to standard error, or nowhere if its reader has gone or its disk is full."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        drop_output(sys.stderr)


def drop_output(stream: TextIO) -> None:
    """Continue without standard output or standard error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def start(deterministic: bool = True) -> None:
    """Start TensorFlow, see `start_tensorflow`, and log what it computes on."""
    from kerazoo.device import describe_device, start_tensorflow, unused_gpu

    start_tensorflow(deterministic)
    logger.info("kerazoo %s, %s", __version__, describe_device())
    if warning := unused_gpu():
        logger.warning(warning)


def integer(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of integers from `minimum` to `maximum`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not an integer from {minimum} to {maximum}"
            )
        return number

    return read


def unchecked_path(text: str) -> Path:
    """Return a path, in which ~ is a home directory, that no file may be able to have."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"'{text}': the user is unknown") from error


def path(text: str) -> Path:
    """Return a path, in which ~ is a home directory."""
    result = unchecked_path(text)
    try:
        mode(result)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return result


def one_of(choices: Iterable[str]) -> Callable[[str], str]:
    """Return a parser of one of the choices."""
    choices = tuple(choices)

    def read(text: str) -> str:
        if text not in choices:
            hint = did_you_mean(text, choices)
            raise argparse.ArgumentTypeError(f"'{text}'{hint} is not one of {', '.join(choices)}")
        return text

    return read


def list_of(choices: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a type of arguments: some of the choices, with commas between them."""
    parse = one_of(choices)
    return lambda text: tuple(map(parse, text.split(",")))


def number(kind: options.Number) -> Callable[[str], float]:
    """Return a parser of numbers of a kind."""

    def read(text: str) -> float:
        try:
            return kind.check("", float(text))
        except ValueError as error:
            limits = number_between(kind.minimum, kind.above, kind.maximum, kind.below)
            raise argparse.ArgumentTypeError(f"'{text}' is not {limits}") from error

    return read


def several(kind: options.Several, separators: str = ",:") -> Callable[[str], tuple[Any, ...]]:
    """Return a parser of values that are separated by commas, in each of them by colons."""
    separator = separators[0]
    read_one = reader(kind.kind, separators[1:])

    def read(text: str) -> tuple[Any, ...]:
        values = tuple(map(read_one, text.split(separator)))
        if kind.count not in (None, len(values)):
            raise argparse.ArgumentTypeError(
                f"'{text}' is not {kind.count} values with '{separator}' between them"
            )
        return values

    return read


def reader(kind: options.Kind, separators: str = ",:") -> Callable[[str], Any]:
    """Return a parser of the values of an option."""
    match kind:
        case options.Integer(minimum, maximum):
            return integer(minimum, maximum)
        case options.Number():
            return number(kind)
        case options.Choice(names):
            return one_of(names)
        case options.Several():
            return several(kind, separators)
    return str


def add_options(group: argparse._ArgumentGroup, kind: Any) -> None:
    """Add the options of a dataclass; those that are not given have no attribute."""
    for field in options.fields(kind):
        name = field.name.replace("_", "-")
        flags = [f"--{name}", *filter(None, [field.metadata["flag"]])]
        text = field.metadata["text"] + _default(field.default)
        settings: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS}
        match field.metadata["kind"]:
            case options.Flag():
                action = argparse.BooleanOptionalAction
                group.add_argument(*flags, action=action, help=text, **settings)
            case options.Choice(names) as value:
                text = f"{field.metadata['text']}, one of {', '.join(names)}"
                text += _default(field.default)
                settings |= {"type": reader(value), "metavar": "NAME"}
                group.add_argument(*flags, help=text, **settings)
            case value:
                settings |= {"type": reader(value), "metavar": "N"}
                group.add_argument(*flags, help=text, **settings)


def _default(value: Any) -> str:
    return "" if value is None or value is False or value == () else f" (default: {value})"


def shape(text: str) -> tuple[int, ...]:
    """Return a shape such as 224x224x3 or 224,224,3."""
    try:
        axes = tuple(int(axis) for axis in text.replace(",", "x").split("x"))
    except ValueError:
        axes = ()
    if not axes or min(axes) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a shape such as 224x224x3")
    return axes


def image_shape(text: str) -> tuple[int, ...]:
    """Return a shape (height, width, channels) or (height, width)."""
    axes = shape(text)
    if len(axes) not in (2, 3):
        raise argparse.ArgumentTypeError(f"'{text}' is not a shape such as 32x32 or 32x32x3")
    return axes


def model_option(text: str) -> tuple[str, Any]:
    """Return the name and the value of an option of a model, such as "alpha=0.5"."""
    name, sign, value = text.partition("=")
    if not (name.isidentifier() and sign):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE, such as alpha=0.5")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value
