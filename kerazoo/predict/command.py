"""The command `kerazoo predict`."""

from __future__ import annotations

import argparse

from kerazoo.arguments import Parser, add_format, add_messages, one_of, path, print_result
from kerazoo.text import format_table, terminal_width
from kerazoo.weights import shipped

WEIGHTS = "mnist"


def add(parser: Parser) -> None:
    """Add the options of `predict` to the parser."""
    parser.description = (
        "Recognize the digit in each image with weights trained on MNIST that come with kerazoo. "
        "Images may have any size, be gray or color, dark on light or light on dark."
    )
    names = [card["model"] for card in shipped.cards(WEIGHTS)]
    add = parser.add_argument
    text = f"the model: {' or '.join(names)}"
    add("--model", type=one_of(names), required=True, metavar="NAME", help=text)
    add("images", type=path, nargs="+", metavar="IMAGE", help="a BMP, GIF, JPEG or PNG file")
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_predict)


def _predict(parsed: argparse.Namespace) -> None:
    from kerazoo.device import start_tensorflow

    start_tensorflow()
    from kerazoo.predict.predict import predict

    rows = [
        {
            "image": name,
            "class": first[0],
            "probability": f"{first[1]:.3f}",
            "second": second[0],
            "its probability": f"{second[1]:.3f}",
        }
        for name, (first, second, *_) in predict(parsed.model, WEIGHTS, parsed.images)
    ]
    width = terminal_width()
    if width and parsed.format == "table":
        room = max(10, width - len(" class probability second its probability") - 4)
        rows = [{**row, "image": _end(row["image"], room)} for row in rows]
    print_result(format_table(rows, parsed.format))


def _end(path: str, width: int) -> str:
    """Return a path in at most `width` characters, its end kept."""
    return path if len(path) <= width else f"...{path[3 - width :]}"
