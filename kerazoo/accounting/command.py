"""The verb `summary`."""

from __future__ import annotations

import argparse
import shutil
import sys

from kerazoo.accounting import open_model
from kerazoo.arguments import Parser, add_messages, integer, print_result, start

FORMATS = ("csv", "json", "markdown", "html")


def add(parser: Parser) -> None:
    """Give the parser the options of `summary`."""
    parser.description = (
        "Count a model layer by layer: shapes, parameters, multiply-accumulates, operations, "
        "memory, receptive field."
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name of `kerazoo list`, keras.applications:ResNet50, or a .keras file",
    )
    parser.add_argument(
        "--input-shape",
        type=shape,
        metavar="AxBxC",
        help="of one sample, such as 224x224x3 (default: the model's own)",
    )
    text = "samples in a batch, of which all counts are (default: 1)"
    parser.add_argument(
        "--batch-size", type=integer(1, 2**31 - 1), default=1, metavar="N", help=text
    )
    forms = parser.add_mutually_exclusive_group()
    for form in FORMATS:
        forms.add_argument(f"--{form}", action="store_true", help=f"print it as {form}")
    add_messages(parser)
    parser.set_defaults(run=_summary)


def shape(text: str) -> tuple[int, ...]:
    """Read a shape such as 224x224x3 or 224,224,3."""
    try:
        axes = tuple(int(axis) for axis in text.replace(",", "x").split("x"))
    except ValueError:
        axes = ()
    if not axes or min(axes) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no shape such as 224x224x3")
    return axes


def _summary(parsed: argparse.Namespace) -> None:
    open_model.check(parsed.model)
    start()
    from kerazoo.accounting import render, table

    model = open_model.open_model(parsed.model, parsed.input_shape)
    counted = table.summary(model, parsed.input_shape, parsed.batch_size)
    if parsed.csv:
        text = render.as_csv(counted)
    elif parsed.json:
        text = render.as_json(counted, parsed.model)
    elif parsed.markdown:
        text = render.as_markdown(counted)
    elif parsed.html:
        text = render.as_html(counted, parsed.model)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = render.as_text(counted, width)
    print_result(text)
