"""The command `kerazoo demo`."""

import argparse
from pathlib import Path

from kerazoo.arguments import Parser, add_messages, one_of, path, print_result, start
from kerazoo.errors import UsageError
from kerazoo.files import check_target
from kerazoo.text import printable

DEMOS = ("filter_demo", "max_pool")  # functions of kerazoo.demos.figures


def add(parser: Parser) -> None:
    """Add the options of `demo` to the parser."""
    parser.description = "Draw the figure of a snippet of the study notes."
    parser.add_argument("name", type=one_of(DEMOS), metavar="NAME", help=" or ".join(DEMOS))
    parser.add_argument(
        "--out", type=path, metavar="FILE", help="the figure, .png or .pdf (default: NAME.png)"
    )
    add_messages(parser)
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> None:
    out: Path = parsed.out or Path(f"{parsed.name}.png")
    if out.suffix not in (".png", ".pdf"):
        raise UsageError(f"'{out}' must end with .png or .pdf")
    check_target(out)
    start()
    from kerazoo.demos import figures

    getattr(figures, parsed.name)().savefig(out)
    print_result(printable(f"wrote {out}"))
