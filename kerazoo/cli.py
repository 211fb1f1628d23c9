"""The command `kerazoo VERB`; nothing heavy is imported before a verb begins its work."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import kerazoo
import kerazoo.accounting.command
import kerazoo.bench.command
import kerazoo.demos.command
import kerazoo.documents.command
import kerazoo.parity.command
import kerazoo.predict.command
import kerazoo.training.command
from kerazoo import registry
from kerazoo.arguments import EXIT_CODES, Parser, add_debug, drop_output
from kerazoo.errors import UsageError, did_you_mean, explain


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what goes wrong is told in one sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _prepare_streams()
    try:
        parsed = _parse(arguments)
        parsed.run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        message, code = explain(error)
        print(f"kerazoo: {message}", file=sys.stderr)
        return code
    return 0


def _prepare_streams() -> None:
    """Let no stream that is closed or of another encoding get in the way."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for the whole process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="kerazoo", description=kerazoo.__doc__, epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"kerazoo {kerazoo.__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="VERB")
    for verb, (text, add) in VERBS.items():
        add(verbs.add_parser(verb, help=text, epilog=EXIT_CODES))
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first and first not in verbs.choices:
        parser.error(f"unknown verb '{first}'{did_you_mean(first, verbs.choices)}")
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        parsed.parser.refuse(unknown[0])
    return parsed


def _add_list(parser: Parser) -> None:
    parser.description = "Name the models of the zoo, with their facts."
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'vgg*' (default: all)")
    add_debug(parser)
    parser.set_defaults(run=_list)


def _list(parsed: argparse.Namespace) -> None:
    found = registry.list_models(parsed.pattern)
    if not found:
        raise UsageError(f"no model's name matches '{parsed.pattern}'; `kerazoo list` names all")
    rows = [("name", "input", "parameters", "MACs", "year", "source")]
    for name in found:
        entry = registry.find(name)
        size = "x".join(str(side) for side in entry.input_shape)
        figures = (f"{entry.params:,}", f"{entry.macs:,}", str(entry.year))
        rows.append((name, size, *figures, entry.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name, *middle, source in rows:
        cells = (cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))
        print("  ".join([name.ljust(widths[0]), *cells, source])[:terminal])


VERBS = {
    "list": ("name the models", _add_list),
    "train": ("train a model", kerazoo.training.command.add),
    "predict": ("classify pictures", kerazoo.predict.command.add),
    "summary": ("count what a model holds, computes and sees", kerazoo.accounting.command.add),
    "parity": ("hold the ports against the TF1 programs", kerazoo.parity.command.add_parity),
    "convert": ("move weights between zoos", kerazoo.parity.command.add_convert),
    "documents": ("check what the study documents state", kerazoo.documents.command.add),
    "bench": ("time it beside its peers", kerazoo.bench.command.add),
    "demo": ("draw the documents' pictures", kerazoo.demos.command.add),
}
