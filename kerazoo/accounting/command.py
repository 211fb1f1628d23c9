"""The command `kerazoo summary`."""

from __future__ import annotations

import argparse
import shutil
import sys

from kerazoo.accounting import inputs
from kerazoo.arguments import Parser, add_messages, integer, print_result, start

FORMATS = ("csv", "json", "markdown", "html")


def add(parser: Parser) -> None:
    """Add the options of `summary` to a parser."""
    parser.description = "Count MACs, FLOPs, parameters, bytes and receptive fields by layer."
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name of `kerazoo list`, keras.applications:ResNet50, or a .keras file",
    )
    text = "shape of one sample, such as 224x224x3 (default: the model's)"
    parser.add_argument("--input-shape", type=shape, metavar="AxBxC", help=text)
    text = "samples in a batch, of which all counts are (default: 1)"
    size = integer(1, 2**31 - 1)
    parser.add_argument("--batch-size", type=size, default=1, metavar="N", help=text)
    formats = parser.add_mutually_exclusive_group()
    for name in FORMATS:
        formats.add_argument(f"--{name}", action="store_true", help=f"print the table as {name}")
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
    inputs.check_model_name(parsed.model)
    start()
    from kerazoo.accounting import render, table

    model = inputs.open_model(parsed.model, parsed.input_shape)
    counts = table.summary(model, parsed.input_shape, parsed.batch_size)
    if parsed.csv:
        text = render.as_csv(counts)
    elif parsed.json:
        text = render.as_json(counts, parsed.model)
    elif parsed.markdown:
        text = render.as_markdown(counts)
    elif parsed.html:
        text = render.as_html(counts, parsed.model)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = render.as_text(counts, width)
    print_result(text)
