"""The command `kerazoo summary`."""

import argparse

from kerazoo import text
from kerazoo.accounting import inputs
from kerazoo.arguments import Parser, add_format, add_messages, integer, print_result, shape


def add(parser: Parser) -> None:
    """Add the options of `summary` to a parser."""
    parser.description = "Count MACs, FLOPs, parameters, bytes and receptive fields by layer."
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name of `kerazoo list`, keras.applications:ResNet50, or a .keras file",
    )
    help_text = "shape of one sample, such as 224x224x3 (default: the model's)"
    parser.add_argument("--input-shape", type=shape, metavar="AxBxC", help=help_text)
    help_text = "samples in a batch, of which all counts are (default: 1)"
    size = integer(1, 2**31 - 1)
    parser.add_argument("--batch-size", type=size, default=1, metavar="N", help=help_text)
    add_format(parser, "html")
    add_messages(parser)
    parser.set_defaults(run=_summary)


def _summary(parsed: argparse.Namespace) -> None:
    inputs.check_model_name(parsed.model)
    from kerazoo.device import start_tensorflow

    start_tensorflow()
    from kerazoo.accounting import render, table

    model = inputs.open_model(parsed.model, parsed.input_shape)
    counts = table.summary(model, parsed.input_shape, parsed.batch_size)
    width = text.terminal_width()
    print_result(render.formatted(counts, parsed.format, parsed.model, width))
