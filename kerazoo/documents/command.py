"""The command `kerazoo documents`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kerazoo.arguments import Parser, add_format, add_messages, add_mnist_dir, print_result, start
from kerazoo.errors import DataMissingError, KerazooError
from kerazoo.text import terminal_width

if TYPE_CHECKING:
    from kerazoo.documents.claim import Row

logger = logging.getLogger("kerazoo")


def add(parser: Parser) -> None:
    """Add the options of `documents` to the parser."""
    parser.description = (
        "Recompute every number and formula that the study notes state, their accuracies by "
        "training on MNIST, and print the results. Exit code 1 if a row does not hold."
    )
    parser.add_argument("--no-training", action="store_true", help="leave the accuracies out")
    add_mnist_dir(parser)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_documents)


def _documents(parsed: argparse.Namespace) -> None:
    start()
    from kerazoo.documents import render
    from kerazoo.documents.ledger import table

    rows: list[Row] = []
    try:
        for row in _rows(parsed):
            rows.append(row)
    finally:  # an interrupted run prints what it has
        ledger = table(rows)
        if rows:
            print_result(render.formatted(ledger, parsed.format, terminal_width()))
    failed = (ledger.verdict == "FAILED").sum()
    if failed:
        raise KerazooError(f"{failed} of {len(ledger)} rows do not hold")


def _rows(parsed: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of the ledger, with a bar on a terminal, then those of the accuracies.

    Those need training, and are left out where MNIST is not available.
    """
    from kerazoo.documents import accuracy, ledger
    from kerazoo.documents.claim import check
    from kerazoo.progress import progress_bar

    total = len(ledger.COMMITTED.read_text().splitlines()) - 1
    yield from progress_bar(ledger.rows(), desc="documents", total=total, unit=" rows")
    if parsed.no_training:
        return
    try:
        metrics = accuracy.trained(parsed.mnist_dir)
    except DataMissingError as error:
        if parsed.mnist_dir is not None:
            raise
        logger.warning("the accuracies are not checked: %s", error)
        return
    for claim in accuracy.claims(metrics):
        yield check(accuracy.DOCUMENT, claim)
