"""The command `kerazoo predict`."""

import argparse
import logging
from pathlib import Path
from typing import Any

from kerazoo.arguments import Parser, add_format, add_messages, one_of, print_result, unchecked_path
from kerazoo.errors import KerazooError, UsageError
from kerazoo.files import mode
from kerazoo.text import format_table, terminal_width
from kerazoo.weights import shipped

WEIGHTS = "mnist"

logger = logging.getLogger("kerazoo")


def add(parser: Parser) -> None:
    """Add the options of `predict` to the parser."""
    parser.description = (
        "Recognize the digit in each image with weights trained on MNIST that come with kerazoo. "
        "Images may have any size, be gray or color, dark on light or light on dark. A file that "
        "cannot be read costs a line of the log, and the exit code."
    )
    names = [card["model"] for card in shipped.cards(WEIGHTS)]
    text = f"the model: {' or '.join(names)}"
    parser.add_argument("--model", type=one_of(names), required=True, metavar="NAME", help=text)
    text = "a BMP, GIF, JPEG, PNG, TIFF or WebP file"
    parser.add_argument("images", type=unchecked_path, nargs="+", metavar="IMAGE", help=text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_predict)


def _predict(parsed: argparse.Namespace) -> None:
    if not any(map(_may_be_there, parsed.images)):
        raise UsageError(f"there is no file '{parsed.images[0]}'")
    from kerazoo.device import start_tensorflow

    start_tensorflow()
    from kerazoo.inference.predict import predict
    from kerazoo.progress import progress_bar

    headings = ("image", "class", "probability", "second class", "second probability")
    rows: list[dict[str, Any]] = []
    errors: list[KerazooError] = []
    results = predict(parsed.model, WEIGHTS, parsed.images)
    for image, result in progress_bar(results, desc="images", total=len(parsed.images)):
        if isinstance(result, KerazooError):
            errors.append(result)
        else:
            first, second, *_ = result
            rows.append(dict(zip(headings, (str(image), *first, *second), strict=True)))
    if rows:
        width = terminal_width()
        print_result(format_table(rows, parsed.format, cell=_three_decimals, width=width))
    if errors:
        *others, last = sorted(errors, key=lambda error: error.exit_code)
        for error in others:
            logger.error("%s", error)
        raise last


def _may_be_there(image: Path) -> bool:
    try:
        return mode(image) is not None
    except (UsageError, OSError):  # what is wrong is reported with the others
        return True


def _three_decimals(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3f}"
