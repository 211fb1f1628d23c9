"""The command `kerazoo parity`."""

import argparse
import logging

from kerazoo.arguments import Parser, add_format, add_messages, print_result, start
from kerazoo.errors import KerazooError
from kerazoo.text import format_table

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
        if not table.passed.all():
            failed.append(f"{name} in {(~table.passed).sum()} of {len(table)} comparisons")
        differences = ["absolute", "relative"]
        table[differences] = table[differences].map("{:.1e}".format)
        table["verdict"] = table.pop("passed").map({True: "ok", False: "FAILED"})
        rows += table.to_dict("records")
        if parsed.format == "table":
            text = format_table(table.drop(columns="pair").to_dict("records"))
            print_result(f"\n{name}, {PAIRS[name].source}\n{text}\n")
    if parsed.format != "table":
        print_result(format_table(rows, parsed.format))
    if failed:
        raise KerazooError(f"the port differs from the TF1 program: {'; '.join(failed)}")
    logger.info("every difference is within its tolerance")
