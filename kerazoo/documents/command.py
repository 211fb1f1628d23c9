"""The verb `documents`."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from kerazoo.arguments import Parser, add_debug, add_mnist_dir, say, start
from kerazoo.errors import DataMissingError, KerazooError

if TYPE_CHECKING:
    from kerazoo.documents.claim import Claim

FORMATS = ("csv", "markdown")


def add(parser: Parser) -> None:
    """Give the parser the options of `documents`."""
    parser.description = (
        "Recompute every number and formula that the study documents state and print what came "
        "out, their accuracy table by training on MNIST. Exit code 1 where a row does not hold."
    )
    parser.add_argument("--no-training", action="store_true", help="leave the accuracy table out")
    add_mnist_dir(parser)
    forms = parser.add_mutually_exclusive_group()
    for form in FORMATS:
        forms.add_argument(f"--{form}", action="store_true", help=f"print it as {form}")
    add_debug(parser)
    parser.set_defaults(run=_documents)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _documents(parsed: argparse.Namespace) -> None:
    from kerazoo.device import start_tensorflow

    bare = parsed.csv or parsed.markdown
    device = start_tensorflow()[0] if bare else start()
    from kerazoo.documents import render
    from kerazoo.documents.ledger import ledger

    accuracies = [] if parsed.no_training else _accuracies(parsed, device)
    table = ledger(_tell, accuracies)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if parsed.csv:
        say(render.as_csv(table))
    elif parsed.markdown:
        say(render.as_markdown(table))
    else:
        say(render.as_text(table, width))
    failed = (table.verdict == "FAILED").sum()
    if failed:
        raise KerazooError(f"{failed} of {len(table)} rows do not hold")


def _accuracies(parsed: argparse.Namespace, device: str) -> list[Claim]:
    """Return the claims of the accuracy table, none where MNIST cannot be had."""
    from kerazoo.documents import accuracy

    try:
        metrics = accuracy.trained(parsed.mnist_dir, device, _tell)
    except DataMissingError as error:
        if parsed.mnist_dir is not None:
            raise
        _tell(f"kerazoo: warning: the accuracy table is not checked, as {error}")
        return []
    return accuracy.claims(metrics)
