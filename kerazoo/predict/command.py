"""The verb `predict`."""

from __future__ import annotations

import argparse
import shutil
import sys

from kerazoo.arguments import Parser, add_messages, one_of, path, print_result, start
from kerazoo.weights import shipped

WEIGHTS = "mnist"


def add(parser: Parser) -> None:
    """Give the parser the options of `predict`."""
    parser.description = (
        "Say which digit each picture shows, by weights trained on MNIST that come with kerazoo. "
        "A picture may be of any size, grey or colour, dark on light or light on dark."
    )
    names = [card["model"] for card in shipped.cards(WEIGHTS)]
    add = parser.add_argument
    text = f"the model: {' or '.join(names)}"
    add("--model", type=one_of(names), required=True, metavar="NAME", help=text)
    add("images", type=path, nargs="+", metavar="IMAGE", help="a BMP, GIF, JPEG or PNG file")
    add_messages(parser)
    parser.set_defaults(run=_predict)


def _predict(parsed: argparse.Namespace) -> None:
    start()
    from kerazoo.predict.predict import predict

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print_result(_table(predict(parsed.model, WEIGHTS, parsed.images), width))


def _table(rows: list[tuple[str, list[tuple[str, float]]]], width: int | None) -> str:
    """Return a line for each picture: its name, the class, the next one, their probabilities."""
    longest = max(len(name) for name, _ in rows)
    if width:
        longest = min(longest, max(width - len(_told([("0", 1.0)] * 2)) - 2, 10))
    return "\n".join(f"{_short(name, longest)}  {_told(ranked)}" for name, ranked in rows)


def _told(ranked: list[tuple[str, float]]) -> str:
    (best, probability), (other, less) = ranked[:2]
    return f"{best}  probability {probability:.3f}, then {other}  {less:.3f}"


def _short(name: str, length: int) -> str:
    """Return a path in so many places, its end kept."""
    return name.ljust(length) if len(name) <= length else f"...{name[3 - length :]}"
