"""The verb `bench`."""

from __future__ import annotations

import argparse
import sys

from kerazoo.arguments import Parser, add_debug, one_of, say, start

SUBJECTS = ("accounting",)


def add(parser: Parser) -> None:
    """Give the parser the options of `bench`."""
    parser.description = "Time a part of kerazoo beside its peers, and print medians and ratios."
    parser.add_argument("subject", type=one_of(SUBJECTS), metavar="SUBJECT", help=SUBJECTS[0])
    parser.add_argument("--csv", action="store_true", help="print the table as csv")
    add_debug(parser)
    parser.set_defaults(run=_bench)


def _bench(parsed: argparse.Namespace) -> None:
    if parsed.csv:
        from kerazoo.device import start_tensorflow

        start_tensorflow()
    else:
        start()
    from kerazoo.bench import accounting

    table = accounting.bench(lambda line: print(line, file=sys.stderr))
    if parsed.csv:
        say(table.to_csv(index=False).rstrip())
    else:
        say(table.to_string(index=False, float_format="{:.3g}".format))
