"""The verb `demo`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from kerazoo.arguments import Parser, add_debug, one_of, path, start
from kerazoo.errors import KerazooError

DEMOS = ("filter_demo", "max_pool")


def add(parser: Parser) -> None:
    """Give the parser the options of `demo`."""
    parser.description = "Draw what a snippet of the study documents shows."
    names = " or ".join(DEMOS)
    parser.add_argument("name", type=one_of(DEMOS), metavar="NAME", help=names)
    parser.add_argument(
        "--out", type=path, metavar="FILE", help="the picture, .png or .pdf (default: NAME.png)"
    )
    add_debug(parser)
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> None:
    out: Path = parsed.out or Path(f"{parsed.name}.png")
    if not out.absolute().parent.is_dir():
        raise KerazooError(f"'{out.parent}' is no folder: make it first")
    start()
    figure = importlib.import_module(f"kerazoo.demos.{parsed.name}").draw()
    try:
        figure.savefig(out)
    except ValueError as error:  # the name's ending is no form of a picture
        raise KerazooError(f"'{out}': {error}") from error
    print(f"the picture is in {out}")
