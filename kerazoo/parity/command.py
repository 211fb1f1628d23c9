"""The command `kerazoo parity`."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from kerazoo.arguments import Parser, add_format, add_messages, print_result, start
from kerazoo.errors import KerazooError
from kerazoo.text import format_table

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("kerazoo")


def add(parser: Parser) -> None:
    """Add the options of `parity` to the parser."""
    parser.description = (
        "Compare the study notes' TF1 programs with their Keras ports on the same weights and "
        "images, and print the largest differences. Exit code 1 if one exceeds its tolerance."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the pairs (default: all)")
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_parity)


def _parity(parsed: argparse.Namespace) -> None:
    start()
    from kerazoo.parity.compare import compare, find_pairs
    from kerazoo.parity.pairs import PAIRS

    rows, failed = [], []
    for name in find_pairs(parsed.names):
        table = compare(name)
        if parsed.format == "table":
            print_result(f"\n{name}, {PAIRS[name].source}\n{format_table(_rows(table))}\n")
        rows += [{"pair": name, **row} for row in _rows(table)]
        if not table.passed.all():
            failed.append(f"{name} in {(~table.passed).sum()} of {len(table)} comparisons")
    if parsed.format != "table":
        print_result(format_table(rows, parsed.format))
    if failed:
        raise KerazooError(f"the port differs from the TF1 program: {'; '.join(failed)}")
    logger.info("every difference is within its tolerance")


def _rows(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "precision": row.precision,
            "quantity": row.quantity,
            "absolute": f"{row.absolute:.1e}",
            "relative": f"{row.relative:.1e}",
            "tolerance": row.tolerance,
            "verdict": "ok" if row.passed else "FAILED",
        }
        for row in table.itertuples()
    ]
