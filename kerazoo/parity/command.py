"""The command `kerazoo parity`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kerazoo.arguments import Parser, add_messages, print_result, start
from kerazoo.errors import KerazooError

if TYPE_CHECKING:
    import pandas as pd


def add(parser: Parser) -> None:
    """Add the options of `parity` to the parser."""
    parser.description = (
        "Compare the study notes' TF1 programs with their Keras ports on the same weights and "
        "images, and print the largest differences. Exit code 1 if one exceeds its tolerance."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the pairs (default: all)")
    add_messages(parser)
    parser.set_defaults(run=_parity)


def _parity(parsed: argparse.Namespace) -> None:
    start()
    from kerazoo.parity.compare import compare, find_pairs
    from kerazoo.parity.pairs import PAIRS

    failed = []
    for name in find_pairs(parsed.names):
        table = compare(name)
        print_result(f"\n{name}, {PAIRS[name].source}\n{_printed(table)}\n")
        if not table.passed.all():
            failed.append(f"{name} in {(~table.passed).sum()} of {len(table)} comparisons")
    if failed:
        raise KerazooError(f"the port differs from the TF1 program: {'; '.join(failed)}")
    print_result("every difference is within its tolerance")


def _printed(table: pd.DataFrame) -> str:
    shown = table.drop(columns="pair").rename(columns={"passed": "verdict"})
    shown["verdict"] = table.passed.map({True: "ok", False: "FAILED"})
    shown["quantity"] = shown.quantity.str.ljust(shown.quantity.str.len().max())
    return shown.to_string(index=False, float_format="{:.1e}".format)
