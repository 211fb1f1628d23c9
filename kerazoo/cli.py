"""The command `kerazoo COMMAND`; nothing heavy is imported before a command begins its work."""

import argparse
import contextlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import kerazoo.accounting.command
import kerazoo.bench.command
import kerazoo.convert.command
import kerazoo.demos.command
import kerazoo.documents.command
import kerazoo.inference.command
import kerazoo.parity.command
import kerazoo.training.command
from kerazoo import models, registry, text
from kerazoo._version import __version__
from kerazoo.arguments import (
    EPILOG,
    Parser,
    add_format,
    add_messages,
    print_message,
    print_result,
)
from kerazoo.errors import UsageError, did_you_mean, explain

DESCRIPTION = (
    "Classic convolutional networks in Keras 3, faithful to their sources and checked by numbers."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; errors are reported in one sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    warnings.filterwarnings("ignore", module="PIL")  # an image that it warns of is reported
    _prepare_streams()
    try:
        parsed = _parse(arguments)
        with _log_on_standard_error(logging.WARNING if parsed.quiet else logging.INFO):
            parsed.run(parsed)
        print_result("", end="")  # what else is to be flushed
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments:
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
def _log_on_standard_error(level: int) -> Iterator[None]:
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


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="kerazoo", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"kerazoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="COMMAND")
    for name, (description, add) in COMMANDS.items():
        add(commands.add_parser(name, help=description, epilog=EPILOG))
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is not None and first not in commands.choices:
        parser.error(f"unknown command '{first}'{did_you_mean(first, commands.choices)}")
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        parsed.parser.refuse(unknown[0])
    return parsed


def _add_list(parser: Parser) -> None:
    parser.description = "List the models with their trainable parameters, MACs and papers."
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'vgg*' (default: all)")
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_list)


def _list(parsed: argparse.Namespace) -> None:
    names = models.list_models(parsed.pattern)
    if not names:
        raise UsageError(f"no model matches '{parsed.pattern}'; `kerazoo list` lists all models")
    rows = []
    for name in names:
        info = registry.find(name)
        rows.append(
            {
                "name": name,
                "input": info.input_shape,
                "parameters": info.params,
                "MACs": info.macs,
                "year": info.year if parsed.format == "json" else str(info.year),  # no comma
                "paper": info.paper,
            }
        )
        if parsed.format != "table":
            rows[-1]["url"] = info.url
    print_result(text.format_table(rows, parsed.format, width=text.terminal_width()))


COMMANDS = {
    "list": ("list the models", _add_list),
    "train": ("train a model", kerazoo.training.command.add),
    "evaluate": ("measure a trained model", kerazoo.inference.command.add_evaluate),
    "predict": ("classify images", kerazoo.inference.command.add_predict),
    "export": ("write a model for other runtimes", kerazoo.inference.command.add_export),
    "summary": (
        "count parameters, operations, memory and receptive fields",
        kerazoo.accounting.command.add,
    ),
    "parity": ("compare the Keras ports with the TF1 programs", kerazoo.parity.command.add),
    "convert": ("convert weights between libraries", kerazoo.convert.command.add),
    "documents": ("check the numbers of the study notes", kerazoo.documents.command.add),
    "bench": ("measure speed, compared with other programs", kerazoo.bench.command.add),
    "demo": ("draw the figures of the study notes", kerazoo.demos.command.add),
}
