"""The command `kerazoo convert`."""

from __future__ import annotations

import argparse

from kerazoo.arguments import Parser, add_messages, one_of, path, print_result, start


def add(parser: Parser) -> None:
    """Add the options of `convert` to the parser."""
    parser.description = (
        "Convert weights from one library to another, then compare the outputs of both networks."
    )
    add = parser.add_argument
    add(
        "source",
        metavar="SOURCE",
        help="a checkpoint of tf-slim or of legacy_tf1, an .h5 or .weights.h5 file of "
        "keras.applications, a .keras file of kerazoo, or keras.applications:VGG16 to download",
    )
    add(
        "target",
        type=path,
        metavar="TARGET",
        help="a new .keras, .h5 or .weights.h5 file, or the .ckpt prefix of a checkpoint",
    )
    add("--model", metavar="NAME", help="the model of the weights (default: detect)")
    heads = ("conv", "dense")
    text = "conv or dense, of a VGG that becomes a .keras file (default: conv)"
    add("--head", type=one_of(heads), metavar="NAME", help=text)
    add("--overwrite", action="store_true", help="replace TARGET if it exists")
    add_messages(parser)
    parser.set_defaults(run=_convert)


def _convert(parsed: argparse.Namespace) -> None:
    from kerazoo.convert import target

    target.check(parsed.target, parsed.overwrite)
    start()
    from kerazoo.convert.convert import convert

    result = convert(parsed.source, parsed.target, parsed.model, parsed.head)
    print_result(
        f"relative difference {result.difference.relative:.1e}, absolute "
        f"{result.difference.absolute:.1e}, of outputs {list(result.outputs)}\n"
        f"wrote {parsed.target}: {result.config}"
    )
