"""The command `kerazoo VERB`; nothing heavy is imported before a verb begins its work."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import math
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import kerazoo
from kerazoo import registry
from kerazoo.data import names
from kerazoo.errors import UsageError, did_you_mean, explain
from kerazoo.training import run_folder
from kerazoo.training.options import PRECISIONS, Recipe, TrainOptions

MOST = 2**31 - 1
EXIT_CODES = (
    "exit codes: 0 done, 1 failed, 2 usage, 3 data missing, 4 file corrupt, 130 interrupted"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what goes wrong is told in one sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _prepare_streams()
    try:
        parsed = _parse(arguments)
        parsed.run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        message, code = explain(error)
        print(f"kerazoo: {message}", file=sys.stderr)
        return code
    return 0


def _prepare_streams() -> None:
    """Let no stream that is closed or of another encoding get in the way."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for the whole process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Go on without standard output when who reads it has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        _drop_output()


class _Parser(argparse.ArgumentParser):
    """A parser that raises where argparse exits, and knows no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")

    def refuse(self, unknown: str) -> NoReturn:
        self.error(
            f"unknown argument '{unknown}'{did_you_mean(unknown, self._option_string_actions)}"
        )


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="kerazoo", description=kerazoo.__doc__, epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"kerazoo {kerazoo.__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="VERB")
    _add_list(verbs.add_parser("list", help="name the models"))
    _add_train(verbs.add_parser("train", help="train a model", epilog=EXIT_CODES))
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first and first not in verbs.choices:
        parser.error(f"unknown verb '{first}'{did_you_mean(first, verbs.choices)}")
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        parsed.parser.refuse(unknown[0])
    return parsed


def _add_list(parser: _Parser) -> None:
    parser.description = "Name the models of the zoo, with their facts."
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'vgg*' (default: all)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=_list)


def _add_train(parser: _Parser) -> None:
    parser.description = "Train a model and leave what came of it in a run folder."
    _add_data(parser.add_argument_group("what to train"))
    _add_recipe(parser.add_argument_group("how to train it"))
    _add_outcome(parser.add_argument_group("what to leave"))
    parser.set_defaults(run=_train)


def _add_data(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", required=True, metavar="NAME", help="the model; `kerazoo list` names them")
    add(
        "--data",
        default="auto",
        metavar="NAME",
        help="mnist, digits, folder:PATH, an image set of tensorflow-datasets such as cifar10, or "
        "auto: mnist where it can be had, otherwise digits (default: auto)",
    )
    add(
        "--mnist-dir",
        type=_path,
        default=os.environ.get("KERAZOO_MNIST_DIR") or None,
        metavar="DIR",
        help="folder with MNIST's four original files (default: KERAZOO_MNIST_DIR, if set)",
    )
    text = "use N images at the most of each split (default: all)"
    add("--limit", type=_whole(1, MOST), metavar="N", help=text)


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    recipe = Recipe()
    options = [
        ("--epochs", _whole(1, MOST), recipe.epochs, "passes over the training images"),
        ("--batch-size", _whole(1, MOST), recipe.batch_size, "images of one step"),
        ("--learning-rate", _positive, recipe.learning_rate, "Adam's step size"),
        ("--seed", _whole(0, 2**32 - 1), recipe.seed, "of the weights and the order of images"),
        ("--precision", _precision, recipe.precision, f"of the layers, {' or '.join(PRECISIONS)}"),
    ]
    for flag, kind, default, text in options:
        value = "NAME" if kind is _precision else "N"
        help_text = f"{text} (default: {default})"
        group.add_argument(flag, type=kind, default=default, metavar=value, help=help_text)


def _add_outcome(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    text = "the run folder (default: runs/<time>-<model>-<data>)"
    add("--out", type=_path, metavar="DIR", help=text)
    add("--overwrite", action="store_true", help="replace the run that is in --out")
    add("--tensorboard", action="store_true", help="write TensorBoard events too")
    add("--dry-run", action="store_true", help="try one batch and write nothing")
    add("--debug", action="store_true", help="show the traceback of an error")


def _list(parsed: argparse.Namespace) -> None:
    found = registry.list_models(parsed.pattern)
    if not found:
        raise UsageError(f"no model's name matches '{parsed.pattern}'; `kerazoo list` names all")
    rows = [("name", "input", "parameters", "MACs", "year", "source")]
    for name in found:
        entry = registry.find(name)
        size = "x".join(str(side) for side in entry.input_shape)
        figures = (f"{entry.params:,}", f"{entry.macs:,}", str(entry.year))
        rows.append((name, size, *figures, entry.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name, *middle, source in rows:
        cells = (cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))
        print("  ".join([name.ljust(widths[0]), *cells, source])[:terminal])


def _train(parsed: argparse.Namespace) -> None:
    options = _train_options(parsed)
    registry.find(options.model)
    names.check(options.data)
    if not options.dry_run:
        run_folder.check(options.out, options.overwrite)

    from kerazoo.training.device import start_tensorflow

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    device, warning = start_tensorflow()

    from kerazoo.training.train import train

    _say(f"kerazoo {kerazoo.__version__}, {device}")
    if warning:
        print(f"kerazoo: warning: {warning}", file=sys.stderr)
    _say(json.dumps(train(options, device, say=_say)))


def _train_options(parsed: argparse.Namespace) -> TrainOptions:
    def given(kind: type[Recipe] | type[TrainOptions]) -> dict[str, Any]:
        names = {field.name for field in dataclasses.fields(kind)}
        return {name: value for name, value in vars(parsed).items() if name in names}

    return TrainOptions(recipe=Recipe(**given(Recipe)), **given(TrainOptions))


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number from {least} to {most}"
            )
        return number

    return read


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is in the home folder of nobody") from error


def _precision(text: str) -> str:
    if text not in PRECISIONS:
        hint = did_you_mean(text, PRECISIONS)
        raise argparse.ArgumentTypeError(f"'{text}'{hint} is none of {', '.join(PRECISIONS)}")
    return text


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number
