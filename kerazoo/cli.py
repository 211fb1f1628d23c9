"""The command `kerazoo COMMAND`; nothing heavy is imported before a command begins its work."""

import argparse
import logging
import sys
from collections.abc import Sequence

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
from kerazoo.arguments import EPILOG, Parser, add_format, add_messages, print_result
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.reporting import exit_code, log_on_standard_error

DESCRIPTION = (
    "Classic convolutional networks in Keras 3, faithful to their sources and checked by numbers."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; errors are reported in one sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return exit_code(lambda: _run(arguments), debug="--debug" in arguments)


def _run(arguments: Sequence[str]) -> None:
    parsed = _parse(arguments)
    with log_on_standard_error(logging.WARNING if parsed.quiet else logging.INFO):
        parsed.run(parsed)


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
