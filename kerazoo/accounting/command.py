"""The command `kerazoo summary`."""

import argparse
import importlib

from kerazoo import figure_files, text
from kerazoo.accounting import choices, inputs
from kerazoo.arguments import (
    Parser,
    add_format,
    add_messages,
    integer,
    list_of,
    one_of,
    path,
    print_result,
    shape,
)
from kerazoo.errors import UsageError, reason


def add(parser: Parser) -> None:
    """Add the options of `summary` to a parser."""
    parser.description = "Count MACs, FLOPs, parameters, bytes and receptive fields by layer."
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="+",
        help="a name of `kerazoo list`, keras.applications:ResNet50, or a .keras or .h5 file; "
        "several are compared in one table",
    )
    help_text = (
        "shape of one sample, such as 224x224x3 (default: the model's); once for each input of a "
        "model that has several"
    )
    parser.add_argument(
        "--input-shape", action="append", type=shape, metavar="AxBxC", help=help_text
    )
    help_text = "samples in a batch, of which all counts are (default: 1)"
    size = integer(1, 2**31 - 1)
    parser.add_argument("--batch-size", type=size, default=1, metavar="N", help=help_text)
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="Python module with classes that a file needs; it is run, so trust it",
    )
    _add_rows(parser)
    add_format(parser, "html")
    add_messages(parser)
    parser.set_defaults(run=_summary)


def _add_rows(parser: Parser) -> None:
    """Add the options for the rows and columns of the table of one model, and for its figure."""
    group = parser.add_argument_group("rows and columns")
    help_text = "a row for each block, N levels deep, instead of each layer"
    group.add_argument("--depth", type=integer(1, 1000), metavar="N", help=help_text)
    help_text = "layer, or type for a row for each class of layers (default: layer)"
    group.add_argument("--by", type=one_of(choices.GROUPS), metavar="ROWS", help=help_text)
    names = ", ".join(choices.EXTRA_COLUMNS)
    group.add_argument(
        "--columns",
        type=list_of(choices.EXTRA_COLUMNS),
        default=(),
        metavar="NAMES",
        help=f"more columns, with commas between them, of {names}",
    )
    group.add_argument(
        "--figure",
        type=path,
        metavar="FILE",
        help="write bars of MACs and parameters, by block or by model, to a .png or .svg file",
    )


def _summary(parsed: argparse.Namespace) -> None:
    for name in parsed.models:
        inputs.check_model_name(name)
    if len(set(parsed.models)) < len(parsed.models):
        raise UsageError("a model is named twice: name different ones to compare them")
    if len(parsed.models) > 1 and (parsed.depth or parsed.by or parsed.columns):
        raise UsageError("--depth, --by and --columns are for the table of one model")
    if parsed.figure:
        figure_files.check(parsed.figure)
    from kerazoo.device import start_keras, start_tensorflow

    (start_tensorflow if parsed.modules else start_keras)()
    for module in parsed.modules:
        _import(module)
    if parsed.input_shape and len(parsed.input_shape) == 1:
        (parsed.input_shape,) = parsed.input_shape
    single = len(parsed.models) == 1
    print_result(_of_one(parsed) if single else _comparison(parsed))


def _import(module: str) -> None:
    """Import a module that a file needs."""
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # it may raise anything
        raise UsageError(f"--import {module}: {type(error).__name__}: {reason(error)}") from error


def _of_one(parsed: argparse.Namespace) -> str:
    """Return the table of a model, and write its figure."""
    from kerazoo.accounting import blocks, chart, render
    from kerazoo.accounting.table import summary

    (name,) = parsed.models
    model = inputs.open_model(name, parsed.input_shape, parsed.modules)
    table = summary(
        model,
        parsed.input_shape,
        parsed.batch_size,
        columns=parsed.columns,
        by=parsed.by or "layer",
        depth=parsed.depth,
    )
    if parsed.figure:
        by_layer = parsed.depth is None and parsed.by is None
        chart.write(blocks.by_block(table, 1) if by_layer else table, parsed.figure, name)
    return render.formatted(table, parsed.format, name, text.terminal_width())


def _comparison(parsed: argparse.Namespace) -> str:
    """Return the table of several models, and write its figure."""
    from kerazoo.accounting import chart, render
    from kerazoo.accounting.compare import compare

    models = {
        name: inputs.open_model(name, parsed.input_shape, parsed.modules) for name in parsed.models
    }
    table = compare(models, parsed.input_shape, parsed.batch_size)
    if parsed.figure:
        chart.write(table, parsed.figure, "kerazoo summary")
    return render.comparison(table, parsed.format, text.terminal_width())
