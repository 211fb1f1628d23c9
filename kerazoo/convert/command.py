"""The command `kerazoo convert`."""

import argparse
from pathlib import Path

from kerazoo.arguments import Parser, add_messages, one_of, path, print_result, start
from kerazoo.convert import DOWNLOAD
from kerazoo.errors import UsageError
from kerazoo.files import check_target
from kerazoo.weights.checkpoint_files import exists, index_of
from kerazoo.weights.selection import Selection


def add(parser: Parser) -> None:
    """Add the options of `convert` to the parser."""
    parser.description = (
        "Convert weights from one library to another, then compare the outputs of both networks."
    )
    add = parser.add_argument
    add(
        "source",
        type=_source,
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
    text = "leave out weights by their names in SOURCE, such as 'vgg_16/fc8/*'; may be repeated"
    add("--ignore", action="append", default=[], metavar="PATTERN", help=text)
    text = "regular expression and its replacement in the names in SOURCE; may be repeated"
    add("--rename", action="append", default=[], type=_renaming, metavar="OLD=NEW", help=text)
    text = "load the raw weights of a checkpoint, not their moving averages"
    add("--no-averages", action="store_true", help=text)
    add("--overwrite", action="store_true", help="replace TARGET if it exists")
    add_messages(parser)
    parser.set_defaults(run=_convert)


def _convert(parsed: argparse.Namespace) -> None:
    _check_target(parsed.target, parsed.overwrite)
    if not parsed.source.startswith(DOWNLOAD) and not exists(Path(parsed.source)):
        raise UsageError(f"there is no file and no checkpoint '{parsed.source}'")
    selection = Selection(not parsed.no_averages, parsed.ignore, dict(parsed.rename))
    start()
    from kerazoo.convert.convert import convert

    result = convert(parsed.source, parsed.target, parsed.model, parsed.head, selection)
    print_result(
        f"relative difference {result.difference.relative:.1e}, absolute "
        f"{result.difference.absolute:.1e}, of outputs {list(result.outputs)}\n"
        f"wrote {parsed.target}: {result.config}"
    )


def _source(text: str) -> str:
    """Return a download as it is, and else a path, in which ~ is a home directory."""
    return text if text.startswith(DOWNLOAD) else str(path(text))


def _renaming(text: str) -> tuple[str, str]:
    old, separator, new = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"'{text}' is not OLD=NEW")
    return old, new


def _check_target(target: Path, overwrite: bool) -> None:
    if target.suffix not in (".keras", ".h5", ".ckpt"):
        raise UsageError(f"'{target}' must end with .keras, .h5, .weights.h5 or .ckpt")
    check_target(target)
    for existing in (target, index_of(target)):
        if existing.exists() and not overwrite:
            raise UsageError(f"'{existing}' exists: name another file or give --overwrite")
