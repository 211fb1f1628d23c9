"""The command `kerazoo parity`."""

import argparse
import logging

from kerazoo.arguments import Parser, add_format, add_messages, one_of, print_result, start
from kerazoo.errors import KerazooError
from kerazoo.text import format_table, terminal_width

NAMES = ("conv_layer", "filter_demo", "filter_demo_learned", "max_pool", "mnist_cnn", "vgg16")

logger = logging.getLogger("kerazoo")


def add(parser: Parser) -> None:
    """Add the options of `parity` to the parser."""
    parser.description = (
        "Compare the study notes' TF1 programs with their Keras ports on the same weights and "
        "images, and print the largest differences. Exit code 1 if one exceeds its tolerance."
    )
    text = f"one of {', '.join(NAMES)} (default: all)"
    parser.add_argument("names", nargs="*", type=one_of(NAMES), metavar="NAME", help=text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_parity)


def _parity(parsed: argparse.Namespace) -> None:
    start()
    from kerazoo.parity.compare import compare
    from kerazoo.parity.pairs import PAIRS

    rows, failed = [], []
    for name in parsed.names or NAMES:
        table = compare(name)
        if not table.passed.all():
            failed.append(f"{name} in {(~table.passed).sum()} of {len(table)} comparisons")
        table["verdict"] = table.pop("passed").map({True: "ok", False: "FAILED"})
        rows += table.to_dict("records")
        if parsed.format == "table":
            shown = table.drop(columns="pair").to_dict("records")
            text = format_table(shown, cell=_two_digits, width=terminal_width())
            print_result(f"\n{name}, {PAIRS[name].source}\n{text}\n")
    if parsed.format != "table":
        print_result(format_table(rows, parsed.format, cell=_two_digits))
    if failed:
        raise KerazooError(f"the port differs from the TF1 program: {'; '.join(failed)}")
    logger.info("every difference is within its tolerance")


def _two_digits(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1e}"
