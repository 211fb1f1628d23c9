"""The command `kerazoo predict`."""

import argparse

from kerazoo.arguments import Parser, add_format, add_messages, one_of, path, print_result
from kerazoo.errors import UsageError
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
    text = f"the model: {' or '.join(names)}"
    parser.add_argument("--model", type=one_of(names), required=True, metavar="NAME", help=text)
    text = "a BMP, GIF, JPEG or PNG file"
    parser.add_argument("images", type=path, nargs="+", metavar="IMAGE", help=text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_predict)


def _predict(parsed: argparse.Namespace) -> None:
    if missing := [image for image in parsed.images if not image.is_file()]:
        raise UsageError(f"'{missing[0]}' is not a file")
    from kerazoo.device import start_tensorflow

    start_tensorflow()
    from kerazoo.inference.predict import predict

    headings = ("image", "class", "probability", "second class", "second probability")
    rows = [
        dict(zip(headings, (name, *first, *second), strict=True))
        for name, (first, second, *_) in predict(parsed.model, WEIGHTS, parsed.images)
    ]
    width = terminal_width()
    print_result(format_table(rows, parsed.format, cell=_three_decimals, width=width))


def _three_decimals(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3f}"
