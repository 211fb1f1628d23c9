"""The command `kerazoo demo`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

from kerazoo import figure_files, files
from kerazoo.arguments import Parser, add_messages, one_of, path, print_result, start
from kerazoo.demos.catalogue import DEMOS
from kerazoo.demos.texts import LANGUAGES
from kerazoo.device import start_keras
from kerazoo.errors import UsageError
from kerazoo.text import either, printable


def add(parser: Parser) -> None:
    """Add the options of `demo` to the parser."""
    parser.description = (
        "Draw a figure that explains something of the study notes. Without a name, list the demos."
    )
    parser.add_argument("name", nargs="?", type=one_of(DEMOS), metavar="NAME", help="of the demo")
    parser.add_argument("--all", action="store_true", help="draw all demos")
    help_text = "your image in place of the demo's (BMP, GIF, JPEG, PNG, TIFF or WebP)"
    parser.add_argument("--image", type=path, metavar="FILE", help=help_text)
    help_text = "your model: the directory of a run, a .keras file, or a name of `kerazoo list`"
    parser.add_argument("--model", metavar="MODEL", help=help_text)
    help_text = f"the figure, {either(figure_files.FORMATS)}, or its directory (default: NAME.png)"
    parser.add_argument("--out", type=path, metavar="FILE|DIR", help=help_text)
    help_text = f"language of the texts, {either(LANGUAGES)} (default: en)"
    parser.add_argument(
        "--lang", type=one_of(LANGUAGES), default="en", metavar="LANGUAGE", help=help_text
    )
    add_messages(parser)
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> None:
    if parsed.all and (parsed.name or parsed.image or parsed.model):
        raise UsageError("--all cannot be combined with a name, --image or --model")
    if parsed.name is None and (parsed.image or parsed.model or (parsed.out and not parsed.all)):
        raise UsageError("--image, --model and --out need the name of a demo")
    if not parsed.all and parsed.name is None:
        print_result("\n".join(_list(parsed.lang)))
        return
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of its caches
    from kerazoo.demos import make

    names = list(DEMOS) if parsed.all else [parsed.name]
    for name in names:
        make.check_options(name, parsed.image, parsed.model)
    targets = [_target(name, parsed) for name in names]
    used = {DEMOS[name].uses for name in names}
    if "tensorflow" in used:
        start()
    elif "keras" in used:
        start_keras()
    for name, target in zip(names, targets, strict=True):
        make.page(name, parsed.image, parsed.model, parsed.lang).save(target)
        print_result(printable(f"wrote {target}"))


def _list(language: str) -> Iterator[str]:
    width = max(map(len, DEMOS))
    for name, demo in DEMOS.items():
        yield f"{name:{width}}  {demo.title.in_language(language)}"


def _target(name: str, parsed: argparse.Namespace) -> Path:
    """Return the path of a figure, in a directory that exists."""
    out, is_directory = parsed.out, parsed.all
    if out is None:
        target = Path(f"{name}.png")
    elif is_directory and out.exists() and not out.is_dir():
        raise UsageError(f"'{out}' is a file: --all needs a directory")
    elif is_directory or out.is_dir():
        files.make(out)
        target = out / f"{name}.png"
    else:
        target = out
    figure_files.check(target, parsed.image)
    return target
